"""What is seen to be allowed at a glance, the validator allows too."""

from __future__ import annotations

from typing import Any

import pytest
from fidelity.material import corpus, own
from hypothesis import given, settings
from hypothesis import strategies as st

from callsheet.schema import validator
from callsheet.schema.validator import UnusableSchema, Validator, is_plainly_valid

JOB = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "prompt": {"type": "string", "minLength": 1, "maxLength": 4, "description": "What."},
        "scene": {"type": "string", "enum": ["text-to-video", "ad"]},
        "seed": {"type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 9},
        "links": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "options": {"type": "object"},
        "named": {"pattern": "^a"},
    },
    "required": ["prompt"],
    "additionalProperties": False,
}
SEEN = [
    {"prompt": "sea"},
    {"prompt": "häää", "scene": "ad", "seed": 0},
    {"prompt": "x", "seed": None, "links": ["a", "b"], "options": {"a": [1, {"b": None}]}},
]
NOT_SEEN = [
    {},
    [],
    {"prompt": ""},
    {"prompt": "waves"},
    {"prompt": "\ud800"},
    {"prompt": "sea", "scene": "x"},
    {"prompt": "sea", "seed": True},
    {"prompt": "sea", "seed": 1.0},
    {"prompt": "sea", "seed": 9},
    {"prompt": "sea", "seed": -1},
    {"prompt": "sea", "links": []},
    {"prompt": "sea", "links": ["a", "b", "c"]},
    {"prompt": "sea", "links": [1]},
    {"prompt": "sea", "options": {"a": float("nan")}},
    {"prompt": "sea", "options": {"a": 2**60}},
    {"prompt": "sea", "named": "a"},
    {"prompt": "sea", "other": 1},
]


@pytest.mark.parametrize("body", SEEN)
def test_what_is_plain_is_seen(body: object) -> None:
    assert is_plainly_valid(JOB, body)


@pytest.mark.parametrize("body", NOT_SEEN)
def test_what_is_refused_or_not_plain_is_left_to_the_validator(body: object) -> None:
    assert not is_plainly_valid(JOB, body)


def test_a_deep_value_is_left_to_the_validator() -> None:
    deep: Any = 1
    for _ in range(validator._DEPTH):
        deep = [deep]

    assert not is_plainly_valid({}, deep)
    assert is_plainly_valid({}, deep[0])


def test_most_bodies_of_recorded_actions_are_seen_and_none_wrongly() -> None:
    cases = [*corpus(), *own()]
    accepted = sum(is_plainly_valid(case.input, body) for case in cases for body in case.valid)
    wrong = [body for case in cases for body in case.invalid if is_plainly_valid(case.input, body)]

    assert wrong == []
    assert accepted * 2 > sum(len(case.valid) for case in cases)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(2**60)
    | st.sampled_from([0.5, 1.0, -2.0]) | st.sampled_from(["", "a", "ab", "ü", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
LIMITS = st.sampled_from([0, 1, 2, 1.5, -1, True, None, "1", 2**60])
TYPES = ["string", "number", "integer", "boolean", "null", "array", "object"]


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    limits = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
    limits += ["minLength", "maxLength", "minItems", "maxItems"]
    optional: dict[str, st.SearchStrategy[Any]] = {
        "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, max_size=2),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "properties": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
        "required": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
        "additionalProperties": inner,
        "items": inner | st.lists(inner, max_size=1),
        "title": st.text(max_size=2),
        "uniqueItems": st.booleans(),
        "not": inner,
        **dict.fromkeys(limits, LIMITS),
    }
    return st.booleans() | st.fixed_dictionaries({}, optional=optional)


@settings(max_examples=600, deadline=None)
@given(st.recursive(st.just({}), _schemas, max_leaves=4), VALUES)
def test_the_validator_agrees_with_whatever_is_seen(schema: Any, body: Any) -> None:
    if not is_plainly_valid(schema, body):
        return
    try:
        judge = Validator.of(schema)
    except UnusableSchema:
        return  # no verdict can be had: the body would have gone out all the same
    assert judge.allows(body)
