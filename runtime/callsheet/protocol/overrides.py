"""Apply the readings that a project forces."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_STEP = r"[^.\[\]]+|\[(?:\d{1,6}|\*?)\]"
_MOST = 1000


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
    ``auth``           ``bearer`` or ``x-api-key``
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
                raise UsageError(f"protocol.{key} is not known", hint=f"known are: {allowed}")
            fields[keys[key]] = _words(key, value)
        if set(fields.get("auth", ())) - {"bearer", "x-api-key"}:
            raise UsageError("protocol.auth must be bearer or x-api-key")
        malformed = [rule for rule in fields.get("envelope_ok", ()) if "=" not in rule]
        if malformed:
            raise UsageError(f"protocol.envelope-ok wants path=value, not {malformed[0]!r}")
        return cls(**fields)


NONE = Overrides()


def _words(key: str, value: Any) -> tuple[str, ...]:
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise UsageError(f"protocol.{key} must be a text or a list of texts")
    return tuple(text.strip() for text in texts if text.strip())


def pick(data: Any, path: str) -> tuple[Any, ...]:
    """Return the values that ``path`` leads to, at most 1,000."""
    matches = [data]
    for step in re.findall(_STEP, path):
        if step != "$":
            matches = [child for parent in matches for child in _step(parent, step)][:_MOST]
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
