"""Put differences into words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from callsheet.schema.keywords import UNCHECKED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


DESCRIBED = "is described differently"

_MAX_LISTED = 6
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
    "maxLength": ("is now at most {} characters long", "a maximum length"),
    "minLength": ("is now at least {} characters long", "a minimum length"),
    "maximum": ("is now at most {}", "a maximum"),
    "exclusiveMaximum": ("is now below {}", "an upper bound"),
    "minimum": ("is now at least {}", "a minimum"),
    "exclusiveMinimum": ("is now above {}", "a lower bound"),
    "maxItems": ("now holds at most {} items", "a maximum number of items"),
    "minItems": ("now holds at least {} items", "a minimum number of items"),
    "maxProperties": ("now has at most {} fields", "a maximum number of fields"),
    "minProperties": ("now has at least {} fields", "a minimum number of fields"),
}
_RULES: Mapping[str, tuple[str, str]] = {
    "pattern": ("must now match {}", "a pattern"),
    "format": ("now has the format {}", "a format"),
    "contentEncoding": ("now has the encoding {}", "an encoding"),
    "contentMediaType": ("now has the media type {}", "a media type"),
}


def show(value: Any) -> str:
    """Return a value as people read it, cut to 40 characters."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def enumerate_values(values: Iterable[Any]) -> str:
    """Return the values separated by commas, the first six of many."""
    texts = [show(value) for value in values]
    if len(texts) > _MAX_LISTED + 1:
        return f"{', '.join(texts[:_MAX_LISTED])} and {len(texts) - _MAX_LISTED} more"
    return ", ".join(texts)


def kinds(names: Iterable[str]) -> str:
    """Return the kinds of JSON values in words."""
    return " and ".join(_KINDS[name] for name in sorted(names, key=list(_KINDS).index))


def limit(keyword: str, old: Any, new: Any) -> str:
    """Say how a limit changed; ``None`` where a side has none."""
    return _changed(*_LIMITS[keyword], old, new)


def multiples(steps: Collection[Any]) -> str:
    """Say of what numbers have to be multiples now."""
    if not steps:
        return "no longer has to be a multiple"
    return f"now takes only multiples of {' and '.join(map(show, sorted(steps)))}"


def rule(keyword: str, old: Any, new: Any) -> str:
    """Say how an opaque rule changed; ``None`` where a side has none."""
    if not keyword:
        return "is composed differently"
    if keyword in _RULES:
        return _changed(*_RULES[keyword], old, new)
    name = "that cannot be checked" if keyword == UNCHECKED else f"`{keyword}`"
    if new is None:
        return f"no longer has a rule {name}"
    return f"has a {'new' if old is None else 'different'} rule {name}"


def _changed(sentence: str, name: str, old: Any, new: Any) -> str:
    was = "" if old is None else f" (was {show(old)})"
    return (f"no longer has {name}" if new is None else sentence.format(show(new))) + was


def default(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Say how the server's default changed, from the annotations of both sides."""
    old = show(before.get("default"))
    if "default" not in after:
        return f"no longer has a server default (was {old})"
    new = show(after["default"])
    if "default" not in before:
        return f"now has the server default {new}"
    return f"has the server default {new} instead of {old}"
