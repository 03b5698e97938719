"""A body to fill in holds every field, required ones first, and ends in a recursive schema too."""

from __future__ import annotations

from typing import Any

import pytest
from fidelity.material import own

from callsheet.cli.dry_run import _fill
from callsheet.schema.admission import admit

SHAPES: list[tuple[Any, Any]] = [
    ({"type": "string"}, ""),
    ({"type": "string", "default": "x", "examples": ["y"]}, "x"),
    ({"type": "string", "examples": ["y"]}, "y"),
    ({"enum": ["big", "small"]}, "big"),
    ({"type": ["integer", "null"], "minimum": 3}, 3),
    ({"type": "number", "exclusiveMinimum": 0}, 1),
    ({"type": "boolean"}, False),
    ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, False),
    ({"type": "array", "items": {"type": "string"}}, []),
    ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["", ""]),
    ({"type": "array", "items": {"enum": ["a"]}}, ["a"]),
    (
        {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        [{"a": 0}],
    ),
    (
        {"oneOf": [{"type": "object", "properties": {"k": {"const": "v"}}}, {"type": "string"}]},
        {"k": "v"},
    ),
    ({}, None),
]


@pytest.mark.parametrize(("shape", "value"), SHAPES)
def test_a_value_of_each_shape(shape: Any, value: Any) -> None:
    schema = admit({"type": "object", "properties": {"x": shape}})

    assert _fill(schema) == {"x": value}


def test_required_first_and_nothing_hidden() -> None:
    text = {"type": "string"}
    fields = {"a": text, "b": text, "c": text}
    schema = admit({"type": "object", "properties": fields, "required": ["b"]})

    assert list(_fill(schema, {"c"})) == ["b", "a"]


def test_a_schema_that_holds_itself_ends() -> None:
    node = {"type": "object", "required": ["in"], "properties": {"in": {"$ref": "#/$defs/node"}}}
    body = _fill(admit({"$ref": "#/$defs/node", "$defs": {"node": node}}))

    assert str(body).count("in") == 8


@pytest.mark.parametrize("case", own(), ids=lambda case: case.id)
def test_every_shape_of_ours_has_one(case: Any) -> None:
    body = _fill(admit(case.input))

    assert set(case.input.get("required", ())) <= set(body)
