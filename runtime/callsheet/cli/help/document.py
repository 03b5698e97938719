"""Build help as data."""

from __future__ import annotations

import json
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from callsheet.cli import builtin_table, global_flags
from callsheet.cli.help import layout
from callsheet.cli.input import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.spec import Action, Param


def of_action(
    action: Action, prog: str, note: str = "", more: Iterable[global_flags.Row] = ()
) -> dict[str, Any]:
    """Describe one action: its id, its cost, each field with its flag, and our own flags."""
    job = options.is_job(action)
    return {
        "command": " ".join([prog, *action.command]),
        "action": action.id,
        "summary": action.summary,
        "description": action.doc,
        "kind": "job" if job else action.role or "call",
        "paid": action.paid,
        "typed": action.typed,
        "flags": [_field(param, form) for param, form in options.forms(action)],
        "own_flags": _rows([*global_flags.SHOWN, *options.some_rows(action), *more]),
        "example": layout.example_line(action, prog) or None,
        "note": note or None,
    }


def _field(param: Param, form: list[tuple[str, str]]) -> dict[str, Any]:
    roles = {role: f"--{flag}" for flag, role in form}
    return {
        "flag": f"--{form[0][0]}",
        "negative": roles.get("no"),
        "file_flag": roles.get("file"),
        "field": list(param.path),
        "type": param.kind,
        "items": param.items if param.kind == "array" else None,
        "reads": list(param.reads) or None,
        "as_json": form[0][1] == "json",
        "required": param.required,
        "nullable": param.nullable,
        "choices": list(param.choices) or None,
        "constraints": dict(param.limits),
        "default": _value(param.default),
        "example": _value(param.example),
        "media": param.media,
        "comma_list": param.comma,
        "repeatable": options.takes_many(param) and form[0][1] == "value",
        "only": param.only or None,
        "description": param.doc,
    }


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _rows(rows: Iterable[global_flags.Row]) -> list[dict[str, Any]]:
    return [
        {"flag": f"--{name}", "value": meta.strip("[]") or None, "description": doc}
        for name, meta, doc in rows
    ]


class Entry(NamedTuple):
    """A word that may follow, and the id of its action where it is one."""

    name: str
    summary: str
    action: str | None = None


def of_group(words: Iterable[str], entries: Iterable[Entry]) -> dict[str, Any]:
    """Describe a group: the words that may follow, each with its summary."""
    return {
        "command": " ".join(words),
        "commands": [entry._asdict() for entry in entries],
        "own_flags": _rows(global_flags.ANYWHERE),
    }


def of_program(prog: str, entries: Iterable[Entry]) -> dict[str, Any]:
    """Describe the program: the server's words and its own."""
    group = of_group([prog], entries)
    own = [{"name": name, "summary": text} for name, (_, text) in builtin_table.OWN.items()]
    return {**group, "own_commands": own}


def of_builtin(command: click.Command, path: str) -> dict[str, Any]:
    """Describe a command of the program itself."""
    options = [
        param for param in command.params if isinstance(param, click.Option) and not param.hidden
    ]
    arguments = [param for param in command.params if isinstance(param, click.Argument)]
    return {
        "command": path,
        "description": cleandoc(command.help or ""),
        "arguments": [
            {
                "name": param.metavar or param.name,
                "required": param.required,
                "many": param.nargs == -1,
            }
            for param in arguments
        ],
        "own_flags": [
            {
                "flag": param.opts[0],
                "value": None if param.is_flag else param.metavar or "VALUE",
                "description": param.help or "",
            }
            for param in options
        ],
    }
