"""What the model generator is given holds types, names of ours and tokens, and nothing else."""

from __future__ import annotations

import json
import sys
import types
from typing import Any

import pytest

from callsheet_codegen import names
from callsheet_codegen.models.prepare import ModelSchemaPreparer, NoModel, Vocabulary, wire_names
from callsheet_codegen.models.worker import make

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


def _nested(levels: int, inside: str) -> dict[str, Any]:
    """Return a schema of so many levels, each in a field, an entry, a choice or a definition."""
    text = {"type": "string"}
    schema: dict[str, Any] = text
    definitions = {}
    for level in range(levels):
        fields = {"type": "object", "properties": {"a": schema, "b": text}}
        definitions[f"d{level}"] = fields
        schema = {
            "field": fields,
            "entry": {"type": "object", "properties": {"a": {"type": "array", "items": schema}}},
            "choice": {"anyOf": [fields, {"type": "integer"}]},
            "definition": {"$ref": f"#/$defs/d{level}"},
        }[inside]
    kept = definitions if inside == "definition" else {}
    return {"type": "object", "properties": {"top": schema}, "$defs": kept}


@pytest.mark.parametrize("inside", ["field", "entry", "choice", "definition"])
def test_models_stay_as_shallow_as_tools_can_carry(
    inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shallow, deep = (make({"AInput": (_nested(n, inside), False)}) for n in (8, 60))
    module = types.ModuleType("models_in_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(deep.source, vars(module))

    assert module.AInput.model_json_schema()["title"] == "AInput"
    assert "Any" not in shallow.source.partition("class ")[2]
    assert "a: list[Any]" in deep.source or len(deep.fields) < 60


def test_definitions_that_lead_to_one_another_stay_as_shallow() -> None:
    number = 60
    steps = {
        f"d{n}": {
            "type": "object",
            "properties": {"next": {"$ref": f"#/$defs/d{(n + 1) % number}"}},
        }
        for n in range(number)
    }
    fields = {f"p{n}": {"$ref": f"#/$defs/d{n}"} for n in range(number)}
    models = make({"AInput": ({"type": "object", "properties": fields, "$defs": steps}, False)})
    typed = [kind for _, kind, _ in models.fields["AInput"].values() if "Any" not in kind]

    assert len(typed) == number
    assert len(models.fields) > number - 4
