"""Read the texts of a job's JSON by which people know it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


_DEEPEST = 20
_NAMES = ("prompt", "text", "script")
_LINK = r"(?i)[a-z][a-z0-9+.-]*:(//|[^ ]+[,;])"


def holds(words: str, body: str | None, *columns: str | None) -> bool:
    """Tell whether each of the words occurs in the texts of a body or in one of the columns.

    The texts are what the JSON means: an escaped letter is that letter, and no key counts.
    """
    try:
        texts = [str(leaf) for _, leaf in leaves(json.loads(body or "null"))]
    except (ValueError, RecursionError):
        texts = [body or ""]
    where = "\n".join([*texts, *(column for column in columns if column)]).casefold()
    return all(word in where for word in words.casefold().split())


def find_text(value: Any, name: str) -> str:
    """Return the first text under this key, at any depth of a JSON value; empty for none."""
    return next((t for key, t in leaves(value) if key == name and isinstance(t, str)), "")


def prompt_of(value: Any) -> str:
    """Return the prompt of an input, else its text; empty for none.

    Without a field of such a name it is the first text of several words, else the first that is
    no link: ids and choices are one word.
    """
    by_name = next(filter(None, (find_text(value, name) for name in _NAMES)), "")
    texts = [
        leaf for _, leaf in leaves(value) if isinstance(leaf, str) and not re.match(_LINK, leaf)
    ]
    return by_name or next((text for text in texts if " " in text.strip()), "".join(texts[:1]))


def leaves(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield each plain value in JSON with the key that it stands under."""
    if depth > _DEEPEST or value is None:
        return
    if not isinstance(value, dict | list):
        yield key, value
        return
    pairs = value.items() if isinstance(value, dict) else ((key, entry) for entry in value)
    for name, entry in pairs:
        yield from leaves(entry, name, depth + 1)
