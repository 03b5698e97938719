"""Check that generated samples are allowed by their schema."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.schema.validator import Validator
from callsheet.schemadiff.classify import example
from callsheet.schemadiff.normal_form import Cases
from callsheet.schemadiff.samples import Samples, texts_matching
from callsheet.schemadiff.view import SchemaView


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 3, "maxLength": 4},
        {"type": "string", "pattern": "^[a-z]{2,5}-\\d+$"},
        {"type": "integer", "minimum": 7, "multipleOf": 5},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
        {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a", "b"]},
        {"oneOf": [{"type": "string"}, {"type": "null"}]},
        {"allOf": [{"required": ["a"]}, {"properties": {"a": {"enum": ["x", "y"]}}}]},
        {"type": "object", "minProperties": 2, "additionalProperties": {"type": "string"}},
    ],
)
def test_an_example_is_allowed(schema: dict[str, Any]) -> None:
    sample = example(schema)

    assert sample is not None
    assert Validator.of(schema).allows(sample.value)


def test_a_schema_that_allows_nothing_has_no_example() -> None:
    assert example(False) is None
    assert example({"type": "object", "required": ["a"], "properties": {"a": False}}) is None


def test_values_that_both_sides_take_come_first() -> None:
    own, other = (Cases(SchemaView({"enum": values})) for values in ([1, 2, 3], [3]))

    assert Samples(own, other).of(own.view.root, other.view.root) == [3, 1, 2]


@pytest.mark.parametrize("pattern", ["^a{100000}$", "(", "^(?=x)y$", "(?P<n>a)(?P=n)"])
def test_a_hard_pattern_gives_nothing(pattern: str) -> None:
    assert texts_matching(pattern) == []
