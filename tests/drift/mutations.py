"""What servers do to their schemas from one version to the next, and what spiteful ones would."""

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
    *(("then", {"required": ["y"]}), ("$comment", "why"), ("nullable", True), ("x-order", 3)),
    *(("contentEncoding", "base64"), ("readOnly", True), ("prefixItems", [{"type": "string"}])),
)


def type_(one: Schema, chance: Random) -> None:
    """Another type, or one more."""
    said = one.get("type")
    other = chance.choice(_TYPES)
    if isinstance(said, str) and said != other and chance.random() < 0.6:
        one["type"] = [said, other]
    elif isinstance(said, list) and len(said) > 1 and chance.random() < 0.6:
        one["type"] = said[:1] if chance.random() < 0.5 else said[1:]
    elif said is not None and chance.random() < 0.2:
        del one["type"]
    else:
        one["type"] = other


def whole(one: Schema, chance: Random) -> None:
    """Whole numbers become numbers, or the other way."""
    swap = {"integer": "number", "number": "integer"}
    said = one.get("type")
    if isinstance(said, str) and said in swap:
        one["type"] = swap[said]


def limit(one: Schema, chance: Random) -> None:
    """A limit moves, comes or goes."""
    held = [word for word in _LIMITS if isinstance(one.get(word), int | float)]
    word = chance.choice(held or _LIMITS)
    if word in one and chance.random() < 0.3:
        del one[word]
    elif word in one:
        one[word] = max(one[word] + chance.choice((-3, -1, 1, 2, 10)), 1)
    else:
        one[word] = chance.choice((1, 2, 3, 5, 20))


def choices(one: Schema, chance: Random) -> None:
    """Listed values come and go."""
    listed = one.get("enum")
    if isinstance(listed, list) and listed:
        if chance.random() < 0.5 and len(listed) > 1:
            one["enum"] = [item for item in listed if item is not chance.choice(listed)] or listed
        elif chance.random() < 0.2:
            del one["enum"]
        else:
            one["enum"] = [*listed, chance.choice(("new", 7, None, 1.5))]
    else:
        one["enum"] = chance.choice((["a", "b"], ["x", None], [1, 2, "x"]))


def constant(one: Schema, chance: Random) -> None:
    """A single value, or no longer."""
    if "const" in one:
        one.pop("const") if chance.random() < 0.5 else one.update(const="other")
    else:
        one["const"] = chance.choice(("a", 1, None, {}))


def field_new(one: Schema, chance: Random) -> None:
    """A field more, perhaps required."""
    name = chance.choice(("extra", "x", "y", "z"))
    one.setdefault("properties", {})[name] = copy.deepcopy(chance.choice(_SMALL))
    if chance.random() < 0.3:
        one["required"] = [*one.get("required", ()), name]
    one["required"] = sorted(set(one.get("required", ())))


def field_gone(one: Schema, chance: Random) -> None:
    """A field less."""
    named = one.get("properties")
    if isinstance(named, dict) and named:
        name = chance.choice(sorted(named))
        del named[name]
        if chance.random() < 0.8:
            one["required"] = [held for held in one.get("required", ()) if held != name]


def required(one: Schema, chance: Random) -> None:
    """A field is required now, or no longer."""
    named = sorted(one.get("properties", {})) or ["q"]
    needed = set(one.get("required", ()))
    one["required"] = sorted(needed ^ {chance.choice(named)})


def others(one: Schema, chance: Random) -> None:
    """Other fields are refused, taken, or asked something."""
    if "additionalProperties" in one and chance.random() < 0.5:
        del one["additionalProperties"]
    else:
        one["additionalProperties"] = chance.choice((False, True, {"type": "string"}, {}))


def items(one: Schema, chance: Random) -> None:
    """Items are something else."""
    one["items"] = copy.deepcopy(chance.choice(_SMALL))


def rule(one: Schema, chance: Random) -> None:
    """A rule comes or goes."""
    word, value = chance.choice(_RULES)
    if word in one and chance.random() < 0.7:
        del one[word]
    else:
        one[word] = copy.deepcopy(value)


def words(one: Schema, chance: Random) -> None:
    """Text, or the server's default."""
    word = chance.choice(("title", "description", "default", "examples", "deprecated"))
    if word in one and chance.random() < 0.5:
        del one[word]
    else:
        one[word] = {"examples": ["e"], "deprecated": True}.get(word, "said otherwise")


def wrapped(one: Schema, chance: Random) -> None:
    """The same in an anyOf, allOf or oneOf; perhaps with one alternative more."""
    if "$ref" in one or "$defs" in one or "definitions" in one or "$schema" in one:
        return
    inner = dict(one)
    one.clear()
    word = chance.choice(("anyOf", "allOf", "oneOf"))
    more = chance.choice(([], [{"type": "null"}], [{"type": "string"}], [{"type": "integer"}]))
    one[word] = [inner, *copy.deepcopy(more)]


def union(one: Schema, chance: Random) -> None:
    """An alternative comes, goes or changes places; one of becomes any of."""
    word = next((word for word in ("anyOf", "oneOf", "allOf") if one.get(word)), None)
    if word is None:
        return
    how = chance.randint(0, 3)
    if how == 0 and len(one[word]) > 1:
        one[word].pop(chance.randrange(len(one[word])))
    elif how == 1:
        one[word].append(copy.deepcopy(chance.choice(_SMALL)))
    elif how == 2:
        one[word].reverse()
    elif word != "allOf":
        one["oneOf" if word == "anyOf" else "anyOf"] = one.pop(word)


KINDS: tuple[Callable[[Schema, Random], None], ...] = (
    *(type_, whole, limit, choices, constant, field_new, field_gone, required, others, items),
    *(rule, words, wrapped, union),
)


def mutated(schema: Any, chance: Random) -> tuple[Any, list[str]]:
    """A copy with one to three changes, and their names; unfit ones change nothing."""
    made = copy.deepcopy(schema)
    done = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        kind = chance.choice(KINDS)
        kind(chance.choice(subschemas(made)), chance)
        done.append(kind.__name__)
    return made, done
