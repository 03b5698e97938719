"""Check that inclusion is claimed where it holds, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.schemadiff.inclusion import Proof
from callsheet.schemadiff.normal_form import Cases
from callsheet.schemadiff.view import SchemaView

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
NAMED = {"type": "object", "properties": {"a": TEXT}}
TREE = {
    "$ref": "#/$defs/T",
    "$defs": {"T": {"type": "object", "properties": {"n": WHOLE, "kid": {"$ref": "#/$defs/T"}}}},
}
WIDER_TREE = {
    "$ref": "#/$defs/X",
    "$defs": {
        "X": {
            "type": "object",
            "properties": {"n": {"type": "number"}, "kid": {"$ref": "#/$defs/X"}},
        }
    },
}
TAGGED = [
    {"type": "object", "properties": {"k": {"const": name}}, "required": ["k"]} for name in "ab"
]


def is_included(old: Any, new: Any) -> bool:
    """Tell whether the proof includes the root of one schema in that of the other."""
    inner, outer = (Cases(SchemaView(schema)) for schema in (old, new))
    return Proof(inner, outer).is_included(inner.view.root, outer.view.root)


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ({"enum": ["a", 1]}, {"type": ["string", "integer"]}),
        ({"const": 2.0}, WHOLE),
        (WHOLE, {"type": "number"}),
        ({"type": "number", "multipleOf": 4}, {**WHOLE, "multipleOf": 2}),
        ({**WHOLE, "exclusiveMinimum": 0}, {**WHOLE, "minimum": 1}),
        ({"type": "number", "minimum": 1}, {"exclusiveMinimum": 0}),
        ({**TEXT, "maxLength": 3}, {**TEXT, "maxLength": 4}),
        ({**TEXT, "pattern": "^a"}, TEXT),
        ({"type": "array", "items": WHOLE, "maxItems": 1}, {"type": "array", "uniqueItems": True}),
        ({"type": "array", "items": False}, {"type": "array", "items": TEXT, "maxItems": 9}),
        ({**NAMED, "additionalProperties": False}, {**NAMED, "maxProperties": 1}),
        ({**NAMED, "required": ["a"]}, {**NAMED, "minProperties": 1}),
        ({"type": "object", "additionalProperties": TEXT}, NAMED),
        (TREE, WIDER_TREE),
        ({"oneOf": TAGGED}, {"anyOf": TAGGED}),
        ({"anyOf": TAGGED}, {"oneOf": TAGGED}),
        ({"allOf": [NAMED, {"required": ["a"]}]}, {**NAMED, "required": ["a"]}),
        ({"not": {}}, {"const": 1}),
        ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}),
    ],
)
def test_what_lies_within_is_proved(small: Any, large: Any) -> None:
    assert is_included(small, large)
    assert is_included(small, small)
    assert is_included(large, large)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"const": True}, {"const": 1}),
        ({"type": "number"}, WHOLE),
        ({"type": "number", "exclusiveMinimum": 0}, {"minimum": 1}),
        (NAMED, {**NAMED, "additionalProperties": False}),
        ({"type": "object"}, NAMED),
        (NAMED, {**NAMED, "required": ["a"]}),
        (WIDER_TREE, TREE),
        ({"anyOf": [TEXT, {"const": "a"}]}, {"oneOf": [TEXT, {"const": "a"}]}),
        ({"type": "array"}, {"type": "array", "prefixItems": [WHOLE]}),
        ({**TEXT, "pattern": "^a"}, {**TEXT, "pattern": "a"}),
        ({**TEXT, "format": "uri"}, {**TEXT, "format": "url"}),
        (
            {"properties": {"a": True}, "unevaluatedProperties": False, "allOf": [NAMED]},
            {"properties": {}, "unevaluatedProperties": False, "allOf": [{}]},
        ),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "items": [TEXT]},
            {"$schema": "http://json-schema.org/draft-07/schema#", "items": TEXT},
        ),
    ],
)
def test_what_does_not_lie_within_is_never_proved(old: Any, new: Any) -> None:
    assert not is_included(old, new)


def test_what_failed_takes_its_conclusions_back() -> None:
    """Check that the pair of kids, which needs the pair of parents, falls with it."""
    old: dict[str, Any] = {
        "$ref": "#/$defs/P",
        "$defs": {
            "P": {"properties": {"a": {"$ref": "#/$defs/K"}, "z": TEXT}},
            "K": {"properties": {"up": {"$ref": "#/$defs/P"}}},
        },
    }
    new = {**old, "$defs": {**old["$defs"], "P": {"properties": {"z": WHOLE}}}}

    assert not is_included(old, new)
    assert is_included(new, new)
