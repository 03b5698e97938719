"""The judge refuses what the schema forbids, in words, and never hangs or fetches."""

from __future__ import annotations

import time
from typing import Any

import pytest

from callsheet.schema.validator import UnusableSchema, Validator, Violation

TEXT = {"type": "string"}
OBJECT = {"type": "object", "required": ["type"]}
PETS = {
    "oneOf": [
        {**OBJECT, "properties": {"type": {"const": "cat"}, "lives": {"type": "integer"}}},
        {**OBJECT, "properties": {"type": {"const": "dog"}, "trick": TEXT}},
    ]
}
SCENES = {"enum": ["text-to-video", "ad-video"]}

WORDS: list[tuple[object, object, str]] = [
    (TEXT, 5, "is 5, wanted text"),
    ({"type": ["integer", "null"]}, "5", 'is "5", wanted a whole number or null'),
    ({"type": "integer"}, True, "is true, wanted a whole number"),
    (TEXT, {"a": 1}, "is an object, wanted text"),
    (
        SCENES,
        "text2video",
        'is "text2video", allowed: text-to-video, ad-video; did you mean text-to-video?',
    ),
    (SCENES, "AD-VIDEO", 'is "AD-VIDEO", allowed: text-to-video, ad-video; did you mean ad-video?'),
    ({"const": 1}, 2, "is 2, only 1 is allowed"),
    ({"minimum": 3}, 2, "is 2, the least is 3"),
    ({"exclusiveMaximum": 3}, 3, "is 3, it must be less than 3"),
    ({"multipleOf": 0.1}, 0.35, "is 0.35, it must be a multiple of 0.1"),
    ({"minLength": 3}, "ab", "has 2 characters, the least is 3"),
    ({"maxItems": 1}, [1, 2], "has 2 entries, the most is 1"),
    ({"uniqueItems": True}, [1, 1], "has the same entry twice"),
    ({"pattern": "^a+$"}, "b", 'is "b", it must match "^a+$"'),
    (False, 1, "1 is not allowed here"),
    ({"not": TEXT}, "a", 'is "a", which the schema rules out'),
    ({"anyOf": [TEXT, {"type": "integer"}]}, [], "is [], wanted text or a whole number"),
    ({"anyOf": [SCENES, {"type": "null"}]}, "x", 'is "x", allowed: text-to-video, ad-video, null'),
    ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, 3, "is 3, which fits more than one form"),
]


def violations(schema: object, body: object) -> tuple[Violation, ...]:
    """Compile ``schema`` and list what it forbids in ``body``."""
    return Validator.of(schema).violations(body)


def violation(schema: object, content: object) -> Violation:
    """Return the one thing that ``schema`` forbids in ``content``, which stands under ``x``."""
    (only,) = violations({"properties": {"x": schema}}, {"x": content})
    return only


@pytest.mark.parametrize(("schema", "content", "message"), WORDS)
def test_what_was_given_and_what_is_allowed(schema: object, content: object, message: str) -> None:
    reason = violation(schema, content)

    assert reason.message == message
    assert reason.pointer == ("x",)


@pytest.mark.parametrize(
    ("schema", "body", "pointer", "message"),
    [
        ({"required": ["a"]}, {}, ("a",), "is required and was not given"),
        (
            {"properties": {"scene": TEXT}, "additionalProperties": False},
            {"scen": "x"},
            ("scen",),
            '"scen" is not a known field; did you mean "scene"?',
        ),
        (
            {"properties": {"p": PETS}},
            {"p": {"type": "cow"}},
            ("p", "type"),
            'is "cow", allowed: cat, dog',
        ),
        (
            {"properties": {"p": PETS}},
            {"p": {"type": "cat", "lives": "9"}},
            ("p", "lives"),
            'is "9", wanted a whole number',
        ),
        ({"properties": {"l": {"items": TEXT}}}, {"l": ["a", 1]}, ("l", 1), "is 1, wanted text"),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            ("ab",),
            "the name has 2 characters, the most is 1",
        ),
        ({"unevaluatedProperties": False}, {"b": 1}, ("b",), '"b" is not a known field'),
        (
            {"dependentRequired": {"a": ["b"]}},
            {"a": 1},
            ("b",),
            'is required beside "a"',
        ),
        (
            {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {},
            ("a",),
            'is missing: "a" or "b" is required',
        ),
        (
            {
                "oneOf": [
                    {"properties": {"url": TEXT}, "required": ["url"]},
                    {"properties": {"id": TEXT}, "required": ["id"]},
                ]
            },
            {"url": 1},
            ("url",),
            "is 1, wanted text",
        ),
        (
            {"properties": {"l": {"prefixItems": [TEXT], "items": False}}},
            {"l": ["a", 1]},
            ("l",),
            "has more entries than are allowed",
        ),
    ],
)
def test_where_it_is_wrong(
    schema: dict[str, Any], body: object, pointer: tuple[str | int, ...], message: str
) -> None:
    (reason,) = violations(schema, body)

    assert (reason.pointer, reason.message) == (pointer, message)


