"""Outline JSON values, and find the paths of values within them."""

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


_MAX_DEPTH = 5
_MAX_KEYS = 24
_MAX_ITEMS = 200
_LONGEST_KEY = 60
_LINK = re.compile(r"(?:https?:/)?/\S+", re.IGNORECASE)
_PLAIN = {bool: "boolean", int: "number", float: "number", type(None): "null"}


def outline(json_value: Any, depth: int = 0) -> str:
    """Outline JSON as ``{key: type}`` and ``[10 of type]``, without any of its values.

    A JSON Schema is named as such, JSON within a text is outlined too. What is deeper than 5 or
    beyond 24 keys is cut; of a list 200 items count.
    """
    if isinstance(json_value, str):
        return _outline_text(json_value, depth)
    if type(json_value) in _PLAIN:
        return _PLAIN[type(json_value)]
    if isinstance(json_value, dict):
        if depth and is_schema(json_value):
            return "JSON Schema"
        return _outline_object(json_value, depth)
    return _outline_list(json_value, depth) if isinstance(json_value, list) else "?"


def printable_key(key: str) -> str:
    """Return a key on one line of at most 60 characters, safe to print."""
    return one_line(key, _LONGEST_KEY)


def _outline_text(text: str, depth: int) -> str:
    nested = parse_nested(text)
    if nested is not text:
        return f"text of JSON {outline(nested, depth + 1)}"
    return "link" if _LINK.fullmatch(text[:2000]) else "text"


def _outline_object(table: dict[str, Any], depth: int) -> str:
    if not table or depth >= _MAX_DEPTH:
        return "{…}" if table else "{}"
    tables = [member for member in table.values() if isinstance(member, dict)]
    if depth < 2 < len(tables) == len(table):
        merged = _merge_outlines(tables, depth + 1)
        if "?" not in merged or "." in next(iter(table)):
            return f"{{{len(table)} keys: {merged}}}"
    shapes = [
        f"{printable_key(key)}: {outline(table[key], depth + 1)}" for key in list(table)[:_MAX_KEYS]
    ]
    return "{" + ", ".join(shapes + _more(len(table))) + "}"


def _outline_list(items: list[Any], depth: int) -> str:
    if not items or depth >= _MAX_DEPTH:
        return "[…]" if items else "[]"
    sample = items[:_MAX_ITEMS]
    tables = [member for member in sample if isinstance(member, dict) and not is_schema(member)]
    shapes = [_merge_outlines(tables, depth + 1)] if tables else []
    shapes += [outline(member, depth + 1) for member in sample if member not in tables]
    kinds = list(dict.fromkeys(shapes))
    return f"[{len(items)} of {' or '.join(kinds[:3])}{' or …' if len(kinds) > 3 else ''}]"


def _merge_outlines(tables: list[dict[str, Any]], depth: int) -> str:
    """Merge several objects into one shape; ``key?`` is not in all of them."""
    if depth >= _MAX_DEPTH:
        return "{…}"
    kinds_by_key: dict[str, list[str]] = {}
    for table in tables:
        for key, member in table.items():
            kinds_by_key.setdefault(key, []).append(outline(member, depth + 1))
    shapes = [
        f"{printable_key(key)}{'?' if len(kinds) < len(tables) else ''}: "
        + " or ".join(list(dict.fromkeys(kinds))[:3])
        for key, kinds in list(kinds_by_key.items())[:_MAX_KEYS]
    ]
    return "{" + ", ".join(shapes + _more(len(kinds_by_key))) + "}"


def _more(count: int) -> list[str]:
    return [f"{count - _MAX_KEYS} more"] if count > _MAX_KEYS else []


_MAX_LEVELS = 6
_MAX_NODES = 20_000
_PLAIN_KEY = re.compile(r"[^.\[\],=*$\s]+")

PathValue = tuple[str, Any]
"""(path, one value that it leads to); in a path ``$`` is the whole reply, ``[]`` each item."""


def iter_paths(document: Any) -> Iterator[PathValue]:
    """Yield each value with its path, shallow ones first.

    Skip keys that no path can name, values below level 6, and those beyond 20,000 on a level.
    """
    level: list[tuple[str, Any]] = [("$", document)]
    for _ in range(_MAX_LEVELS):
        below: list[PathValue] = []
        for path, node in level:
            yield path, node
            below += _children(path, node)
        level = below[:_MAX_NODES]


def _children(path: str, node: Any) -> list[PathValue]:
    start = "" if path == "$" else path
    if isinstance(node, list):
        return [(f"{start}[]", member) for member in node]
    if not isinstance(node, dict):
        return []
    keys = [key for key in node if _PLAIN_KEY.fullmatch(key)]
    return [(f"{start}.{key}".lstrip("."), node[key]) for key in keys]


def find_path(document: Any, wanted: Callable[[Any], bool]) -> str:
    """Return the path of the shallowest value that is ``wanted``; empty where there is none."""
    return next((path for path, node in iter_paths(document) if wanted(node)), "")


def find_keyed_path(document: Any, keys: Sequence[str], wanted: object) -> str:
    """Return the path of a value of the type and value of ``wanted``; empty where there is none.

    A path under the first of ``keys`` goes before others, then a shallow one before a deep one.
    """
    paths = [
        path for path, node in iter_paths(document) if type(node) is type(wanted) and node == wanted
    ]
    ranked = sorted(paths, key=lambda path: _rank_of_key(path, keys))
    return ranked[0] if ranked else ""


def _rank_of_key(path: str, keys: Sequence[str]) -> int:
    name = path.rpartition(".")[2].removesuffix("[]")
    return keys.index(name) if name in keys else len(keys)


def find_list_path(document: Any, ids: Sequence[str]) -> tuple[str, str]:
    """Return the path of the list with these ids, and the key of an id in each entry.

    The key is empty where the ids are themselves keys or items; both are where there is no such
    list.
    """
    wanted = set(ids)
    for path, node in iter_paths(document):
        if isinstance(node, dict) and wanted and wanted <= set(node):
            return path, ""
        if isinstance(node, list) and node:
            for inner, items in _id_carriers(node):
                key = find_id_key(items, wanted)
                if key is not None:
                    return path + inner, key
    return "", ""


def _id_carriers(items: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield ``("", items)``; where all items have a single key, what is below it: ``[].node``."""
    yield "", items
    keys = {key for item in items if isinstance(item, dict) for key in item}
    if len(keys) == 1:
        (key,) = keys
        yield f"[].{key}", [item[key] for item in items if isinstance(item, dict) and item]


def find_id_key(items: list[Any], wanted: set[str]) -> str | None:
    """Return the key that holds each wanted id, or ``None``; ``""`` where the items are the ids."""
    if wanted and wanted <= {member for member in items if isinstance(member, str)}:
        return ""
    tables = [member for member in items if isinstance(member, dict)]
    keys = dict.fromkeys([*vocab.ID_KEYS, *(str(key) for member in tables[:1] for key in member)])
    for key in keys:
        if wanted and wanted <= {str(member[key]) for member in tables if key in member}:
            return key
    return None


def find_success_sign(opened: Envelope) -> str:
    """Return what in an envelope reports success, as ``path=value``; empty where nothing does."""
    top = opened.layers[0] if opened.layers else None
    if not opened.is_ok or not isinstance(top, dict):
        return ""
    for sign in read_signs(top):
        if sign.says == "yes" and isinstance(sign.value, bool | int | str):
            verdict = str(sign.value).lower() if isinstance(sign.value, bool) else sign.value
            return f"{'.'.join(sign.steps)}={verdict}"
    return ""
