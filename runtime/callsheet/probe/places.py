"""Finds where in a reply something stands, as a path that forces the same reading."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from callsheet.protocol import vocabulary as say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callsheet.protocol import Opened

_DEPTH = 6
_NODES = 20_000
_PLAIN_KEY = re.compile(r"[^.\[\],=*$\s]+")

Place = tuple[str, Any]
"""A path (``$`` is the whole reply, ``[]`` each item) and one value that it leads to."""


def places(value: Any) -> Iterator[Place]:
    """Every value with its path, the shallow ones first; unspeakable keys are left out."""
    level: list[tuple[str, Any]] = [("$", value)]
    for _ in range(_DEPTH):
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
    keys = dict.fromkeys([*say.ID_KEYS, *(str(key) for item in tables[:1] for key in item)])
    for key in keys:
        if wanted and wanted <= {str(item[key]) for item in tables if key in item}:
            return key
    return None


def envelope_words(opened: Opened) -> str:
    """What in an envelope says yes, as ``path=value``; empty where nothing does."""
    top = opened.layers[0] if opened.layers else None
    if not opened.said_ok or not isinstance(top, dict):
        return ""
    for key in (*say.SUCCESS_KEYS, *say.CODE_KEYS, "status"):
        value = top.get(key)
        if isinstance(value, bool | int | str) and value != "":
            return f"{key}={str(value).lower() if isinstance(value, bool) else value}"
    return ""
