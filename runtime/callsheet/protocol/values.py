"""Read single JSON values leniently."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from callsheet.protocol import job_words as jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet.protocol.job_words import State


_DEPTH = 40  # deeper values are kept and not looked into
_LONGEST = 4_000_000
_LONGEST_STATE = 100
_NUMBER = r"\s*([+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?)\s*(%?)\s*"
_WORD_START = r"(?<=[a-z0-9])(?=[A-Z])"
_BETWEEN = r"[^A-Za-z0-9]+"
_JOINTS = re.compile(r"[\s_-]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_READABLE = (str, dict, list)


def loads(text: str | bytes) -> Any:
    """Parse JSON; raise ``ValueError`` for anything that cannot be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def parse_nested(value: Any) -> Any:
    """Return ``value``, or the object or array that it holds if it is a string of JSON."""
    return _parse_nested(value, 2)[0]


def _parse_nested(value: Any, times: int) -> tuple[Any, int]:
    """Parse a string within a string at most ``times`` times; return how often is left too."""
    parsed, remaining = value, times
    while isinstance(parsed, str) and remaining > 0 and parsed.lstrip()[:1] in {"{", "[", '"'}:
        if len(parsed) > _LONGEST:
            break
        try:
            parsed, remaining = loads(parsed), remaining - 1
        except ValueError:
            break
    return (parsed, remaining) if isinstance(parsed, dict | list) else (value, times)


def expand(value: Any, times: int = 2, depth: int = 0) -> Any:
    """Copy ``value`` with the strings that hold JSON parsed, at most twice on any path."""
    value, times = _parse_nested(value, times)
    if depth >= _DEPTH:
        return value
    below = depth + 1
    if isinstance(value, dict):
        return {
            key: expand(child, times, below) if isinstance(child, _READABLE) else child
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [
            expand(child, times, below) if isinstance(child, _READABLE) else child
            for child in value
        ]
    return value


def camel_split(code: str) -> str:
    """Return a code in lower case with ``_`` between words: ``InternalError`` as two of them."""
    return _CAMEL.sub("_", code).lower()


def word(value: Any) -> str:
    """Normalise a state or a code for comparison: no case, spaces, ``-`` or ``_``."""
    if isinstance(value, str):
        return (value if value.isalnum() else _JOINTS.sub("", value)).casefold()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        return str(value)
    return ""


def words(name: str) -> tuple[str, ...]:
    """Split a key into its words: ``coverImage_url`` gives cover, image, url."""
    return _words(name[:200])


@lru_cache(maxsize=1024)
def _words(name: str) -> tuple[str, ...]:
    spaced = re.sub(_WORD_START, " ", name)
    return tuple(part.lower() for part in re.split(_BETWEEN, spaced) if part)


def number(value: Any) -> float | None:
    """Read a finite number from a JSON number or a string that is one (``%`` is dropped)."""
    if isinstance(value, str):
        match = re.fullmatch(_NUMBER, value[:700])
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        parsed = float(value)
    except OverflowError:
        return None
    return parsed if math.isfinite(parsed) else None


def share(value: Any, *, running: bool) -> float | None:
    """Return a share of 1; a ``%``, a value above 1 and a running job's int 1 are percent."""
    if isinstance(value, dict):
        inner = (
            share(child, running=running)
            for key, child in value.items()
            if not jobs.PROGRESS_WORDS.isdisjoint(words(key))
        )
        return next((share for share in inner if share is not None), None)
    if isinstance(value, str) and "/" in value:
        part, total = (number(text) for text in value.split("/", 1))
        return None if part is None or not total else min(max(part / total, 0.0), 1.0)
    amount = number(value)
    if amount is None:
        return None
    has_sign = isinstance(value, str) and "%" in value
    is_percent = has_sign or amount > 1 or (amount == 1 and running and isinstance(value, int))
    return min(max(amount / 100 if is_percent else amount, 0.0), 1.0)


def first_text(table: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return the first text under one of ``keys`` that is not blank, or ``""``."""
    texts = (table.get(key) for key in keys)
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def values_of(table: Mapping[str, Any], keys: Iterable[str]) -> list[Any]:
    """Return the values that a table has under these keys, in the order of ``keys``."""
    return [table[key] for key in keys if key in table]


def by_word(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table whose keys are written as ``word`` writes them; the first spelling stays."""
    plain: dict[str, Any] = {}
    for key, value in table.items():
        plain.setdefault(word(key), value)
    return plain


def named_values(table: Mapping[str, Any], keys: Iterable[str]) -> list[Any]:
    """Return the values of a table by ``by_word`` under these keys, but for ``None``."""
    return [table[key] for key in keys if table.get(key) is not None]


def is_encodable(text: str) -> bool:
    """Tell whether ``text`` can be sent; a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=1024)
def read_state(text: str) -> State:
    """Return the state that a word stands for, whole or by its parts; ``""`` for an unknown one."""
    plain = word(text)
    if plain in jobs.RUNNING:
        return "running"
    if plain in jobs.FAILED or plain in jobs.TIMED_OUT:
        return "failed"
    if plain in jobs.DONE or plain in jobs.WEAK_DONE:
        return "done"
    parts = words(text) if len(text) <= _LONGEST_STATE else ()
    return _by_parts(parts) if parts else ""


def _by_parts(parts: tuple[str, ...]) -> State:
    """Read a state of several words, or of one that ends in a word that is known."""
    every, last = frozenset(parts), parts[-1]
    start, ending = _suffix(last)
    is_denied = bool(every & jobs.NEGATIONS) or start in jobs.NEGATIONS
    is_early = any(part.startswith(jobs.EARLY_STARTS) for part in (*parts[:-1], start))
    if not is_denied and (every & jobs.FAILED_PARTS or ending == "failed"):
        is_mixed = any(part in jobs.DONE or part.startswith("retr") for part in parts)
        return "" if is_mixed else "failed"
    if every & jobs.RUNNING or last.endswith("ing") or parts[0] == "in":
        is_over = last in jobs.DONE_ENDS and not (is_early or is_denied)
        return "done" if is_over else "running"
    is_done = last in jobs.DONE_ENDS or ending == "done"
    return "done" if is_done and not (is_early or is_denied) else ""


def _suffix(part: str) -> tuple[str, State]:
    """Divide a word before an end that tells a state: ``jobsuccess`` gives job and done."""
    for suffix, state in jobs.SUFFIXES.items():
        if part != suffix and part.endswith(suffix):
            return part.removesuffix(suffix), state
    return "", ""
