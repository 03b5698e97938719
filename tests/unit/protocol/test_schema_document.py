"""Every wrapping of a schema gives the same schema, unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet.protocol.schema_document import read_schema
from callsheet.protocol.values import Overrides

IN = {"type": "object", "properties": {"input": {"type": "string"}, "schema": {}}, "x-vendor": 1}
OUT = {"type": "object", "properties": {"videoUrl": {"type": "string"}}}
BESIDE = {"id": "ai.video.generate", "title": "Make", "description": "Makes a video"}


@pytest.mark.parametrize(
    ("document", "output"),
    [
        (IN, None),
        ({"inputSchema": IN, "outputSchema": OUT}, OUT),
        ({"input": IN, "output": OUT}, OUT),
        ({"input_schema": IN, "output_schema": OUT}, OUT),
        ({"schema": IN}, None),
        ({"parameters": IN}, None),
        ({"schema": {"input": IN, "output": OUT}}, OUT),
        ({"schema": {"inputSchema": IN}, "outputSchema": OUT}, OUT),
        ({"action": {"inputSchema": IN}}, None),
        ({"code": 0, "message": "ok", "data": IN}, None),
        ({"code": 200, "msg": "success", "data": {"input": IN, "output": OUT}}, OUT),
        ({"success": True, "data": {"schema": IN}}, None),
        ({"data": {"schema": IN}}, None),
        ({"schema": json.dumps(IN)}, None),
        ({"inputSchema": IN, "outputSchema": None}, None),
        ({"inputSchema": IN, "outputSchema": "a video"}, None),
        ({"inputSchema": IN, "outputSchema": True}, True),
    ],
)
def test_every_wrapping(document: Any, output: Any) -> None:
    reading = read_schema(document)

    assert (reading.input, reading.output, reading.notes) == (IN, output, ())


@pytest.mark.parametrize("key", ["inputSchema", "input", "schema", "parameters"])
def test_words_beside_the_schema(key: str) -> None:
    reading = read_schema({**BESIDE, key: IN, "readOnly": True, "idempotency": True})

    assert (reading.title, reading.description) == ("Make", "Makes a video")
    assert reading.marks == {"readOnly": True, "idempotency": True}
    assert reading.input == IN


@pytest.mark.parametrize(
    "schema",
    [
        True,
        False,
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "title": "T"},
        {"$ref": "#/$defs/x", "$defs": {"x": {"type": "object"}}},
        {"type": ["object", "null"]},
        {"anyOf": [{"type": "object"}]},
        {"enum": [1]},
        {"const": 1},
        {"required": ["prompt"]},
    ],
)
def test_what_is_a_schema(schema: Any) -> None:
    assert read_schema(schema).input == schema
    assert read_schema({"inputSchema": schema}).input == schema


@pytest.mark.parametrize(
    "document",
    [
        *(None, 7, "text", [], {}, ["a"]),
        {"type": "form", "fields": [{"name": "limit"}]},
        {"parameters": {"prompt": {"note": "text"}}},
        {"inputSchema": {"prompt": "string"}},
        {"schema": "https://example.com/schema.json"},
        {"parameters": [{"name": "prompt", "in": "body"}]},
        {"title": "only words"},
    ],
)
def test_what_is_none_leaves_the_action_untyped(document: Any) -> None:
    reading = read_schema(document)

    assert reading.input is None
    assert len(reading.notes) == 1


def test_an_empty_schema_in_its_place_allows_anything() -> None:
    assert read_schema({"inputSchema": {}}).input == {}


def test_a_refusal_is_told() -> None:
    reading = read_schema({"code": 404, "message": "no such action"})

    assert reading.refusal is not None
    assert reading.refusal.kind == "not_found"


def test_forced_paths_lead_to_input_and_output() -> None:
    document = {"code": 0, "data": {"a": {"in": IN}, "b": OUT, "inputSchema": {"type": "null"}}}
    inside = read_schema(document, Overrides.parse({"schema": "a.in, b"}))
    nested = read_schema({"x": {"y": IN}}, Overrides.parse({"schema": ["x.y"]}))

    assert (inside.input, inside.output) == (IN, OUT)
    assert (nested.input, nested.output) == (IN, None)


DRAWN = {"a": {"type": "string", "enum": ["x", "y"]}, "n": {"type": "integer", "maximum": 5}}


@pytest.mark.parametrize(
    "document",
    [
        {"requestBody": {"content": {"application/json": {"schema": IN}}}},
        {"parameters": [{"name": "id", "in": "path", "schema": {}}], "requestBody": {"schema": IN}},
        {"method": "POST", "body": IN},
        {"args": IN},
        {"params": json.dumps(IN)},
        {"request": {"schema": IN}},
        {"request": {"body": IN}},
        {"input": {"jsonSchema": IN}},
        {"inputSchema": {"json": IN}},
        {"inputSchema": [IN]},
        [{"id": "ai.video.generate", "inputSchema": IN}],
        {"data": [{"inputSchema": IN}]},
        {"type": "function", "function": {"name": "x", "parameters": IN}},
        {"data": {"type": "schema", "attributes": {"inputSchema": IN}}},
        {"openapi_schema": {"components": {"schemas": {"Input": IN, "Output": OUT}}}},
        {"code": 0, "data": {"action": {"requestSchema": IN}}},
        {"paths": {"/x": {"post": {"requestBody": {"content": {"text/json": {"schema": IN}}}}}}},
        {"requestBody": {"content": {"multipart/form-data": {"schema": IN}}}},
        {"result": {"tools": [{"name": "x", "inputSchema": IN}]}},
        {"functionDeclarations": [{"name": "x", "parameters": IN}]},
        {"Data": {"InputSchema": IN}},
        {"latest_version": {"openapi_schema": {"components": {"schemas": {"Input": IN}}}}},
        {"model": {"input_schema": IN}, "example": {"prompt": "x"}},
        {"request": IN, "response": OUT},
    ],
)
def test_every_wrapper_of_an_input(document: Any) -> None:
    assert read_schema(document).input == IN


@pytest.mark.parametrize("key", ["fields", "inputs", "parameters", "params", "inputSchema"])
@pytest.mark.parametrize(
    "fields",
    [
        [
            {"name": "a", "type": "select", "options": ["x", "y"], "required": True},
            {"name": "n", "type": "int", "max": 5},
        ],
        [
            {"key": "a", "type": "string", "choices": [{"value": "x"}, {"value": "y"}],
             "required": True},
            {"key": "n", "type": "integer", "maximum": 5, "optional": True},
        ],
        [
            {"name": "a", "in": "query", "required": True, "schema": DRAWN["a"]},
            {"name": "n", "in": "query", "schema": DRAWN["n"]},
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
        ],
        {"a": {**DRAWN["a"], "required": True}, "n": DRAWN["n"]},
    ],
)  # fmt: skip
def test_typed_fields_are_a_schema(key: str, fields: Any) -> None:
    expected = {"type": "object", "properties": DRAWN, "required": ["a"]}

    assert read_schema({key: fields}).input == expected
    assert read_schema({"code": 0, "data": {key: fields}}).input == expected


def test_what_a_schema_refers_to_comes_with_it() -> None:
    document = {
        "input": {"$ref": "#/components/schemas/In"},
        "components": {
            "schemas": {
                "In": {"type": "object", "properties": {"x": {"$ref": "#/components/schemas/X"}}},
                "X": {"type": "string"},
                "Other": {"type": "null"},
            }
        },
    }
    schemas = {name: document["components"]["schemas"][name] for name in ("In", "X")}

    assert read_schema(document).input == {**document["input"], "components": {"schemas": schemas}}


@pytest.mark.parametrize("key", ["inputSchema", "schema", "input"])
def test_the_address_of_a_schema_is_none(key: str) -> None:
    assert read_schema({key: {"$ref": "/api/actions/a.b/schema"}}).input is None
