"""The firewall lets JSON Schema through and nothing else, whatever a server sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from callsheet.actions.params import read_params, with_flags
from callsheet.config.overlay import Overlay
from callsheet.schema.admission import admit, admit_with_notes, resolve
from callsheet.schema.draft import draft_of
from callsheet.schema.keywords import NAMED, ONE, PLAIN, SEVERAL
from callsheet.schema.limits import MOST_NODES
from callsheet.schema.references import SchemaRefused

D7 = "http://json-schema.org/draft-07/schema#"
D12 = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string"}


def nested(depth: int, key: str) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {key: [schema, {"type": "string"}]} if key == "anyOf" else {key: schema}
    return schema


def test_foreign_keywords_are_dropped_everywhere() -> None:
    raw = {
        "x-evil": 1,
        "customTypePath": "os.system",
        "properties": {"customTypePath": {"type": "string", "default_factory": "x", "id": "y"}},
        "$comment": "z",
        "$vocabulary": {},
    }

    assert admit(raw) == {"properties": {"customTypePath": TEXT}}


def test_booleans_are_schemas() -> None:
    assert admit(True) == {}
    assert admit(False) == {"not": {}}


def test_the_raw_schema_is_not_touched() -> None:
    raw = {"x": 1, "properties": {"a": {"$ref": "#/parts/a"}}, "parts": {"a": TEXT}}
    before = json.dumps(raw)
    admit(raw)

    assert json.dumps(raw) == before


@pytest.mark.parametrize(
    "ref",
    [
        *("file:///etc/passwd", "http://a/b", "https://a/b#/c", "//a/b", "../x.json", "x.json"),
        *("urn:x:y", "data:,{}", "jar:file:/x!/y", "#nowhere", "\\\\host\\share", "http://[", "?"),
    ],
)
def test_a_reference_out_of_the_schema_is_left_out_and_told(ref: str) -> None:
    clean, notes = admit_with_notes({"properties": {"a": {"$ref": ref, "description": "d"}}})

    assert clean == {"properties": {"a": {"description": "d"}}}
    assert len(notes) == 1
    assert ref[:5] in notes[0] or "\\\\" in notes[0]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"$ref": "#/$defs/a", "$defs": {"a": TEXT}}, "#/$defs/a"),
        ({"$ref": "#/definitions/a", "definitions": {"a": TEXT}}, "#/definitions/a"),
        ({"$ref": "#/components/schemas/a", "components": {"schemas": {"a": TEXT}}}, "#/$defs/a"),
        ({"$ref": "#a", "$defs": {"b": {"$anchor": "a", **TEXT}}}, "#/$defs/b"),
        ({"$id": "http://h/s", "$ref": "http://h/s#/$defs/a", "$defs": {"a": TEXT}}, "#/$defs/a"),
        (
            {"$id": "http://h/s", "$ref": "t", "$defs": {"a": {"$id": "http://h/t", **TEXT}}},
            "#/$defs/a",
        ),
        ({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": TEXT}}, "#/$defs/a~1b%25"),
    ],
)
def test_a_reference_within_is_a_local_pointer(raw: dict[str, Any], expected: str) -> None:
    clean, notes = admit_with_notes(raw)

    assert (clean["$ref"], notes) == (expected, ())
    assert resolve(clean, clean)["type"] == "string"


def test_annotations_beside_a_reference_stay_and_rules_join_it() -> None:
    root = {"$defs": {"a": {"type": "string", "description": "far"}}}

    assert resolve({"$ref": "#/$defs/a", "description": "near"}, root) == {
        "type": "string",
        "description": "near",
    }
    assert resolve({"$ref": "#/$defs/a", "maxLength": 3}, root) == {
        "allOf": [root["$defs"]["a"], {"maxLength": 3}]
    }


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, "2020-12"),
        ({"$schema": D12}, "2020-12"),
        ({"$schema": D7}, "draft-07"),
        ({"$schema": "http://example.com/own"}, "2020-12"),
        ({"$schema": 5}, "2020-12"),
        ({"properties": {"a": {"items": [TEXT]}}}, "draft-07"),
        ({"prefixItems": [TEXT], "items": False}, "2020-12"),
        ({"definitions": {"a": TEXT}, "$ref": "#/definitions/a"}, "draft-07"),
        ({"definitions": {"a": TEXT}, "$defs": {}}, "2020-12"),
        ({"type": "nonsense"}, "2020-12"),
    ],
)
def test_the_draft(raw: dict[str, Any], expected: str) -> None:
    assert draft_of(raw) == expected


def test_an_old_reference_silences_its_neighbours() -> None:
    raw = {"$ref": "#/definitions/a", "maxLength": 1, "definitions": {"a": TEXT}}

    assert "maxLength" not in admit({"$schema": D7, **raw})
    assert "maxLength" in admit({"$schema": D12, **raw})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ([], "not a JSON Schema"),
        (None, "not a JSON Schema"),
        ("x", "not a JSON Schema"),
        ({"enum": list(range(MOST_NODES))}, f"more than {MOST_NODES} values"),
    ],
)
def test_what_may_not_be_used_is_refused_in_words(raw: object, reason: str) -> None:
    with pytest.raises(SchemaRefused, match=reason):
        admit(raw)


def test_unions_inside_unions_are_cut_for_types_and_told() -> None:
    clean, notes = admit_with_notes(nested(12, "anyOf"))

    assert len(json.dumps(clean)) < 100_000
    assert notes == ("unions inside unions make over 1024 variants",)


def test_recursion_through_fields_is_welcome() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}

    assert admit(tree) == tree


KEYWORDS = sorted(PLAIN | ONE | NAMED | SEVERAL)
KEYS = [*KEYWORDS, "$ref", "$id", "$anchor", "$schema", "$dynamicRef", "x", "a", "$comment"]
TEXTS = ["string", "object", "#", "#/$defs/a", "#/x", "a", "", "^a+$", D7, D12]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(TEXTS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=25,
)


def admitted(raw: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return admit(raw)
    except SchemaRefused:
        return None


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
@example({"deprecated": [], "additionalItems": None, "items": [None]})
def test_any_json_is_admitted_or_refused(raw: dict[str, Any]) -> None:
    clean = admitted(raw)
    if clean is not None:
        params = with_flags(read_params(clean), action_id="x", overlay=Overlay())

        assert admit(clean) == clean
        assert len({param.flag for param in params}) == len(params)
