"""Change schemas as servers do from one version to the next, and as spiteful ones would."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from drift.places import Schema, subschemas

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_SMALL: tuple[Any, ...] = (
    *({"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {}, True, False),
    *({"enum": ["a", "b"]}, {"type": "array", "items": {"type": "string"}}, {"const": 1}),
    *({"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},),
    *({"type": ["string", "null"]}, {"type": "string", "maxLength": 3}, {"minimum": 2}),
)
_LIMITS = (
    *("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minItems", "maxItems", "minProperties", "maxProperties", "multipleOf"),
)
_RULES: tuple[tuple[str, Any], ...] = (
    *(("pattern", "^[a-z]+$"), ("pattern", "b"), ("format", "uri"), ("not", {"type": "string"})),
    *(("contains", {"type": "integer"}), ("propertyNames", {"maxLength": 4})),
    *(("dependentRequired", {"a": ["b"]}), ("patternProperties", {"^x": {"type": "integer"}})),
    *(("unevaluatedProperties", False), ("uniqueItems", True), ("if", {"required": ["x"]})),
    *(("then", {"required": ["y"]}), ("$comment", "why"), ("x-nice", True), ("x-order", 3)),
    *(("contentEncoding", "base64"), ("readOnly", True), ("prefixItems", [{"type": "string"}])),
)


def change_type(schema: Schema, chance: Random) -> None:
    """Replace the type, or add one."""
    declared = schema.get("type")
    other = chance.choice(_TYPES)
    if isinstance(declared, str) and declared != other and chance.random() < 0.6:
        schema["type"] = [declared, other]
    elif isinstance(declared, list) and len(declared) > 1 and chance.random() < 0.6:
        schema["type"] = declared[:1] if chance.random() < 0.5 else declared[1:]
    elif declared is not None and chance.random() < 0.2:
        del schema["type"]
    else:
        schema["type"] = other


def change_number_type(schema: Schema, chance: Random) -> None:
    """Turn integers into numbers, or the other way."""
    swap = {"integer": "number", "number": "integer"}
    declared = schema.get("type")
    if isinstance(declared, str) and declared in swap:
        schema["type"] = swap[declared]


def change_limit(schema: Schema, chance: Random) -> None:
    """Move, add or remove a limit."""
    present = [keyword for keyword in _LIMITS if isinstance(schema.get(keyword), int | float)]
    keyword = chance.choice(present or _LIMITS)
    if keyword in schema and chance.random() < 0.3:
        del schema[keyword]
    elif keyword in schema:
        schema[keyword] = max(schema[keyword] + chance.choice((-3, -1, 1, 2, 10)), 1)
    else:
        schema[keyword] = chance.choice((1, 2, 3, 5, 20))


def change_enum(schema: Schema, chance: Random) -> None:
    """Add or remove listed values."""
    listed = schema.get("enum")
    if isinstance(listed, list) and listed:
        if chance.random() < 0.5 and len(listed) > 1:
            remaining = [choice for choice in listed if choice is not chance.choice(listed)]
            schema["enum"] = remaining or listed
        elif chance.random() < 0.2:
            del schema["enum"]
        else:
            schema["enum"] = [*listed, chance.choice(("new", 7, None, 1.5))]
    else:
        schema["enum"] = chance.choice((["a", "b"], ["x", None], [1, 2, "x"]))


def change_const(schema: Schema, chance: Random) -> None:
    """Add, change or remove a constant."""
    if "const" in schema:
        schema.pop("const") if chance.random() < 0.5 else schema.update(const="other")
    else:
        schema["const"] = chance.choice(("a", 1, None, {}))


def add_field(schema: Schema, chance: Random) -> None:
    """Add a field, perhaps a required one."""
    name = chance.choice(("extra", "x", "y", "z"))
    schema.setdefault("properties", {})[name] = copy.deepcopy(chance.choice(_SMALL))
    if chance.random() < 0.3:
        schema["required"] = [*schema.get("required", ()), name]
    schema["required"] = sorted(set(schema.get("required", ())))


def remove_field(schema: Schema, chance: Random) -> None:
    """Remove a field, most often from the required ones too."""
    declared = schema.get("properties")
    if isinstance(declared, dict) and declared:
        name = chance.choice(sorted(declared))
        del declared[name]
        if chance.random() < 0.8:
            schema["required"] = [other for other in schema.get("required", ()) if other != name]


def change_required(schema: Schema, chance: Random) -> None:
    """Require a field, or no longer."""
    names = sorted(schema.get("properties", {})) or ["q"]
    required = set(schema.get("required", ()))
    schema["required"] = sorted(required ^ {chance.choice(names)})


def change_additional(schema: Schema, chance: Random) -> None:
    """Refuse, take or restrict undeclared fields."""
    if "additionalProperties" in schema and chance.random() < 0.5:
        del schema["additionalProperties"]
    else:
        schema["additionalProperties"] = chance.choice((False, True, {"type": "string"}, {}))


def change_items(schema: Schema, chance: Random) -> None:
    """Replace the schema of the items."""
    schema["items"] = copy.deepcopy(chance.choice(_SMALL))


def change_rule(schema: Schema, chance: Random) -> None:
    """Add or remove a rule."""
    keyword, rule = chance.choice(_RULES)
    if keyword in schema and chance.random() < 0.7:
        del schema[keyword]
    else:
        schema[keyword] = copy.deepcopy(rule)


def change_annotation(schema: Schema, chance: Random) -> None:
    """Add or remove a text, or the server's default."""
    keyword = chance.choice(("title", "description", "default", "examples", "deprecated"))
    if keyword in schema and chance.random() < 0.5:
        del schema[keyword]
    else:
        special = {"examples": ["e"], "deprecated": True}
        schema[keyword] = special.get(keyword, "said otherwise")


