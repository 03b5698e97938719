"""What the model generator is given holds types, names of ours and tokens, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet_codegen import names
from callsheet_codegen.models.prepare import ModelSchemaPreparer, NoModel, Vocabulary, wire_names

EVIL = '"""\nimport os\n'


def cleaned(schema: dict[str, Any], *, reply: bool = False) -> tuple[dict[str, Any], Vocabulary]:
    words = Vocabulary(fields=names.fields(wire_names(schema)))
    preparer = ModelSchemaPreparer(root="A", words=words, open_enums=reply, schema=schema)
    return preparer.definitions(), words


def test_no_byte_of_the_servers_text_is_left() -> None:
    schema = {
        "type": "object",
        "title": EVIL,
        "description": EVIL,
        "x-vendor": EVIL,
        "properties": {
            EVIL: {"type": "string", "default": EVIL, "pattern": EVIL, "format": EVIL},
            "choice": {"enum": [EVIL, "a"]},
            "fixed": {"const": EVIL},
            "inner": {"$ref": "#/$defs/" + EVIL.replace("/", "~1")},
        },
        "required": [EVIL],
        "$defs": {EVIL: {"type": "object", "properties": {EVIL: {"description": EVIL}}}},
    }
    cleaned_schemas, words = cleaned(schema)
    text = json.dumps(cleaned_schemas)

    assert "import os" not in text
    assert "default" not in text
    assert set(words.tokens.values()) == {EVIL, "a"}
    assert cleaned_schemas["A"]["required"] == [words.fields[EVIL]]


def test_constraints_go_and_types_stay() -> None:
    cleaned_schemas, _ = cleaned(
        {"properties": {"n": {"type": "integer", "minimum": 1, "multipleOf": 2}}}
    )

    assert cleaned_schemas == {"A": {"properties": {"n": {"type": "integer"}}, "required": []}}


def test_a_reply_may_say_a_new_value() -> None:
    schema = {"properties": {"state": {"enum": ["ok", None]}}}
    closed, words = cleaned(schema)
    opened, _ = cleaned(schema, reply=True)
    token = next(iter(words.tokens))

    assert closed["A"]["properties"]["state"] == {"enum": [token, None]}
    assert opened["A"]["properties"]["state"] == {
        "anyOf": [{"enum": [token, None]}, {"type": "null"}, {"type": "string"}]
    }


@pytest.mark.parametrize("values", [[1.5], [{"a": 1}], [], [2**70], "x"])
def test_values_that_are_no_literals_leave_the_type(values: Any) -> None:
    cleaned_schemas, _ = cleaned({"properties": {"a": {"type": "number", "enum": values}}})

    assert cleaned_schemas["A"]["properties"]["a"] == {"type": "number"}


def test_a_choice_with_a_member_that_says_nothing_is_none() -> None:
    cleaned_schemas, _ = cleaned(
        {"properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    )

    assert "anyOf" not in cleaned_schemas["A"]


def test_only_what_is_referred_to_becomes_a_class() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    cleaned_schemas, _ = cleaned(
        {"properties": {"a": {"$ref": "#/$defs/node"}}, "$defs": {"node": node, "lost": {}}}
    )

    assert sorted(cleaned_schemas) == ["A", "ANode"]
    assert cleaned_schemas["ANode"]["properties"]["next"] == {"$ref": "#/$defs/ANode"}


@pytest.mark.parametrize(
    "ref", ["https://example.com/x", "file:///etc/passwd", "other.json", "#/$defs/none", "#", 1]
)
def test_a_reference_stays_within_the_schema(ref: object) -> None:
    with pytest.raises(NoModel):
        cleaned({"$ref": ref})


def test_entries_that_a_pattern_names_are_entries_too() -> None:
    texts, integers = {"type": "string"}, {"type": "integer"}
    named, _ = cleaned({"additionalProperties": texts, "patternProperties": {"^x-": integers}})
    free, _ = cleaned({"additionalProperties": texts, "patternProperties": {"^x-": {}}})

    assert named["A"] == {"additionalProperties": {"anyOf": [texts, integers]}}
    assert free["A"] == {}


def test_names_are_read_where_names_stand() -> None:
    inner = {"properties": {"b": {}}}
    schema = {
        "properties": {"a": {}},
        "$defs": {"enum": inner, "properties": True},
        "dependentRequired": {"properties": ["c"]},
        "const": inner,
    }

    assert sorted(wire_names(schema)) == ["a", "b"]
