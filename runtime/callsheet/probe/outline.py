"""Draws the shape of a JSON value: types and key names, and no value."""

from __future__ import annotations

import re
from typing import Any

from callsheet.protocol.schemas import is_schema
from callsheet.protocol.values import unquoted
from callsheet.text import one_line

_DEPTH = 5
_KEYS = 24
_ITEMS = 200
_LONGEST_KEY = 60
_LINK = re.compile(r"(?:https?:/)?/\S+", re.IGNORECASE)
_PLAIN = {bool: "boolean", int: "number", float: "number", type(None): "null"}


def outline(value: Any, depth: int = 0) -> str:
    """``value`` as ``{key: type}``, ``[10 of type]``; schemas and nested JSON are named so."""
    if isinstance(value, str):
        return _text(value, depth)
    if type(value) in _PLAIN:
        return _PLAIN[type(value)]
    if isinstance(value, dict):
        if depth and is_schema(value):
            return "JSON Schema"
        return _table(value, depth)
    return _items(value, depth) if isinstance(value, list) else "?"


def key_name(key: str) -> str:
    """A key as it may be shown."""
    return one_line(key, _LONGEST_KEY)


def _text(value: str, depth: int) -> str:
    read, _ = unquoted(value)
    if read is not value:
        return f"text of JSON {outline(read, depth + 1)}"
    return "link" if _LINK.fullmatch(value[:2000]) else "text"


def _table(value: dict[str, Any], depth: int) -> str:
    if not value or depth >= _DEPTH:
        return "{…}" if value else "{}"
    tables = [item for item in value.values() if isinstance(item, dict)]
    if depth < 2 < len(tables) == len(value):
        merged = _merged(tables, depth + 1)
        if "?" not in merged or "." in next(iter(value)):
            return f"{{{len(value)} keys: {merged}}}"
    shapes = [f"{key_name(key)}: {outline(value[key], depth + 1)}" for key in list(value)[:_KEYS]]
    return "{" + ", ".join(shapes + _more(len(value))) + "}"


def _items(value: list[Any], depth: int) -> str:
    if not value or depth >= _DEPTH:
        return "[…]" if value else "[]"
    some = value[:_ITEMS]
    tables = [item for item in some if isinstance(item, dict) and not is_schema(item)]
    shapes = [_merged(tables, depth + 1)] if tables else []
    shapes += [outline(item, depth + 1) for item in some if item not in tables]
    kinds = list(dict.fromkeys(shapes))
    return f"[{len(value)} of {' or '.join(kinds[:3])}{' or …' if len(kinds) > 3 else ''}]"


def _merged(tables: list[dict[str, Any]], depth: int) -> str:
    """One shape for several objects: ``key?`` is not in all of them."""
    if depth >= _DEPTH:
        return "{…}"
    found: dict[str, list[str]] = {}
    for table in tables:
        for key, item in table.items():
            found.setdefault(key, []).append(outline(item, depth + 1))
    shapes = [
        f"{key_name(key)}{'?' if len(kinds) < len(tables) else ''}: "
        + " or ".join(list(dict.fromkeys(kinds))[:3])
        for key, kinds in list(found.items())[:_KEYS]
    ]
    return "{" + ", ".join(shapes + _more(len(found))) + "}"


def _more(count: int) -> list[str]:
    return [f"{count - _KEYS} more"] if count > _KEYS else []
