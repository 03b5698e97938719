"""Sees at a glance that a plain schema allows a body, without loading a validator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What binds nobody, or binds only what a plain schema does not use.
_SAYS_NOTHING = frozenset(
    (
        *("$schema", "$comment", "$defs", "definitions", "title", "description", "default"),
        *("examples", "deprecated", "readOnly", "writeOnly", "format"),
    )
)
_OF_ANY = frozenset(("type", "enum", "const"))
_OF_OBJECTS = frozenset(("properties", "required", "additionalProperties"))
_OF_ARRAYS = frozenset(("items", "minItems", "maxItems"))
_OF_TEXTS = frozenset(("minLength", "maxLength"))
_OF_NUMBERS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
_READ = _SAYS_NOTHING | _OF_ANY | _OF_OBJECTS | _OF_ARRAYS | _OF_TEXTS | _OF_NUMBERS
_DEPTH = 8
_EXACT = 2**53


def allows(schema: object, value: object, depth: int = _DEPTH) -> bool:
    """Whether the schema allows the value for certain, whatever its draft.

    False says nothing: another keyword than the ones known here, a number that is not exact,
    or a value that is not allowed; the validator then decides. What a field that is not given
    would have to be is not looked at.
    """
    schema = {} if schema is True else schema
    if not isinstance(schema, dict) or depth == 0 or not schema.keys() <= _READ:
        return False
    if not _is_among(schema, value):
        return False
    if isinstance(value, dict):
        return _object(schema, value, depth)
    if isinstance(value, list):
        return _array(schema, value, depth)
    if isinstance(value, str):
        return _text(schema, value)
    if isinstance(value, bool) or value is None:
        return True
    return type(value) in {int, float} and _number(schema, value)


def _is_among(schema: Mapping[str, Any], value: object) -> bool:
    """Whether type, choices and constant hold."""
    if "type" in schema:
        said = schema["type"]
        types = said if isinstance(said, list) else [said]
        if not any(isinstance(one, str) and _is_of(one, value) for one in types):
            return False
    if "const" in schema and not _equal(schema["const"], value):
        return False
    if "enum" not in schema:
        return True
    choices = schema["enum"]
    return isinstance(choices, list) and any(_equal(one, value) for one in choices)


def _is_of(name: str, value: object) -> bool:
    kind = type(value)
    if name in {"number", "integer"}:
        return kind is int or (name == "number" and kind is float)
    known: Mapping[str, type] = {
        "string": str,
        "object": dict,
        "array": list,
        "boolean": bool,
        "null": type(None),
    }
    return kind is known.get(name)


def _equal(one: object, value: object) -> bool:
    """Equal beyond doubt: JSON has no other 1 than 1.0, and Python no other 1 than True."""
    return type(one) is type(value) and type(value) in {str, bool, type(None)} and one == value


def _object(schema: Mapping[str, Any], value: dict[Any, Any], depth: int) -> bool:
    known, required = schema.get("properties", {}), schema.get("required", [])
    others = schema.get("additionalProperties", True)
    if not isinstance(known, dict) or not isinstance(required, list):
        return False
    if not all(isinstance(name, str) and name in value for name in required):
        return False
    return all(
        isinstance(name, str)
        and _is_text(name)
        and allows(known.get(name, others), item, depth - 1)
        for name, item in value.items()
    )


def _array(schema: Mapping[str, Any], value: list[Any], depth: int) -> bool:
    inner = schema.get("items", True)
    return _within(schema, len(value), "minItems", "maxItems") and all(
        allows(inner, item, depth - 1) for item in value
    )


def _text(schema: Mapping[str, Any], value: str) -> bool:
    return _is_text(value) and _within(schema, len(value), "minLength", "maxLength")


def _number(schema: Mapping[str, Any], value: Any) -> bool:
    if not -_EXACT < value < _EXACT or not _within(schema, value, "minimum", "maximum"):
        return False
    return all(
        type(limit) in {int, float} and -_EXACT < limit < _EXACT and sign * value < sign * limit
        for name, sign in (("exclusiveMinimum", -1), ("exclusiveMaximum", 1))
        if (limit := schema.get(name)) is not None
    )


def _within(schema: Mapping[str, Any], value: float, least: str, most: str) -> bool:
    """Whether both limits hold that are there; one that is no exact number holds never."""
    return all(
        type(limit) in {int, float} and -_EXACT < limit < _EXACT and sign * value <= sign * limit
        for name, sign in ((least, -1), (most, 1))
        if (limit := schema.get(name)) is not None
    )


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: half a surrogate pair cannot."""
    return value.isascii() or value.encode("utf-8", "ignore").decode() == value
