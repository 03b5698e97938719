"""An odd keyword costs itself: it is translated, or named and not checked; all else refuses."""

from __future__ import annotations

import time
from typing import Any

import pytest

from callsheet.actions.params import read_params
from callsheet.schema.admission import admit
from callsheet.schema.validator import Validator

D4 = "http://json-schema.org/draft-04/schema#"
D7 = "http://json-schema.org/draft-07/schema#"
D12 = "https://json-schema.org/draft/2020-12/schema"
INTEGER = {"type": "integer"}
MARKED = {"type": "integer", "minimum": 0, "exclusiveMinimum": True}


def fields(**properties: Any) -> dict[str, Any]:
    """Build an object with a required text and these fields."""
    return {
        "type": "object",
        "properties": {"prompt": {"type": "string"}, **properties},
        "required": ["prompt"],
    }


def verdicts(schema: Any, *bodies: Any) -> list[bool]:
    validator = Validator.of(schema)
    return [validator.allows({"prompt": "x", **body}) for body in bodies]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (fields(n=MARKED), {"n": 1}, {"n": 0}),
        ({"$schema": D12, **fields(n=MARKED)}, {"n": 1}, {"n": 0}),
        ({"$schema": D4, **fields(n=MARKED)}, {"n": 1}, {"n": 0}),
        ({"$schema": D4, **fields(n={"exclusiveMinimum": 0})}, {"n": 1}, {"n": 0}),
        ({"$schema": D4, **fields(n={"minimum": 3, "exclusiveMinimum": 0})}, {"n": 3}, {"n": 2}),
        ({"$schema": D4, **fields(n=True, m=False)}, {"n": 1}, {"m": 1}),
        (fields(n={"minimum": 1, "exclusiveMinimum": False}), {"n": 1}, {"n": 0}),
        (fields(n={"required": True}, m={"required": False}), {"n": 1}, {"m": 1}),
        (fields(n={**INTEGER, "nullable": True}), {"n": None}, {"n": "x"}),
        (fields(n={**INTEGER, "x-nullable": True}), {"n": None}, {"n": "x"}),
        (fields(n={"enum": ["a"], "nullable": True}), {"n": None}, {"n": "b"}),
        (fields(n={"const": "a", "nullable": True}), {"n": None}, {"n": "b"}),
        (fields(n={"anyOf": [INTEGER], "nullable": True}), {"n": None}, {"n": "b"}),
        (
            {**fields(n={"$ref": "#/$defs/a", "nullable": True}), "$defs": {"a": INTEGER}},
            {"n": None},
            {"n": "b"},
        ),
        (
            {
                **fields(n={"$ref": "#/definitions/a", "nullable": True, "maximum": 1}),
                "definitions": {"a": INTEGER},
            },
            {"n": 7},
            {"n": "b"},
        ),
        (
            {"$schema": D12, **fields(n={"items": [INTEGER], "additionalItems": False})},
            {"n": [1]},
            {"n": [1, 2]},
        ),
        (fields(n={"type": "STRING"}), {"n": "x"}, {"n": 1}),
        (fields(n={"type": "int"}), {"n": 1}, {"n": 1.5}),
        (fields(n={"type": ["float", "none"]}), {"n": None}, {"n": "1"}),
        (fields(n={"type": "object", "properties": []}), {"n": {}}, {"n": 1}),
        (fields(n=[]), {"n": 1}, {"prompt": 1}),
        ({**fields(n=INTEGER), "required": ["prompt", "prompt"]}, {}, {"n": "x"}),
        ({"$schema": D4, **fields(n=INTEGER), "required": []}, {}, {"n": "x"}),
        (fields(n={"enum": ["a", "a"]}), {"n": "a"}, {"n": "b"}),
        (
            fields(n={**INTEGER, "minimum": None, "enum": None, "format": None, "title": None}),
            {"n": 1},
            {"n": "x"},
        ),
        (
            fields(n={**INTEGER, "title": 5, "examples": "x", "deprecated": "no", "format": {}}),
            {"n": 1},
            {"n": "x"},
        ),
        (fields(n={**INTEGER, "$id": "a b", "$comment": 5}), {"n": 1}, {"n": "x"}),
        (
            {**fields(n={"$ref": "#a"}), "$defs": {"a": {"$id": "#a", **INTEGER}}},
            {"n": 1},
            {"n": "x"},
        ),
        (fields(n={**INTEGER, "description": "x" * 200_000}), {"n": 1}, {"n": "x"}),
        (fields(n={**INTEGER, "description": "\ud800"}), {"n": 1}, {"n": "x"}),
        (fields(n={"enum": [f"c{i}" for i in range(20_000)]}), {"n": "c19999"}, {"n": "c"}),
        (
            fields(n={"anyOf": [{"const": f"c{i}"} for i in range(20_000)]}),
            {"n": "c19999"},
            {"n": "c"},
        ),
        (fields(**{f"p{i}": INTEGER for i in range(3_000)}), {"p2999": 1}, {"p2999": "x"}),
    ],
)
def test_a_habit_is_translated_without_a_word(schema: Any, good: Any, bad: Any) -> None:
    assert verdicts(schema, good, bad) == [True, False]
    assert Validator.of(schema).notes == ()


