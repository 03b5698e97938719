"""Read single JSON values leniently."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_DEPTH = 40  # deeper values are kept and not looked into
_LONGEST = 4_000_000
_NUMBER = r"\s*([+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?)\s*(%?)\s*"
_WORD_START = r"(?<=[a-z0-9])(?=[A-Z])"
_BETWEEN = r"[^A-Za-z0-9]+"
_JOINTS = re.compile(r"[\s_-]+")
_READABLE = (str, dict, list)
_NEXT_LINK = r"\s*,\s*(?=(?i:https?)://)"
_ABSOLUTE = r"(?i:https?)://[^\s/]"
_INLINE = r"(?i:data:(?:video|image|audio)/)"
_RELATIVE = r"(?:\.{0,2}/|[\w.~%-]{1,255}/)\S*\Z|[\w~%-][\w.~%-]{0,255}\.[a-z][a-z0-9]{1,4}\Z"


def loads(text: str | bytes) -> Any:
    """The JSON value in ``text``; raises ``ValueError`` alone, whatever is wrong with it."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def unquoted(value: Any, times: int = 2) -> tuple[Any, int]:
    """``value``, read if it is a string that holds a JSON object or array.

    ``times`` bounds how often a string within a string is read; returned is what is left of it.
    """
    read, left = value, times
    while isinstance(read, str) and left > 0 and read.lstrip()[:1] in {"{", "[", '"'}:
        if len(read) > _LONGEST:
            break
        try:
            read, left = loads(read), left - 1
        except ValueError:
            break
    return (read, left) if isinstance(read, dict | list) else (value, times)


def expanded(value: Any, times: int = 2, depth: int = 0) -> Any:
    """A copy of ``value`` in which strings that hold JSON are read, twice at most on any way."""
    value, times = unquoted(value, times)
    if depth >= _DEPTH:
        return value
    below = depth + 1
    if isinstance(value, dict):
        return {
            key: expanded(item, times, below) if isinstance(item, _READABLE) else item
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            expanded(item, times, below) if isinstance(item, _READABLE) else item for item in value
        ]
    return value


def word(value: Any) -> str:
    """A state or a code for comparison: no case, spaces, ``-`` or ``_``."""
    if isinstance(value, str):
        return (value if value.isalnum() else _JOINTS.sub("", value)).casefold()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        return str(value)
    return ""


def words(name: str) -> tuple[str, ...]:
    """The words of a key: ``coverImage_url`` gives cover, image, url."""
    return _words(name[:200])


@lru_cache(maxsize=1024)
def _words(name: str) -> tuple[str, ...]:
    spaced = re.sub(_WORD_START, " ", name)
    return tuple(part.lower() for part in re.split(_BETWEEN, spaced) if part)


def number(value: Any) -> float | None:
    """A finite number, from a JSON number or a string that is one (``%`` is dropped)."""
    if isinstance(value, str):
        found = re.fullmatch(_NUMBER, value[:700])
        value = float(found[1]) if found else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        read = float(value)
    except OverflowError:
        return None
    return read if math.isfinite(read) else None


def first_text(table: Mapping[str, Any], keys: Iterable[str]) -> str:
    """The first text that stands, not empty, under one of ``keys``."""
    for key in keys:
        value = table.get(key)
        if isinstance(value, str) and value.strip():
            return value
    return ""


def held(table: Mapping[str, Any], keys: Iterable[str]) -> list[Any]:
    """What stands in a table under these keys, in their order."""
    return [table[key] for key in keys if key in table]


def encodable(text: str) -> bool:
    """Whether ``text`` can be sent; a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_link(text: str) -> bool:
    """Tell whether ``text`` can be fetched: http, https, relative to the host, or media inline."""
    text = text.strip()
    if "/" not in text and "." not in text:  # no pattern below has neither
        return False
    if not text or not encodable(text) or text in {"/", ".", ".."}:
        return False
    if re.match(_INLINE, text):
        return True
    if len(text) > 8192 or " " in text or not text.isprintable():
        return False
    return bool(re.match(_ABSOLUTE, text) or re.match(_RELATIVE, text))


def split_links(text: str) -> list[str]:
    """Return the links in a text: one, or those of a comma list; a comma in a link stays."""
    return re.split(_NEXT_LINK, text.strip()) if "," in text and "://" in text else [text.strip()]
