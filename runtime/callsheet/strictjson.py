"""JSON as a server may send it: strictly, and where a list is spoiled, at the cost of that part."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

_PIECE = r'(?s)"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]'
_DEEPEST = 128
_LONGEST_NUMBER = 400
_SPOILT = '{"":0,"":0}'


class _Spoilt:
    """Stands for a value that JSON does not have, or that cannot be told."""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of these fields; ``ValueError`` for a key that stands twice.

    Which of the two another program reads is not known, so neither can be judged.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the key {json.dumps(twice[:80])} stands twice in one object")
    return found


def strict_json(body: bytes) -> Any:
    """JSON without repeated keys, NaN, infinity or lone surrogates; ``None`` for anything else."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    try:
        data = json.loads(body, object_pairs_hook=once, parse_constant=refuse)
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return data


def salvaged(body: bytes, holders: Collection[str]) -> Any:
    """A list that :func:`strict_json` refuses, with what is spoiled in an entry set to null.

    ``holders`` are the keys that hold schemas: there the schema alone goes, elsewhere the whole
    entry. ``None`` where the spoiled part belongs to no entry, or where it is no JSON at all.
    """
    try:
        text = body.decode(json.detect_encoding(body), "surrogateescape")
        data = json.loads(
            _shallow(text),
            object_pairs_hook=_pairs,
            parse_constant=lambda _: _Spoilt(),
            parse_float=_float,
            parse_int=lambda digits: int(digits) if len(digits) <= _LONGEST_NUMBER else _Spoilt(),
        )
    except (ValueError, RecursionError):
        return None
    kept, sound = _Salvage(holders).value(data, place="list")
    return kept if sound else None


def _pairs(items: list[tuple[str, Any]]) -> Any:
    table = dict(items)
    return table if len(table) == len(items) else _Spoilt()


def _float(digits: str) -> Any:
    value = float(digits)
    return value if math.isfinite(value) else _Spoilt()


def _shallow(text: str) -> str:
    """The text with every value below a depth of 128 replaced by one that counts as spoiled."""
    parts: list[str] = []
    depth = start = 0
    for found in re.finditer(_PIECE, text):
        if found[0] in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                parts.append(text[start : found.start()])
        elif found[0] in "]}":
            depth -= 1
            if depth == _DEEPEST:
                parts.append(_SPOILT)
                start = found.end()
    return "".join([*parts, text[start:]]) if depth == 0 else text


class _Salvage:
    """One walk: the value without what is spoiled, and whether what is left can be trusted."""

    def __init__(self, holders: Collection[str]) -> None:
        self.holders = holders

    def value(self, value: Any, *, place: str) -> tuple[Any, bool]:
        """``place`` is ``list`` above the entries, then ``entry``, then ``schema``."""
        if isinstance(value, _Spoilt):
            return None, False
        if isinstance(value, str):
            return value, _told(value)
        if isinstance(value, dict):
            return self._table(value, place)
        if not isinstance(value, list):
            return value, True
        below = "entry" if place == "list" else place
        found = [self.value(item, place=below) for item in value]
        if place == "list":
            return [item if sound else None for item, sound in found], True
        return [item for item, _ in found], all(sound for _, sound in found)

    def _table(self, table: dict[str, Any], place: str) -> tuple[Any, bool]:
        kept, fine = {}, all(map(_told, table))
        for key, item in table.items():
            holds = key in self.holders and place != "schema"
            kept[key], sound = self.value(item, place="schema" if holds else place)
            if holds and not sound:
                kept[key], sound = None, True
            fine = fine and sound
        return kept, fine


def _told(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