def wrap(schema: Schema, chance: Random) -> None:
    """Put the schema into an anyOf, allOf or oneOf, perhaps with an alternative."""
    if not {"$ref", "$defs", "definitions", "$schema"}.isdisjoint(schema):
        return
    inner = dict(schema)
    schema.clear()
    keyword = chance.choice(("anyOf", "allOf", "oneOf"))
    more = chance.choice(([], [{"type": "null"}], [{"type": "string"}], [{"type": "integer"}]))
    schema[keyword] = [inner, *copy.deepcopy(more)]


def change_alternatives(schema: Schema, chance: Random) -> None:
    """Add, remove or reorder alternatives, or swap oneOf and anyOf."""
    keyword = next((word for word in ("anyOf", "oneOf", "allOf") if schema.get(word)), None)
    if keyword is None:
        return
    how = chance.randint(0, 3)
    if how == 0 and len(schema[keyword]) > 1:
        schema[keyword].pop(chance.randrange(len(schema[keyword])))
    elif how == 1:
        schema[keyword].append(copy.deepcopy(chance.choice(_SMALL)))
    elif how == 2:
        schema[keyword].reverse()
    elif keyword != "allOf":
        schema["oneOf" if keyword == "anyOf" else "anyOf"] = schema.pop(keyword)


KINDS: tuple[Callable[[Schema, Random], None], ...] = (
    *(change_type, change_number_type, change_limit, change_enum, change_const, add_field),
    *(remove_field, change_required, change_additional, change_items, change_rule),
    *(change_annotation, wrap, change_alternatives),
)


def mutate(schema: Any, chance: Random) -> tuple[Any, list[str]]:
    """Return a copy with one to three changes, and the names of these; some change nothing."""
    mutated = copy.deepcopy(schema)
    names = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        change = chance.choice(KINDS)
        change(chance.choice(subschemas(mutated)), chance)
        names.append(change.__name__)
    return mutated, names
