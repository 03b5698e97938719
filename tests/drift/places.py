"""Find the schemas inside a schema, and the values and names that they mention."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
_NAMED = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_ONE = (
    *("additionalProperties", "items", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedProperties", "unevaluatedItems", "additionalItems"),
)
_SEVERAL = ("anyOf", "oneOf", "allOf", "prefixItems")


def subschemas(schema: Any) -> list[Schema]:
    """List every schema that is an object, the root first."""
    if not isinstance(schema, dict):
        return []
    parts: list[Any] = []
    for keyword in _NAMED:
        if isinstance(schema.get(keyword), dict):
            parts.extend(schema[keyword].values())
    parts.extend(schema.get(keyword) for keyword in _ONE)
    for keyword in (*_SEVERAL, "items"):
        if isinstance(schema.get(keyword), list):
            parts.extend(schema[keyword])
    return [schema, *(inner for part in parts for inner in subschemas(part))]


def literals(schema: Any) -> list[Any]:
    """List every value that a schema mentions, and numbers and texts close to its limits."""
    mentioned: list[Any] = []
    for part in subschemas(schema):
        mentioned.extend(part.get("enum", ()))
        mentioned.extend(part[keyword] for keyword in ("const", "default") if keyword in part)
        for keyword, limit in part.items():
            if isinstance(limit, int | float) and not isinstance(limit, bool):
                mentioned.extend((limit, limit + 1, limit - 1, limit + 0.5))
                if keyword.endswith("Length") and limit < 3_000:
                    mentioned.extend("y" * max(int(limit) + shift, 0) for shift in (-1, 0, 1))
    return mentioned


def names(schema: Any) -> list[str]:
    """List every field that a schema mentions, each once."""
    mentioned: dict[str, None] = {}
    for part in subschemas(schema):
        mentioned |= dict.fromkeys(part.get("properties", ()))
        mentioned |= dict.fromkeys(part.get("required", ()))
    return list(mentioned)
