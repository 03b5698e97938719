"""Read single JSON values leniently: by their kind, or by the paths that a project forces."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


_DEPTH = 40  # deeper values are kept and not looked into
_LONGEST = 4_000_000
_NUMBER = r"\s*([+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?)\s*(%?)\s*"
_WORD_START = r"(?<=[a-z0-9])(?=[A-Z])"
_BETWEEN = r"[^A-Za-z0-9]+"
_JOINTS = re.compile(r"[\s_-]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_READABLE = (str, dict, list)
_STEP = r"[^.\[\]]+|\[(?:\d{1,6}|\*?)\]"
_MOST_MATCHES = 1000


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
    """Normalise a state or a code for comparison: no case, spaces, ``-`` or ``_``.

    Integers below 10^9 give their digits, all other values ``""``.
    """
    if isinstance(value, str):
        return (value if value.isalnum() else _JOINTS.sub("", value)).casefold()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        return str(value)
    return ""


def words(name: str) -> tuple[str, ...]:
    """Split a key into lower-case words: ``coverImage_url`` gives cover, image, url."""
    return _words(name[:200])


@lru_cache(maxsize=1024)
def _words(name: str) -> tuple[str, ...]:
    spaced = re.sub(_WORD_START, " ", name)
    return tuple(part.lower() for part in re.split(_BETWEEN, spaced) if part)


def number(value: Any) -> float | None:
    """Read a finite number from a number or a text that is one (``40 %`` is 40); else ``None``."""
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
    """Return the values that are not ``None`` under these keys of a table by ``by_word``."""
    return [table[key] for key in keys if table.get(key) is not None]


def is_encodable(text: str) -> bool:
    """Tell whether ``text`` can be sent; a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# --- paths that a project forces


class Overrides(NamedTuple):
    """Forced readings of replies; an empty field leaves the reading to the structure.

    A value is a string or a list of strings; a string with commas is a list. A *path* is keys
    joined by dots: ``data.tasks``, ``videos[].url`` (``[]`` or ``*``: each item), ``rows[0].id``;
    ``$`` is the whole reply. Paths are tried on the reply as it came, then inside its envelope.

    ``list``           path to the actions in the answer of the list
    ``id-key``         keys of an entry that hold the action's id, the first found wins
    ``schema``         path to the input schema; a second path leads to the output schema
    ``envelope-ok``    ``path=value`` words; a reply is refused unless one of them holds
    ``task-id``        paths to the task id, each a candidate
    ``state``          paths to the state
    ``done``           words that mean done; they go before the usual words
    ``failed``         words that mean failed; they go before the usual words and before ``done``
    ``media``          paths to the links of the result; no other place is then looked at
    ``error-message``  paths to the server's words in a refusal
    ``auth``           how the key travels; see ``config.credentials.WAYS``
    ``free``           patterns of action ids that cost nothing (``material.*``)
    ``key-page``       where on its site the host makes keys, for hints (``Settings → API Keys``)
    """

    list: tuple[str, ...] = ()
    id_key: tuple[str, ...] = ()
    schema: tuple[str, ...] = ()
    envelope_ok: tuple[str, ...] = ()
    task_id: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    error_message: tuple[str, ...] = ()
    auth: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    key_page: tuple[str, ...] = ()

    @property
    def under_key_page(self) -> str:
        """Return the words that name the page in a hint; empty where none is configured."""
        return f" under {', '.join(self.key_page)}" if self.key_page else ""

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Overrides:
        """Read a ``protocol`` table; raises ``UsageError`` naming the key that is wrong."""
        keys = {name.replace("_", "-"): name for name in cls._fields}
        fields: dict[str, tuple[str, ...]] = {}
        for key, value in table.items():
            if key not in keys:
                allowed = ", ".join(keys)
                raise UsageError(f"protocol.{key} is not known", hint=f"known: {allowed}")
            fields[keys[key]] = _texts(key, value)
        malformed = [rule for rule in fields.get("envelope_ok", ()) if "=" not in rule]
        if malformed:
            raise UsageError(f"protocol.envelope-ok wants path=value, not {malformed[0]!r}")
        return cls(**fields)


NONE = Overrides()


def _texts(key: str, value: Any) -> tuple[str, ...]:
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise UsageError(f"protocol.{key} must be a text or a list of texts")
    return tuple(text.strip() for text in texts if text.strip())


def pick(data: Any, path: str) -> tuple[Any, ...]:
    """Return the values that ``path`` leads to, at most 1,000."""
    matches = [data]
    for step in re.findall(_STEP, path):
        if step != "$":
            matches = [child for parent in matches for child in _step(parent, step)][:_MOST_MATCHES]
    return tuple(matches)


def pick_first(layers: tuple[Any, ...], paths: tuple[str, ...]) -> tuple[Any, ...]:
    """Return all values that ``paths`` lead to in the first layer that has any."""
    for layer in layers:
        matches = tuple(match for path in paths for match in pick(layer, path))
        if matches:
            return matches
    return ()


def objects_on(layers: Sequence[Any], paths: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return the objects that lead to what ``paths`` name, from the inside out."""
    for layer, path in product(layers, paths):
        objects, matches = [], [layer]
        for step in re.findall(_STEP, path) if pick(layer, path) else ():
            objects += [match for match in matches[:1] if isinstance(match, dict)]
            matches = [child for parent in matches for child in _step(parent, step)]
        if objects:
            return tuple(reversed(objects))
    return ()


def _step(value: Any, step: str) -> list[Any]:
    name = step.strip("[]")
    if isinstance(value, list):
        if name in {"", "*"}:
            return list(value)
        return [value[int(name)]] if name.isdecimal() and int(name) < len(value) else []
    if isinstance(value, dict):
        if step == "*":
            return list(value.values())
        return [value[name]] if name in value else []
    return []