def deep(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = INTEGER
    for _ in range(depth):
        schema = {"items": schema}
    return schema


ODD: list[tuple[dict[str, Any], str]] = [
    *(({"type": kind}, "type") for kind in ("any", "file", 5, [], {}, "image", ["string", "x"])),
    *(({"minimum": limit}, "minimum") for limit in ("1", True, [], {})),
    *(({"enum": choices}, "enum") for choices in ({"a": "A"}, "a", [], 5, [10**4_000], ["\ud800"])),
    *(({"pattern": text}, "pattern") for text in (5, "[", r"(a)\1", "a" * 5_000, "a(?<!b)")),
    *(
        ({"$ref": ref}, "$ref")
        for ref in ("https://a.example/s.json", "file:///etc/passwd", "#/$defs/none", "#no", 5)
    ),
    ({"$ref": "#/required"}, "$ref"),
    ({"$dynamicRef": "#nope"}, "$dynamicRef"),
    ({"exclusiveMinimum": True}, "exclusiveMinimum"),
    ({"items": {"required": "a"}}, "items/required"),
    ({"items": {"required": True}}, "items/required"),
    ({"maximum": 10**4_000}, "maximum"),
    ({"maximum": float("nan")}, "maximum"),
    ({"multipleOf": 0}, "multipleOf"),
    ({"minLength": -1}, "minLength"),
    ({"additionalProperties": "false"}, "additionalProperties"),
    ({"properties": "none"}, "properties"),
    ({"properties": {"a": "string"}}, "properties/a"),
    ({"properties": {"\udfff": {}}}, "properties/\ufffd"),
    ({"patternProperties": {"a" * 5_000: {}}}, "patternProperties/" + "a" * 5_000),
    ({"dependentRequired": {"a": "b"}}, "dependentRequired"),
    ({"anyOf": []}, "anyOf"),
    ({"anyOf": [5, {"type": "string"}]}, "anyOf/0"),
    ({"contains": {}, "minContains": "1"}, "minContains"),
    (deep(70), "/".join(["items"] * 63)),
]
VALUES: tuple[Any, ...] = (None, True, 0, -1, 1.5, "", "x", [], [1], {}, {"a": 1, "b": 2})


@pytest.mark.parametrize(("odd", "pointer"), ODD, ids=lambda value: str(value)[:30])
def test_what_cannot_be_read_costs_its_own_pointer(odd: dict[str, Any], pointer: str) -> None:
    validator = Validator.of(fields(n=odd, m={**INTEGER, "maximum": 9}))

    places = [note.partition(" is not checked: ")[0] for note in validator.notes]
    assert [place.rstrip("…") for place in places] == [f"/properties/n/{pointer}"[:500]]
    assert all(validator.allows({"prompt": "x", "n": value, "m": 9}) for value in VALUES)
    assert not any(validator.allows({"prompt": "x", "n": value, "m": 10}) for value in VALUES)
    assert not validator.allows({"n": 1})


@pytest.mark.parametrize("ref", ["https://a.example/s.json", "#/definitions/none", 5])
def test_a_lost_reference_of_an_older_draft_takes_its_neighbours_along(ref: object) -> None:
    schema = {"$schema": D7, **fields(n={"$ref": ref, "type": "string"})}

    assert verdicts(schema, {"n": 1}, {"prompt": 1}) == [True, False]


LOST = {"$ref": "https://a.example/s.json"}


@pytest.mark.parametrize(
    ("odd", "good", "bad"),
    [
        ({"not": LOST}, [1], []),
        ({"not": {"properties": {"a": LOST}}}, [1], []),
        ({"if": LOST, "then": {"minimum": 5}, "else": {"minimum": 3}}, [4], [2]),
        ({"oneOf": [LOST, INTEGER, {"maximum": 5}]}, [7, 2.5, "x"], [2]),
        ({"oneOf": [LOST, INTEGER], "maximum": 9}, [7, 2.5], [10]),
        ({"contains": LOST, "maxContains": 0, "maxItems": 1}, [[1]], [[], [1, 2]]),
        ({"prefixItems": 5, "items": INTEGER, "maxItems": 1}, [["x"]], [["x", 1]]),
        ({"properties": {"a": LOST}, "additionalProperties": False}, [{"a": 1}], [{"b": 1}]),
        ({"properties": 5, "additionalProperties": False, "maxProperties": 1}, [{"a": 1}], []),
        ({"allOf": [LOST], "unevaluatedProperties": False}, [{"a": 1}], []),
        (
            {"properties": {"a": LOST}, "unevaluatedProperties": False},
            [{"a": 1}],
            [{"b": 1}],
        ),
    ],
)
def test_what_a_lost_keyword_could_make_stricter_is_loosened(
    odd: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    validator = Validator.of(fields(n=odd))

    assert [validator.allows({"prompt": "x", "n": value}) for value in good] == [True] * len(good)
    assert [validator.allows({"prompt": "x", "n": value}) for value in bad] == [False] * len(bad)
    assert len(validator.notes) == 1
    assert not validator.surely_allows({"prompt": "x", "n": good[0]})
    assert validator.surely_allows({"prompt": "x"})


def test_a_sound_target_of_a_reference_still_rules_out() -> None:
    odd = fields(n={"not": {"$ref": "#/$defs/a"}}, m=LOST)

    assert verdicts({**odd, "$defs": {"a": INTEGER}}, {"n": "x"}, {"n": 1}) == [True, False]


def test_what_stands_anywhere_and_is_referred_to_is_repaired() -> None:
    shared = {**INTEGER, "nullable": True, "minimum": "1", "properties": {"a": {"required": True}}}
    schema = {
        **fields(n={"$ref": "#/components/schemas/a"}),
        "components": {"schemas": {"a": shared}},
    }

    assert verdicts(schema, {"n": None}, {"n": 0}, {"n": "x"}) == [True, True, False]
    assert [note.split()[0] for note in Validator.of(schema).notes] == [
        "/components/schemas/a/minimum"
    ]


RING = {"$ref": "#/$defs/a"}


def doubling(levels: int) -> dict[str, Any]:
    parts = {
        f"l{level}": {"allOf": [{"$ref": f"#/$defs/l{level + 1}"}] * 2} for level in range(levels)
    }
    return {**fields(n={"$ref": "#/$defs/l0"}), "$defs": {**parts, f"l{levels}": INTEGER}}


def chain(length: int) -> dict[str, Any]:
    links = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(length)}
    return {**fields(n={"$ref": "#/$defs/d0"}), "$defs": {**links, f"d{length}": INTEGER}}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({**fields(), "$ref": "#"}, "itself"),
        ({**fields(n=RING), "$defs": {"a": {"allOf": [RING]}}}, "itself"),
        (doubling(30), "apply to one value"),
        (chain(1_900), "chain"),
    ],
)
def test_links_without_measure_are_cut(schema: dict[str, Any], reason: str) -> None:
    start = time.process_time()
    validator = Validator.of(schema)

    assert reason in validator.notes[0]
    assert [validator.allows(body) for body in ({"prompt": "x"}, {"prompt": 1})] == [True, False]
    assert time.process_time() - start < 2


def test_flags_read_what_was_translated() -> None:
    schema = fields(n={"type": "int", "required": True}, o={"type": "String", "nullable": True})
    params = {param.path[0]: param for param in read_params(admit(schema))}

    assert (params["n"].kind, params["n"].required) == ("integer", True)
    assert (params["o"].kind, params["o"].nullable) == ("string", True)
