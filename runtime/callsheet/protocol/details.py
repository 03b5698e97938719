"""Finds which fields of the body a refusal speaks of."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from callsheet.text import one_line

from . import vocabulary as say
from .values import first_text

Pointer = tuple[str | int, ...]
_MOST = 50
_SAID = r"\bat #?((?:/[\w~-]{1,80}){1,8})(?=[:,;.\s]|$)"
_PATH_STEP = r"[^.\[\]/]+"


class Detail(NamedTuple):
    """One fault: ``pointer`` leads into the body that was sent, ``message`` is made safe."""

    pointer: Pointer
    message: str


def read_details(body: Any) -> tuple[Detail, ...]:
    """The faults that a refusal's JSON ``body`` names, at most 50, in its own order."""
    if not isinstance(body, dict):
        return ()
    error = body.get("error")
    found: list[Detail] = []
    for table in (body, error):
        if not isinstance(table, dict):
            continue
        for key in say.FIELD_HOLDERS:
            found += _from(table.get(key), depth=0)
        own = _named(table, {"param", "parameter", "field", "pointer", "property"})
        found += [own] if own else []
    return tuple(dict.fromkeys(found[:_MOST]))


def pointed_at(message: str) -> tuple[Detail, ...]:
    """The field that a plain sentence points at: ``Invalid input at /prompt: too long``."""
    found = re.search(_SAID, message)
    pointer = _pointer(found[1]) if found else ()
    return (Detail(pointer, one_line(message, 300)),) if pointer else ()


def _from(value: Any, depth: int) -> list[Detail]:
    if depth > 3:
        return []
    if isinstance(value, list):
        return [found for item in value[:_MOST] for found in _from(item, depth + 1)]
    if not isinstance(value, dict):
        return []
    named = _named(value, set(say.FIELD_KEYS))
    if named:
        return [named]
    return [
        found for key, item in list(value.items())[:_MOST] for found in _keyed(key, item, depth)
    ]


def _keyed(key: str, value: Any, depth: int) -> list[Detail]:
    """A table whose keys are the fields: ``{"prompt": ["is too long"]}``."""
    if key in say.FIELD_HOLDERS:
        return _from(value, depth + 1)
    texts = value if isinstance(value, list) else [value]
    text = next((item for item in texts if isinstance(item, str)), None)
    pointer = _pointer(key)
    return [Detail(pointer, one_line(text, 300))] if text is not None and pointer else []


def _named(table: dict[str, Any], keys: set[str]) -> Detail | None:
    for key in say.FIELD_KEYS:
        pointer = _pointer(table.get(key)) if key in keys else ()
        if pointer:
            text = first_text(table, ("msg", "message", "detail", "reason", "title", "description"))
            return Detail(pointer, one_line(text, 300))
    return None


def _pointer(value: Any) -> Pointer:
    steps: list[str | int]
    if isinstance(value, str):
        text = value.removeprefix("#").removeprefix("$.")
        if text.startswith("/"):
            steps = [_unescaped(step) for step in text[1:].split("/")]
        else:
            steps = list(re.findall(_PATH_STEP, text[:500]))
    elif isinstance(value, list):
        steps = [item for item in value if isinstance(item, str | int)]
    else:
        return ()
    if len(steps) > 1 and steps[0] in say.PLACES:
        steps = steps[1:]
    return tuple(_index(step) for step in steps[:40])


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _index(step: str | int) -> str | int:
    if isinstance(step, str):
        return int(step) if step.isascii() and step.isdecimal() and len(step) < 7 else step
    return int(step)
