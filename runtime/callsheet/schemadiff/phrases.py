"""Put differences into words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_MOST_SHOWN = 6
_LONGEST = 40
_KINDS: Mapping[str, str] = {
    "string": "text",
    "number": "numbers",
    "integer": "whole numbers",
    "boolean": "true and false",
    "array": "lists",
    "object": "objects",
    "null": "null",
}
_LIMITS: Mapping[str, tuple[str, str]] = {
    "maxLength": ("is now at most {} long", "may be of any length above"),
    "minLength": ("is now at least {} long", "may be of any length below"),
    "maximum": ("is now at most {}", "has no greatest value any more"),
    "exclusiveMaximum": ("is now below {}", "has no upper end any more"),
    "minimum": ("is now at least {}", "has no least value any more"),
    "exclusiveMinimum": ("is now above {}", "has no lower end any more"),
    "maxItems": ("now holds at most {}", "may hold any number from now on"),
    "minItems": ("now holds at least {}", "may be empty now"),
    "maxProperties": ("now has at most {} fields", "may have any number of fields now"),
    "minProperties": ("now has at least {} fields", "may have no fields now"),
}
_RULES: Mapping[str, str] = {
    "pattern": "must match {} now",
    "format": "is meant to be of the format {} now",
    "contentEncoding": "is meant to be encoded as {} now",
    "contentMediaType": "is meant to hold {} now",
}


def shown(value: Any) -> str:
    """A value as people read it, cut to 40 characters."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def listed(values: Iterable[Any]) -> str:
    """Values in a row, the first six of them."""
    texts = [shown(one) for one in values]
    if len(texts) > _MOST_SHOWN + 1:
        return f"{', '.join(texts[:_MOST_SHOWN])} and {len(texts) - _MOST_SHOWN} more"
    return ", ".join(texts)


def kinds(found: Iterable[str]) -> str:
    """Kinds of JSON in words."""
    return " and ".join(_KINDS[one] for one in sorted(found, key=list(_KINDS).index))


def limit(key: str, old: Any, new: Any) -> str:
    """How a limit changed; ``None`` where a side has none."""
    said, gone = _LIMITS[key]
    if new is None:
        return f"{gone} (was {shown(old)})"
    was = "" if old is None else f" (was {shown(old)})"
    return said.format(shown(new)) + was


def rule(word: str, old: Any, new: Any) -> str:
    """How an opaque rule changed; ``None`` where a side has none."""
    if not word:
        return "is put together otherwise"
    if word not in _RULES:
        if new is None:
            return f"has no rule `{word}` any more"
        return f"has another rule `{word}`" if old is not None else f"has a rule `{word}` now"
    if new is None:
        return f"has no {_name(word)} any more (was {shown(old)})"
    was = "" if old is None else f" (was {shown(old)})"
    return _RULES[word].format(shown(new)) + was


def _name(word: str) -> str:
    return {"contentEncoding": "encoding", "contentMediaType": "media type"}.get(word, word)


def default(old: Any, new: Any, *, had: bool, has: bool) -> str:
    """How the server's default changed."""
    if not has:
        return f"has no server default any more (was {shown(old)})"
    was = f" instead of {shown(old)}" if had else " now"
    return f"has the server default {shown(new)}{was}"
