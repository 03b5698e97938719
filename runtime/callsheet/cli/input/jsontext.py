"""JSON as the user wrote it: numbers keep their digits and objects the order of their keys."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from callsheet.errors import UsageError
from callsheet.strictjson import once

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


def number(text: str) -> int | Numeral | None:
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
            object_pairs_hook=once,
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


def plain(value: Any) -> Any:
    """The same value in Python's own types, for readers that know no ``Numeral``."""
    if isinstance(value, Numeral):
        return float(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: ``1`` and ``1.0`` are, ``1`` and ``true`` are not."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def document(text: str, *, flag: str) -> Any:
    """``decode`` for a value of ``flag``; raises ``UsageError`` naming it."""
    try:
        return decode(text)
    except ValueError as error:
        raise UsageError(f"--{flag}: {error}", flag=f"--{flag}") from None
