"""A keyword goes from every subschema, and from nothing else."""

from __future__ import annotations

import jsonschema_rs as rs
import pytest

from callsheet.schema import validator
from callsheet.schema.references import drop_keyword, with_uri_refs


def test_only_keywords_go() -> None:
    before = {"dependencies": {"a": ["b"]}, "type": "object"}
    after = {"type": "object"}
    schema = {
        "properties": {"dependencies": before, "x": {"items": before}},
        "anyOf": [before, True],
        "$defs": {"d": before},
        "const": {"dependencies": 1},
        "enum": [{"dependencies": 1}],
        "dependencies": {},
    }

    assert drop_keyword(schema, "dependencies") == {
        "properties": {"dependencies": after, "x": {"items": after}},
        "anyOf": [after, True],
        "$defs": {"d": after},
        "const": {"dependencies": 1},
        "enum": [{"dependencies": 1}],
    }
    assert schema["dependencies"] == {}


_SIMPLE = ["a", "a%20b", "A:B", "a+b", "a?b", "a~1b", "a%25b"]
_ODD = [
    "My Type",
    "List<Foo>",
    "A[B]",
    "«X»",
    "a{b}",
    "a|b^c",
    'a"b',
    "größe",
    "a%b",
    "a#b",
    "a\\b",
]


@pytest.mark.parametrize("name", _SIMPLE)
def test_a_link_that_is_a_uri_stays(name: str) -> None:
    schema = {"items": {"$ref": f"#/$defs/{name}"}, "x": [{"$ref": "https://a.example/b#c"}]}

    assert with_uri_refs(schema) == schema


@pytest.mark.parametrize("words", ["$defs", "definitions"])
@pytest.mark.parametrize("name", _ODD)
def test_any_other_link_leads_where_it_led(name: str, words: str) -> None:
    link = {"$ref": f"#/{words}/{name}"}
    schema = {"properties": {"x": link}, words: {name: {"type": "integer"}}}
    with pytest.raises(ValueError, match="URI reference"):
        rs.Draft202012Validator(schema)
    judge = validator.Validator.of(schema)

    assert judge.allows({"x": 1})
    assert [fault.pointer for fault in judge.violations({"x": "1"})] == [("x",)]


def test_what_only_looks_like_a_link_stays() -> None:
    odd = {"$ref": "a b"}
    schema = {"properties": {"$ref": {"const": odd}}, "enum": [odd], "default": odd}

    assert with_uri_refs(schema) == schema
