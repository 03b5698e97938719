"""The words of the judge: what was given, what is allowed, the nearest choice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from callsheet.schema.shape import same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_SHOWN = 60
_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def shown(value: object) -> str:
    """A value as JSON, cut to 60 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def choice(given: object, listed: Iterable[Any]) -> str:
    """What to say of a value that is not one of the listed ones."""
    allowed = list(listed)
    if len(allowed) == 1:
        return f"is {shown(given)}, only {shown(allowed[0])} is allowed"
    said = ", ".join(_bare(one) for one in allowed[:20])
    more = f" and {len(allowed) - 20} more" if len(allowed) > 20 else ""
    near = nearest(given, allowed)
    hint = f"; did you mean {_bare(near)}?" if near is not None else ""
    return f"is {shown(given)}, allowed: {said}{more}{hint}"


def _bare(value: object) -> str:
    plain = isinstance(value, str) and value.isprintable() and value and not _is_json(value)
    return str(value) if plain else shown(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def nearest(given: object, listed: Iterable[Any]) -> Any:
    """The listed value that was probably meant, or ``None``."""
    from difflib import get_close_matches

    texts = {str(one).casefold(): one for one in listed if isinstance(one, str | int | float)}
    found = get_close_matches(str(given).casefold(), list(texts), n=1, cutoff=0.6)
    near = texts[found[0]] if found else None
    return None if near is not None and same(near, given) else near


def sentence(keyword: str, given: object, limit: object) -> str:
    """What to say of a value that a keyword refuses."""
    say = _SENTENCES.get(keyword)
    return f"{shown(given)} is not allowed here" if say is None else say(given, limit)


def kind_name(value: object) -> str:
    """What a JSON value is, in the words of the messages."""
    for kind, types in (
        ("true or false", bool),
        ("a whole number", int),
        ("a number", float),
        ("text", str),
        ("an object", dict),
        ("a list", list),
    ):
        if isinstance(value, types):
            return kind
    return "null"


def wanted(value: Any) -> str:
    """The kinds that a ``type`` keyword allows, in words."""
    kinds = [value] if isinstance(value, str) else list(value)
    return " or ".join(_NAMES.get(kind, str(kind)) for kind in kinds)


def _type(given: object, kinds: Any) -> str:
    kind = kind_name(given)
    said = shown(given) if isinstance(given, str | int | float) or given is None else kind
    return f"is {said}, wanted {wanted(kinds)}"


def _one(word: str) -> str:
    return {"entries": "entry"}.get(word, word[:-1])


def _count(word: str, bound: str) -> Callable[[Any, Any], str]:
    def say(given: Any, limit: Any) -> str:
        return f"has {len(given)} {_one(word) if len(given) == 1 else word}, {bound} {limit}"

    return say


def _number(bound: str) -> Callable[[Any, Any], str]:
    def say(given: Any, limit: Any) -> str:
        return f"is {shown(given)}, {bound} {shown(limit)}"

    return say


_SENTENCES: Mapping[str, Callable[[Any, Any], str]] = {
    "type": _type,
    "minimum": _number("the least is"),
    "maximum": _number("the most is"),
    "exclusiveMinimum": _number("it must be more than"),
    "exclusiveMaximum": _number("it must be less than"),
    "multipleOf": _number("it must be a multiple of"),
    "pattern": _number("it must match"),
    "minLength": _count("characters", "the least is"),
    "maxLength": _count("characters", "the most is"),
    "minItems": _count("entries", "the least is"),
    "maxItems": _count("entries", "the most is"),
    "minProperties": _count("fields", "the least is"),
    "maxProperties": _count("fields", "the most is"),
    "uniqueItems": lambda given, _: "has the same entry twice",
    "not": lambda given, _: f"is {shown(given)}, which the schema rules out",
    "contains": lambda given, _: "has too few or too many of the entries that are needed",
    "minContains": lambda given, _: "has too few of the entries that are needed",
    "maxContains": lambda given, _: "has too many of the entries that are counted",
    "items": lambda given, _: "has more entries than are allowed",
    "additionalItems": lambda given, _: "has more entries than are allowed",
}
