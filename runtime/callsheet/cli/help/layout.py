"""Help as text: one layout for actions, groups and the program."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from callsheet.cli import flags
from callsheet.cli.help import example
from callsheet.cli.help.facts import clean, describe, one_line, signature
from callsheet.cli.input import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.spec import Action, Param

WIDTH = 88
_COLUMN = 28
_GLUE = "\ue000"
"""Stands for a space that no line may end at, while text is wrapped."""
_SPAN = re.compile(r"`[^`\n]{1,70}`")

Rows = list[tuple[str, str]]


def paragraph(text: str, indent: str = "  ") -> str:
    """``text`` wrapped; links and what stands in backquotes stay whole."""
    lines = [
        textwrap.fill(
            _SPAN.sub(lambda span: span[0].replace(" ", _GLUE), line),
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    ]
    return "\n".join(lines).rstrip().replace(_GLUE, " ")


def table(title: str, rows: Rows) -> str:
    """A titled list of names with what they mean, in two columns."""
    width = min(_COLUMN, max((len(name) for name, _ in rows), default=0) + 4)
    return "\n".join([f"{title}:", *(_row(name, text, width) for name, text in rows)])


def _row(name: str, text: str, width: int) -> str:
    left = f"  {name}"
    body = paragraph(text, " " * width)
    if not body:
        return left
    return f"{left.ljust(width)}{body[width:]}" if len(left) < width - 1 else f"{left}\n{body}"


def _own(rows: Iterable[flags.Row]) -> Rows:
    return [(_own_name(name, meta), doc) for name, meta, doc in rows]


def _own_name(name: str, meta: str) -> str:
    if meta.startswith("["):
        return f"--{name}[={meta[1:]}"
    return f"--{name} {meta}".rstrip()


HELP = ("--help", "Show this page; with --json as data")


def everywhere(prog: str) -> str:
    """Where the flags are told that every command takes."""
    return f"Flags for every command: {prog} --help"


def own_rows() -> Rows:
    """The flags that every command takes, for the program's own page."""
    return _own(flags.ANYWHERE)


def action_help(action: Action, prog: str, note: str = "", more: Iterable[flags.Row] = ()) -> str:
    """The page of one action: required flags first, then the others, then ours and ``more``."""
    shown = options.visible(action)
    required = [p for p in shown if p.required]
    typed = "".join(f" {signature(p, action)}" for p in required if p.kind != "boolean")
    parts = [f"Usage: {prog} {' '.join(action.command)}{typed} [OPTIONS]"]
    parts.append(paragraph(clean(action.doc or action.summary)))
    for title, chosen in (
        ("Required", required),
        ("Options", [p for p in shown if not p.required]),
    ):
        rows = [(signature(p, action), describe(p)) for p in chosen]
        parts.append(table(title, rows) if rows else "")
    parts.append(table("Output and request", _ours(action, more)))
    copied = example.line(action, prog)
    parts.append(f"Example:\n  {copied}" if copied else "")
    parts.append(_notes(action, prog, shown))
    parts.append(paragraph(note, ""))
    return "\n\n".join(part for part in parts if part) + "\n"


def _ours(action: Action, more: Iterable[flags.Row]) -> Rows:
    family = flags.FAMILY if options.is_job(action) else ()
    return [*_own((*flags.SHOWN, *family, *more)), HELP]


def _notes(action: Action, prog: str, shown: Sequence[Param]) -> str:
    lines = []
    if not action.typed:
        lines.append("Its schema could not be read: give the whole body with --input.")
    if any(p.kind == "string" for p in shown):
        lines.append("Any TEXT flag --NAME has a form --NAME-file PATH that reads it from a file.")
    if any(p.kind in {"object", "array"} or p.media for p in shown):
        lines.append("JSON, VALUE lists and media also read @FILE, and @- for standard input.")
    cost = "may spend credits" if action.paid else "free"
    lines.append(f"Action {action.id} ({cost}). {everywhere(prog)}")
    return "\n".join(paragraph(line, "") for line in lines)


def group_help(words: Sequence[str], entries: Rows, note: str = "") -> str:
    """The page of a group; ``words`` starts with the program's name."""
    rows = [(name, one_line(summary)) for name, summary in entries]
    parts = [f"Usage: {' '.join(words)} COMMAND [OPTIONS]", table("Commands", rows)]
    parts.append(paragraph(note, ""))
    return "\n\n".join(part for part in parts if part) + "\n"
