"""Outline JSON values and the paths within them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.schema_document import is_schema
from callsheet.protocol.values import parse_nested
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callsheet.protocol.envelope import Envelope


_OUTLINE_DEPTH = 5
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
    read = parse_nested(value)
    if read is not value:
        return f"text of JSON {outline(read, depth + 1)}"
    return "link" if _LINK.fullmatch(value[:2000]) else "text"


def _table(value: dict[str, Any], depth: int) -> str:
    if not value or depth >= _OUTLINE_DEPTH:
        return "{…}" if value else "{}"
    tables = [item for item in value.values() if isinstance(item, dict)]
    if depth < 2 < len(tables) == len(value):
        merged = _merged(tables, depth + 1)
        if "?" not in merged or "." in next(iter(value)):
            return f"{{{len(value)} keys: {merged}}}"
    shapes = [f"{key_name(key)}: {outline(value[key], depth + 1)}" for key in list(value)[:_KEYS]]
    return "{" + ", ".join(shapes + _more(len(value))) + "}"


def _items(value: list[Any], depth: int) -> str:
    if not value or depth >= _OUTLINE_DEPTH:
        return "[…]" if value else "[]"
    some = value[:_ITEMS]
    tables = [item for item in some if isinstance(item, dict) and not is_schema(item)]
    shapes = [_merged(tables, depth + 1)] if tables else []
    shapes += [outline(item, depth + 1) for item in some if item not in tables]
    kinds = list(dict.fromkeys(shapes))
    return f"[{len(value)} of {' or '.join(kinds[:3])}{' or …' if len(kinds) > 3 else ''}]"


def _merged(tables: list[dict[str, Any]], depth: int) -> str:
    """One shape for several objects: ``key?`` is not in all of them."""
    if depth >= _OUTLINE_DEPTH:
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


_NESTED_TEXTS = 6
_NODES = 20_000
_PLAIN_KEY = re.compile(r"[^.\[\],=*$\s]+")

Place = tuple[str, Any]
"""A path (``$`` is the whole reply, ``[]`` each item) and one value that it leads to."""


def places(value: Any) -> Iterator[Place]:
    """Every value with its path, the shallow ones first; unspeakable keys are left out."""
    level: list[tuple[str, Any]] = [("$", value)]
    for _ in range(_NESTED_TEXTS):
        below: list[Place] = []
        for path, item in level:
            yield path, item
            below += _below(path, item)
        level = below[:_NODES]


def _below(path: str, item: Any) -> list[Place]:
    start = "" if path == "$" else path
    if isinstance(item, list):
        return [(f"{start}[]", one) for one in item]
    if not isinstance(item, dict):
        return []
    keys = [key for key in item if _PLAIN_KEY.fullmatch(key)]
    return [(f"{start}.{key}".lstrip("."), item[key]) for key in keys]


def place(value: Any, wanted: Callable[[Any], bool]) -> str:
    """The path of the shallowest value that is ``wanted``; empty where there is none."""
    return next((path for path, item in places(value) if wanted(item)), "")


def keyed_place(value: Any, keys: Sequence[str], wanted: object) -> str:
    """The path of a value equal to ``wanted``, under the first of ``keys`` that has it."""
    found = [path for path, item in places(value) if type(item) is type(wanted) and item == wanted]
    ranked = sorted(found, key=lambda path: _rank(path, keys))
    return ranked[0] if ranked else ""


def _rank(path: str, keys: Sequence[str]) -> int:
    name = path.rpartition(".")[2].removesuffix("[]")
    return keys.index(name) if name in keys else len(keys)


def list_place(value: Any, ids: Sequence[str]) -> tuple[str, str]:
    """The path of the list with these ids and the key of the id: empty where the ids are keys."""
    wanted = set(ids)
    for path, item in places(value):
        if isinstance(item, dict) and wanted and wanted <= set(item):
            return path, ""
        if isinstance(item, list) and item:
            key = id_key(item, wanted)
            if key is not None:
                return path, key
    return "", ""


def id_key(items: list[Any], wanted: set[str]) -> str | None:
    """The key under which each wanted id stands; empty where the items are the ids."""
    if wanted and wanted <= {item for item in items if isinstance(item, str)}:
        return ""
    tables = [item for item in items if isinstance(item, dict)]
    keys = dict.fromkeys([*vocab.ID_KEYS, *(str(key) for item in tables[:1] for key in item)])
    for key in keys:
        if wanted and wanted <= {str(item[key]) for item in tables if key in item}:
            return key
    return None


def envelope_words(opened: Envelope) -> str:
    """What in an envelope says yes, as ``path=value``; empty where nothing does."""
    top = opened.layers[0] if opened.layers else None
    if not opened.is_ok or not isinstance(top, dict):
        return ""
    for key in (*vocab.SUCCESS_KEYS, *vocab.CODE_KEYS, "status"):
        value = top.get(key)
        if isinstance(value, bool | int | str) and value != "":
            return f"{key}={str(value).lower() if isinstance(value, bool) else value}"
    return ""
