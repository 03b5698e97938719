"""Read and write JSON strictly, canonically and digit by digit, and follow JSON pointers."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


_PIECE = r'(?s)"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]'
_DEEPEST = 128
_LONGEST_NUMBER = 400
_SPOILT = '{"":0,"":0}'


class _Spoilt:
    """Stands for a value that JSON does not have, or that cannot be told."""


def reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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
        data = json.loads(body, object_pairs_hook=reject_duplicates, parse_constant=refuse)
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return data


def salvage(body: bytes, holders: Collection[str]) -> Any:
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


def canonical(value: object) -> str:
    """One text for equal JSON: sorted keys, no blanks, ASCII. 1 and 1.0 stay apart."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=as_dict)


def digest(value: object) -> str:
    """SHA-256 of the canonical text, in hexadecimal."""
    import hashlib

    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def as_dict(value: object) -> object:
    """A mapping of any kind as JSON takes it; raises ``TypeError`` for anything else."""
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError(f"{type(value).__name__} is not JSON")


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LONGEST_INTEGER = 4000


class Numeral(float):
    """A number with a fraction or an exponent, and the text it was typed as."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Numeral:
        """Keep ``text``; raises ``ValueError`` where a double cannot hold the number."""
        number = super().__new__(cls, text)
        if not math.isfinite(number):
            raise ValueError(f"{text[:40]} is out of range")
        number.text = text
        return number


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError(f"a number of {len(text)} digits is too long")
    return int(text)


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def parse_number(text: str) -> int | Numeral | None:
    """The number that ``text`` is in JSON's grammar, else ``None``; ``ValueError`` out of range."""
    if not _NUMBER.fullmatch(text):
        return None
    return _integer(text) if text.lstrip("-").isdigit() else Numeral(text)


def decode(text: str) -> Any:
    """Read one JSON document; raises ``ValueError`` with a message of one line."""
    try:
        return json.loads(
            text,
            parse_float=Numeral,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=reject_duplicates,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise ValueError(f"not JSON: {error.msg} at {where}") from None


def encode(value: Any) -> str:
    """Write compact JSON; a ``Numeral`` comes out as it was typed."""
    if isinstance(value, Numeral):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(k)}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(encode, value)) + "]"
    return _string(value) if isinstance(value, str) else json.dumps(value, allow_nan=False)


def _string(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8 and goes out as an escape
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)


def to_builtins(value: Any) -> Any:
    """The same value in Python's own types, for readers that know no ``Numeral``."""
    if isinstance(value, Numeral):
        return float(value)
    if isinstance(value, dict):
        return {key: to_builtins(item) for key, item in value.items()}
    return [to_builtins(item) for item in value] if isinstance(value, list | tuple) else value


def json_equal(one: Any, other: Any) -> bool:
    """Equal as JSON: ``1`` and ``1.0`` are, ``1`` and ``true`` are not."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def to_pointer(steps: Iterable[str | int]) -> str:
    """Write steps as a JSON pointer (RFC 6901); no steps give the empty text."""
    return "".join(f"/{escape_step(str(step))}" for step in steps)


def parse_pointer(pointer: str) -> list[str]:
    """Read the steps of a JSON pointer; an index stays text."""
    return [unescape_step(step) for step in pointer.split("/")[1:]]


def escape_step(step: str) -> str:
    """Escape one step of a JSON pointer."""
    return step.replace("~", "~0").replace("/", "~1")


def unescape_step(step: str) -> str:
    """Undo ``escape_step``."""
    return step.replace("~1", "/").replace("~0", "~")
