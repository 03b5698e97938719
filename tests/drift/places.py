"""Where the schemas stand inside a schema, by what may be done to them."""

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
    """Every schema that is an object, the root first."""
    if not isinstance(schema, dict):
        return []
    found = [schema]
    for word in _NAMED:
        if isinstance(schema.get(word), dict):
            found.extend(one for part in schema[word].values() for one in subschemas(part))
    for word in _ONE:
        found.extend(subschemas(schema.get(word)))
    for word in (*_SEVERAL, "items"):
        if isinstance(schema.get(word), list):
            found.extend(one for part in schema[word] for one in subschemas(part))
    return found


def literals(schema: Any) -> list[Any]:
    """Every value that a schema mentions, and numbers and texts about its limits."""
    found: list[Any] = []
    for one in subschemas(schema):
        found.extend(one.get("enum", ()))
        found.extend(one[word] for word in ("const", "default") if word in one)
        for key, value in one.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.extend((value, value + 1, value - 1, value + 0.5))
                if key.endswith("Length") and value < 3_000:
                    found.extend("y" * max(int(value) + shift, 0) for shift in (-1, 0, 1))
    return found


def names(schema: Any) -> list[str]:
    """Every field that a schema mentions."""
    found: dict[str, None] = {}
    for one in subschemas(schema):
        found |= dict.fromkeys(one.get("properties", ()))
        found |= dict.fromkeys(one.get("required", ()))
    return list(found)
