"""Outline JSON values and the paths within them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.envelope import read_signs
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


def outline(json_value: Any, depth: int = 0) -> str:
    """Outline JSON as ``{key: type}`` and ``[10 of type]``; schemas and nested JSON are named."""
    if isinstance(json_value, str):
        return _text(json_value, depth)
    if type(json_value) in _PLAIN:
        return _PLAIN[type(json_value)]
    if isinstance(json_value, dict):
        if depth and is_schema(json_value):
            return "JSON Schema"
        return _table(json_value, depth)
    return _items(json_value, depth) if isinstance(json_value, list) else "?"


def key_name(key: str) -> str:
    """Return a key as it may be shown."""
    return one_line(key, _LONGEST_KEY)


def _text(text: str, depth: int) -> str:
    nested = parse_nested(text)
    if nested is not text:
        return f"text of JSON {outline(nested, depth + 1)}"
    return "link" if _LINK.fullmatch(text[:2000]) else "text"


def _table(table: dict[str, Any], depth: int) -> str:
    if not table or depth >= _OUTLINE_DEPTH:
        return "{…}" if table else "{}"
    tables = [member for member in table.values() if isinstance(member, dict)]
    if depth < 2 < len(tables) == len(table):
        merged = _merged(tables, depth + 1)
        if "?" not in merged or "." in next(iter(table)):
            return f"{{{len(table)} keys: {merged}}}"
    shapes = [f"{key_name(key)}: {outline(table[key], depth + 1)}" for key in list(table)[:_KEYS]]
    return "{" + ", ".join(shapes + _more(len(table))) + "}"


def _items(items: list[Any], depth: int) -> str:
    if not items or depth >= _OUTLINE_DEPTH:
        return "[…]" if items else "[]"
    sample = items[:_ITEMS]
    tables = [member for member in sample if isinstance(member, dict) and not is_schema(member)]
    shapes = [_merged(tables, depth + 1)] if tables else []
    shapes += [outline(member, depth + 1) for member in sample if member not in tables]
    kinds = list(dict.fromkeys(shapes))
    return f"[{len(items)} of {' or '.join(kinds[:3])}{' or …' if len(kinds) > 3 else ''}]"


def _merged(tables: list[dict[str, Any]], depth: int) -> str:
    """Merge several objects into one shape; ``key?`` is not in all of them."""
    if depth >= _OUTLINE_DEPTH:
        return "{…}"
    kinds_by_key: dict[str, list[str]] = {}
    for table in tables:
        for key, member in table.items():
            kinds_by_key.setdefault(key, []).append(outline(member, depth + 1))
    shapes = [
        f"{key_name(key)}{'?' if len(kinds) < len(tables) else ''}: "
        + " or ".join(list(dict.fromkeys(kinds))[:3])
        for key, kinds in list(kinds_by_key.items())[:_KEYS]
    ]
    return "{" + ", ".join(shapes + _more(len(kinds_by_key))) + "}"


def _more(count: int) -> list[str]:
    return [f"{count - _KEYS} more"] if count > _KEYS else []


_NESTED_TEXTS = 6
_NODES = 20_000
_PLAIN_KEY = re.compile(r"[^.\[\],=*$\s]+")

Place = tuple[str, Any]
"""A path (``$`` is the whole reply, ``[]`` each item) and one value that it leads to."""


def places(document: Any) -> Iterator[Place]:
    """Yield every value with its path, shallow ones first; skip keys that no path can name."""
    level: list[tuple[str, Any]] = [("$", document)]
    for _ in range(_NESTED_TEXTS):
        below: list[Place] = []
        for path, node in level:
            yield path, node
            below += _below(path, node)
        level = below[:_NODES]


def _below(path: str, node: Any) -> list[Place]:
    start = "" if path == "$" else path
    if isinstance(node, list):
        return [(f"{start}[]", member) for member in node]
    if not isinstance(node, dict):
        return []
    keys = [key for key in node if _PLAIN_KEY.fullmatch(key)]
    return [(f"{start}.{key}".lstrip("."), node[key]) for key in keys]


def place(document: Any, wanted: Callable[[Any], bool]) -> str:
    """Return the path of the shallowest value that is ``wanted``; empty where there is none."""
    return next((path for path, node in places(document) if wanted(node)), "")


def keyed_place(document: Any, keys: Sequence[str], wanted: object) -> str:
    """Return the path of a value equal to ``wanted``, under the first of ``keys`` that has it."""
    paths = [
        path for path, node in places(document) if type(node) is type(wanted) and node == wanted
    ]
    ranked = sorted(paths, key=lambda path: _rank(path, keys))
    return ranked[0] if ranked else ""


def _rank(path: str, keys: Sequence[str]) -> int:
    name = path.rpartition(".")[2].removesuffix("[]")
    return keys.index(name) if name in keys else len(keys)


def list_place(document: Any, ids: Sequence[str]) -> tuple[str, str]:
    """Return the path of the list with these ids and the id's key, empty where ids are keys."""
    wanted = set(ids)
    for path, node in places(document):
        if isinstance(node, dict) and wanted and wanted <= set(node):
            return path, ""
        if isinstance(node, list) and node:
            for inner, items in _entries(node):
                key = id_key(items, wanted)
                if key is not None:
                    return path + inner, key
    return "", ""


def _entries(items: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the items, then what stands under the one key that they consist of: ``[].node``."""
    yield "", items
    keys = {key for item in items if isinstance(item, dict) for key in item}
    if len(keys) == 1:
        (key,) = keys
        yield f"[].{key}", [item[key] for item in items if isinstance(item, dict) and item]


def id_key(items: list[Any], wanted: set[str]) -> str | None:
    """Return the key that holds each wanted id; empty where the items are the ids."""
    if wanted and wanted <= {member for member in items if isinstance(member, str)}:
        return ""
    tables = [member for member in items if isinstance(member, dict)]
    keys = dict.fromkeys([*vocab.ID_KEYS, *(str(key) for member in tables[:1] for key in member)])
    for key in keys:
        if wanted and wanted <= {str(member[key]) for member in tables if key in member}:
            return key
    return None


def envelope_words(opened: Envelope) -> str:
    """Return what in an envelope says yes, as ``path=value``; empty where nothing does."""
    top = opened.layers[0] if opened.layers else None
    if not opened.is_ok or not isinstance(top, dict):
        return ""
    for sign in read_signs(top):
        if sign.says == "yes" and isinstance(sign.value, bool | int | str):
            verdict = str(sign.value).lower() if isinstance(sign.value, bool) else sign.value
            return f"{'.'.join(sign.steps)}={verdict}"
    return ""