def test_every_fault_is_told_outermost_first() -> None:
    schema = {
        "properties": {"a": {"type": "integer"}, "b": {"items": TEXT}},
        "required": ["c"],
        "additionalProperties": False,
    }
    reasons = violations(schema, {"a": "1", "b": [2], "z": 0})

    assert [reason.pointer for reason in reasons] == [("a",), ("c",), ("z",), ("b", 0)]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"multipleOf": 0.1}, 0.3, 0.31),
        ({"multipleOf": 0.01}, 0.07, 0.075),
        ({"pattern": r"^\d$"}, "3", "٣"),
        ({"pattern": r"^\w$"}, "a", "é"),
        ({"pattern": "^a$"}, "a", "a\n"),
        ({"pattern": r"^\p{L}$"}, "é", "1"),
        ({"type": "integer"}, 10**30, 1.5),
        ({"type": "integer"}, 1.0, "1"),
        ({"enum": [1]}, 1.0, True),
        ({"dependencies": {"a": ["b"]}, "minProperties": 1}, {"a": 1}, {}),
    ],
)
def test_where_validators_differ_the_verdict_is_decided(
    schema: object, good: object, bad: object
) -> None:
    assert violations({"properties": {"x": schema}}, {"x": good}) == ()
    assert len(violations({"properties": {"x": schema}}, {"x": bad})) == 1


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "(.*a){25}$", "^(([a-z])+.)+[A-Z]$"])
def test_no_pattern_hangs_verdict_or_message(pattern: str) -> None:
    schema = {"properties": {"x": {"pattern": pattern}, "y": TEXT}}
    started = time.process_time()
    reasons = violations(schema, {"x": "a" * 40 + "!", "y": 1})

    assert reasons[-1].pointer == ("y",)
    assert time.process_time() - started < 2


NO = "^a(?!x)"


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ({"properties": {"a": {"pattern": NO}}}, {"a": "x"}),
        ({"patternProperties": {NO: TEXT}, "additionalProperties": False}, {"a": "b"}),
        ({"not": {"properties": {"a": {"pattern": NO}}, "required": ["a"]}}, {"a": "x"}),
        ({"if": {"properties": {"a": {"pattern": NO}}}, "then": False}, {"a": "x"}),
        (
            {"oneOf": [{"properties": {"a": {"pattern": NO}}}, {"required": ["b"]}]},
            {"a": "x", "b": 1},
        ),
        (
            {"not": {"$ref": "#/$defs/n"}, "$defs": {"n": {"properties": {"a": {"pattern": NO}}}}},
            {"a": "x"},
        ),
    ],
)
def test_an_impossible_pattern_only_ever_lets_more_through(
    schema: dict[str, Any], body: object
) -> None:
    compiled = Validator.of({**schema, "maxProperties": 2})

    assert compiled.violations(body) == ()
    assert len(compiled.violations({"a": "b", "b": 2, "c": 3})) == 1
    assert len(compiled.notes) == 1
    assert compiled.notes[0].endswith(f"{NO}: it cannot be matched in linear time")


@pytest.mark.parametrize("schema", ["x", None, [{}], 5])
def test_a_schema_without_a_verdict_is_told(schema: object) -> None:
    with pytest.raises(UnusableSchema, match="not a JSON Schema"):
        Validator.of(schema)


def test_references_within_are_judged() -> None:
    tree = {
        "$defs": {"n": {"properties": {"kids": {"items": {"$ref": "#/$defs/n"}}, "v": TEXT}}},
        "$ref": "#/$defs/n",
    }

    assert violations(tree, {"kids": [{"kids": [{"v": "a"}]}]}) == ()
    assert violations(tree, {"kids": [{"kids": [{"v": 1}]}]})[0].pointer == (
        "kids",
        0,
        "kids",
        0,
        "v",
    )


def test_booleans_and_bodies_that_cannot_be_read() -> None:
    assert violations(True, {"a": 1}) == ()
    assert [reason.pointer for reason in violations(False, {"a": 1})] == [()]
    assert len(violations({"properties": {"a": TEXT}}, {"a": object()})) == 1
