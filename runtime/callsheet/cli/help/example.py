"""A line to copy: a command with the values that its schema gives as examples."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from callsheet.cli.input import options, saying
from callsheet.cli.input.body import put
from callsheet.text import safe_text

if TYPE_CHECKING:
    from callsheet.spec import Action, Param

_LONGEST = 160
_MORE = 2


def line(action: Action, prog: str) -> str:
    """The command line; empty where the schema tells no value that is worth one."""
    body = example(action)
    if not body:
        return ""
    words = [prog, *action.command, *saying.words(action, body)]
    text = " ".join(map(_quoted, words))
    return text if len(text) <= _LONGEST and safe_text(text) == text else ""


def example(action: Action) -> dict[str, Any]:
    """A body of what is required and a little more, each value from the schema.

    Empty where something is required that has no value there.
    """
    body: dict[str, Any] = {}
    shown = options.visible(action)
    needed = [one for one in shown if one.required and one.only != "wait"]
    leaves = [one for one in needed if not _has_needed(one, needed)]
    for param in leaves:
        text = _known(param)
        if text is None:
            return {}
        put(body, param.path, json.loads(text))
    more = [one for one in shown if not one.required and len(one.path) == 1 and not one.only]
    given = [one for one in more if one.example is not None]
    for param in given[:_MORE] or ([one for one in more if one.choices][:1] if not body else []):
        put(body, param.path, json.loads(_known(param) or "null"))
    return body


def _has_needed(param: Param, needed: list[Param]) -> bool:
    return any(one.path[:-1] == param.path for one in needed)


def _known(param: Param) -> str | None:
    """A value as JSON text: an example, else the default, else the first choice."""
    if param.example is not None:
        return param.example
    if param.default not in {None, "null", '""'}:
        return param.default
    if not param.choices:
        return "true" if param.kind == "boolean" else None
    choice = json.dumps(param.choices[0], ensure_ascii=False)
    return f"[{choice}]" if param.kind == "array" else choice


def _quoted(word: str) -> str:
    """The word for a shell, in double quotes where they do."""
    plain = shlex.quote(word)
    if plain == word or set(word) & set('"$`\\!'):
        return plain
    return f'"{word}"'
