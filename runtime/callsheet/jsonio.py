"""Read and write JSON strictly, canonically and digit by digit, and follow JSON pointers."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


_PIECE = r'(?s)"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]'
_DEEPEST = 128
_LONGEST_NUMBER = 400
_SPOILED = '{"":0,"":0}'
_COMPARED = frozenset(
    {
        *("", "id", "name", "action", "actionId", "capabilityId", "key", "action_id", "slug"),
        *("capability_id", "enum", "const", "pattern", "required", "$ref", "$id", "$anchor"),
        *("$dynamicRef", "$schema", "type", "format", "path", "code", "operationId", "options"),
    }
)
"""Keys whose texts are names or values: with another character they would mean something else."""


class _Spoiled:
    """Placeholder of a value that JSON does not have, or whose meaning is ambiguous."""


def reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of these fields; raise ``ValueError`` for a key that occurs twice.

    Which of the two another program reads is not known, so neither can be judged.
    """
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in fields if names.count(name) > 1)
        raise ValueError(f"the key {json.dumps(twice[:80])} occurs twice in one object")
    return fields


def strict_json(body: bytes) -> Any:
    """Read JSON without repeated keys, NaN, infinity or lone surrogates; else return ``None``."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    try:
        document = json.loads(body, object_pairs_hook=reject_duplicates, parse_constant=refuse)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return document


def salvage(body: bytes, holders: Collection[str], *, level: str = "list") -> Any:
    """Read a list that ``strict_json`` refuses, with each entry that is spoiled set to null.

    ``holders`` are the keys that hold schemas: there only the spoiled keyword is replaced. A lone
    surrogate becomes U+FFFD, except in names and values that are compared. ``level`` is ``entry``
    for the document of one action. Return ``None`` where the spoiled part belongs to no entry, or
    where the body is not JSON at all.
    """
    try:
        text = body.decode(json.detect_encoding(body), "surrogateescape")
        document = json.loads(
            _cut_deep(text),
            object_pairs_hook=_unique_or_spoiled,
            parse_constant=lambda _: _Spoiled(),
            parse_float=_float_or_spoiled,
            parse_int=lambda digits: int(digits) if len(digits) <= _LONGEST_NUMBER else _Spoiled(),
        )
    except (ValueError, RecursionError):
        return None
    cleaned, sound = _Salvage(holders).clean(document, level=level)
    return cleaned if sound else None


def _unique_or_spoiled(items: list[tuple[str, Any]]) -> Any:
    """Return an object of these fields; a spoiled value where a key occurs twice."""
    table = dict(items)
    return table if len(table) == len(items) else _Spoiled()


def _float_or_spoiled(digits: str) -> Any:
    """Return a number; a spoiled value where a double cannot hold it."""
    number = float(digits)
    return number if math.isfinite(number) else _Spoiled()


def _cut_deep(text: str) -> str:
    """Return JSON text with every value below a depth of 128 replaced by a spoiled one."""
    parts: list[str] = []
    depth = start = 0
    for match in re.finditer(_PIECE, text):
        if match[0] in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                parts.append(text[start : match.start()])
        elif match[0] in "]}":
            depth -= 1
            if depth == _DEEPEST:
                parts.append(_SPOILED)
                start = match.end()
    return "".join([*parts, text[start:]]) if depth == 0 else text


_VALUES = frozenset(("enum", "const"))
_SHOWN = frozenset(("default", "examples"))
_NO_VALUE: Mapping[str, Any] = {"pattern": []}


class _Salvage:
    """Copies a document without its spoiled parts."""

    def __init__(self, holders: Collection[str]) -> None:
        self.holders = holders

    def clean(self, node: Any, *, level: str, key: str = "") -> tuple[Any, bool]:
        """Return a value under ``key`` without spoiled parts, and whether it can still be trusted.

        ``level`` is ``list`` above entries, then ``entry``, then ``schema``, and ``value`` within
        what a schema compares with.
        """
        if isinstance(node, _Spoiled):
            return None, False
        if isinstance(node, str):
            is_compared = key in _COMPARED or level == "value"
            return (node, _is_encodable(node)) if is_compared else (_replace_surrogates(node), True)
        if isinstance(node, dict):
            return self._clean_object(node, level)
        if not isinstance(node, list):
            return node, True
        below = "entry" if level == "list" else level
        cleaned = [self.clean(inner, level=below, key=key) for inner in node]
        if level == "list":
            return [inner if sound else None for inner, sound in cleaned], True
        return [inner for inner, _ in cleaned], all(sound for _, sound in cleaned)

    def _clean_object(self, table: dict[str, Any], level: str) -> tuple[Any, bool]:
        if level == "schema":
            return self._clean_schema(table), True
        cleaned, is_clean = {}, all(map(_is_encodable, table))
        for key, inner in table.items():
            holds = key in self.holders and level != "value"
            cleaned[key], sound = self.clean(inner, level="schema" if holds else level, key=key)
            if holds and not sound:
                cleaned[key], sound = None, True
            is_clean = is_clean and sound
        return cleaned, is_clean

    def _clean_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a copy in which a spoiled keyword has a value that it cannot have."""
        cleaned = {}
        for key, inner in schema.items():
            level = "value" if key in _VALUES else "schema"
            value, sound = self.clean(inner, level=level, key=key)
            if sound:
                cleaned[_replace_surrogates(key)] = value
            elif key not in _SHOWN:  # any text may be a constant, and a pattern
                cleaned["enum" if key == "const" else _replace_surrogates(key)] = _NO_VALUE.get(
                    key, "no JSON"
                )
        return cleaned


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _replace_surrogates(text: str) -> str:
    """Return a text with U+FFFD in the place of each lone surrogate."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def canonical(document: object) -> str:
    """Return the same text for equal JSON: sorted keys, no blanks, ASCII. 1 and 1.0 differ."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), default=as_dict)


