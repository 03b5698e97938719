"""What a schema lets in beside the kind that it speaks of, its typed form takes as well."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet_codegen.models.prepare import Widener, drop_idle_keywords

FIELDS = {"properties": {"a": {"type": "string"}}}
LIST = {"items": {"type": "string"}}
OTHERS = [{"type": kind} for kind in ("array", "string", "number", "boolean", "null")]


def field(schema: dict[str, Any], **definitions: Any) -> Any:
    """Widen the schema of a field."""
    top = {"properties": {"x": schema}}
    return Widener({"A": top, **definitions}).all()["A"]["properties"]["x"]


@pytest.mark.parametrize(
    ("schema", "definitions"),
    [
        ({"type": "object", **FIELDS}, {}),
        ({"enum": ["a", None]}, {}),
        ({"anyOf": [{"type": "object", **FIELDS}, {"type": "null"}]}, {}),
        ({"$ref": "#/$defs/B"}, {"B": {"type": "object", **FIELDS}}),
        ({"$ref": "#/$defs/B"}, {"B": {"anyOf": [{"$ref": "#/$defs/B"}, {"type": "null"}]}}),
        ({"type": "object", "allOf": [FIELDS]}, {}),
        ({}, {}),
    ],
)
def test_what_says_its_type_stays(schema: dict[str, Any], definitions: Any) -> None:
    assert field(schema, **definitions) == schema


def test_fields_bind_objects_alone() -> None:
    assert field({**FIELDS, "description": "d"}) == {
        "anyOf": [{"type": "object", **FIELDS}, *OTHERS],
        "description": "d",
    }


def test_fields_and_entries_are_two_kinds() -> None:
    assert field({**FIELDS, **LIST}) == {
        "anyOf": [{"type": "object", **FIELDS}, {"type": "array", **LIST}, *OTHERS[1:]]
    }


@pytest.mark.parametrize(
    "schema", [{"$ref": "#/$defs/B"}, {"oneOf": [{"$ref": "#/$defs/B"}]}, {"allOf": [FIELDS]}]
)
def test_so_they_do_behind_a_link_and_in_members(schema: dict[str, Any]) -> None:
    assert field(schema, B=FIELDS) == {"anyOf": [schema, *OTHERS]}


def test_a_schema_may_hold_itself() -> None:
    widened = Widener({"A": {"properties": {"x": {"$ref": "#/$defs/A"}}}}).all(body="A")

    assert widened == {"A": {"properties": {"x": {"anyOf": [{"$ref": "#/$defs/A"}, *OTHERS]}}}}


def test_a_body_is_an_object() -> None:
    union = {"oneOf": [{"$ref": "#/$defs/B"}]}
    many = {"type": ["object", "array"], **FIELDS, **LIST}

    assert Widener({"A": {**FIELDS, **union}, "B": LIST}).all(body="A")["A"] == FIELDS
    assert Widener({"A": many}).all(body="A")["A"] == {"type": "object", **FIELDS}
    assert Widener({"A": many}).all()["A"] == many


def test_keywords_of_another_kind_bind_nobody() -> None:
    assert drop_idle_keywords({"type": ["integer"], **FIELDS, **LIST}) == {"type": ["integer"]}
    assert drop_idle_keywords({"type": ["array", "null"], **FIELDS, **LIST}) == {
        "type": ["array", "null"],
        **LIST,
    }