def digest(document: object) -> str:
    """Return the SHA-256 of ``canonical(document)``, in hexadecimal."""
    import hashlib

    return hashlib.sha256(canonical(document).encode("ascii")).hexdigest()


def as_dict(mapping: object) -> object:
    """Convert a mapping of any kind for JSON; raise ``TypeError`` for anything else."""
    if hasattr(mapping, "items"):
        return dict(mapping.items())
    raise TypeError(f"{type(mapping).__name__} is not JSON")


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LONGEST_INTEGER = 4000


class Numeral(float):
    """Number with a fraction or an exponent that keeps the text it was typed as."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Numeral:
        """Keep ``text``; raises ``ValueError`` where a double cannot hold the number."""
        number = super().__new__(cls, text)
        if not math.isfinite(number):
            raise ValueError(f"{text[:40]} is out of range")
        number.text = text
        return number


def _parse_integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError(f"a number of {len(text)} digits is too long")
    return int(text)


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def parse_number(text: str) -> int | Numeral | None:
    """Read a number in JSON's grammar, else return ``None``; ``ValueError`` where out of range."""
    if not _NUMBER.fullmatch(text):
        return None
    return _parse_integer(text) if text.lstrip("-").isdigit() else Numeral(text)


def decode(text: str) -> Any:
    """Read one JSON document, with a ``Numeral`` for each number that has a fraction or exponent.

    Raises ``ValueError`` with a message of one line, also for a key that occurs twice.
    """
    try:
        return json.loads(
            text,
            parse_float=Numeral,
            parse_int=_parse_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=reject_duplicates,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as error:
        position = f"line {error.lineno} column {error.colno}"
        raise ValueError(f"not JSON: {error.msg} at {position}") from None


def encode(document: Any) -> str:
    """Write compact JSON; a ``Numeral`` as it was typed. ``ValueError`` for NaN and infinity."""
    if isinstance(document, Numeral):
        return document.text
    if isinstance(document, dict):
        return "{" + ",".join(f"{_encode_string(k)}:{encode(v)}" for k, v in document.items()) + "}"
    if isinstance(document, list | tuple):
        return "[" + ",".join(map(encode, document)) + "]"
    return (
        _encode_string(document)
        if isinstance(document, str)
        else json.dumps(document, allow_nan=False)
    )


def _encode_string(text: str) -> str:
    """Return a JSON string; ASCII with escapes where the text holds a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8 and goes out as an escape
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)


def to_builtins(document: Any) -> Any:
    """Return a copy with a float for every ``Numeral`` and a list for every tuple."""
    if isinstance(document, Numeral):
        return float(document)
    if isinstance(document, dict):
        return {key: to_builtins(inner) for key, inner in document.items()}
    return (
        [to_builtins(inner) for inner in document]
        if isinstance(document, list | tuple)
        else document
    )


def json_equal(first: Any, second: Any) -> bool:
    """Compare as JSON: ``1`` equals ``1.0``, ``1`` does not equal ``true``, at any depth."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            json_equal(inner, second[key]) for key, inner in first.items()
        )
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(json_equal, first, second))
    return bool(first == second)


def to_pointer(steps: Iterable[str | int]) -> str:
    """Write steps as a JSON pointer (RFC 6901); no steps give the empty text."""
    return "".join(f"/{escape_step(str(step))}" for step in steps)


def parse_pointer(pointer: str) -> list[str]:
    """Return the steps of a JSON pointer, unescaped; an index stays text."""
    return [unescape_step(step) for step in pointer.split("/")[1:]]


def escape_step(step: str) -> str:
    """Escape one step of a JSON pointer."""
    return step.replace("~", "~0").replace("/", "~1")


def unescape_step(step: str) -> str:
    """Undo ``escape_step``."""
    return step.replace("~1", "/").replace("~0", "~")
