"""Print results as JSON, JSON Lines, a table or raw text."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from callsheet.cli.output.table import align, brief, cell, separate_by_tabs, table_of
from callsheet.errors import CallsheetError, UsageError
from callsheet.text import did_you_mean, dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callsheet.cli.output.console import Console


FORMATS = ("json", "jsonl", "table", "raw")
SHORTENED = frozenset({"summary"})
"""Columns that may be cut where they leave the screen: another command shows them whole."""


def write(text: str) -> None:
    """Write text to stdout as UTF-8, whatever the locale."""
    write_bytes(text.encode("utf-8", "replace"))


def write_bytes(raw: bytes) -> None:
    """Write bytes to stdout as they are; nowhere if it is closed.

    Raises ``CallsheetError`` where they cannot be written, such as on a full disk.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is left in the buffer would fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        why = error.strerror or type(error).__name__
        raise CallsheetError(
            f"the result cannot be written: {why}",
            code="output",
            hint="tasks list shows what was started",
        ) from None


def write_json(value: Any) -> None:
    """Write one JSON document."""
    write(dumps(value, 2) + "\n")


def chosen_format(console: Console) -> str:
    """Return the format of ``--json``, ``--format`` or the environment; empty for none."""
    if "json" in console.flags or "--json" in console.argv:
        return "json"
    variable = f"{console.env}_FORMAT"
    name = console.flags.get("format") or console.environ.get(variable, "")
    if name and name not in FORMATS:
        source = "--format" if console.flags.get("format") else variable
        formats = ", ".join(FORMATS)
        hint = did_you_mean(name, FORMATS)
        raise UsageError(f"{source}: {name!r} is not one of {formats}", hint=hint, flag="--format")
    return name


def check(console: Console) -> None:
    """Refuse a format or an expression that cannot be used; raises ``UsageError``."""
    chosen_format(console)
    if console.flags.get("jmespath") is not None:
        _compiled(console.flags.get("jmespath") or "")


def wants_document(console: Console) -> bool:
    """Tell whether stdout carries one JSON document, also where something fails."""
    try:
        form = chosen_format(console)
    except UsageError:
        form = ""
    if console.flags.get("out") == "-":
        return False
    if form:
        return form == "json"
    return console.emits_json and not console.on_terminal()


def emit(
    console: Console, value: Any, human: Callable[[], str] | None = None, *, raw: bool = False
) -> None:
    """Print the result of a command in the format asked for.

    ``human`` makes the short view for a terminal; without one a terminal gets JSON too, with the
    files in it cut short, or with ``raw`` the text as it is.
    """
    form = chosen_format(console)
    expression = console.flags.get("jmespath")
    if expression:
        value = _selected(value, expression)
    elif not form and human is not None and console.on_terminal():
        write(human().rstrip("\n") + "\n")
        return
    elif not form and not raw and console.on_terminal():
        value = brief(value)
    usual = "raw" if raw else "json"
    write(render(value, form or usual, raw_for_terminal=console.on_terminal()))


def render(value: Any, form: str, *, raw_for_terminal: bool = False) -> str:
    """Return ``value`` in one of the formats, with a line end."""
    if form == "jsonl":
        rows = value if isinstance(value, list) else [value]
        return "".join(dumps(row) + "\n" for row in rows)
    if form == "table":
        return table_of(value)
    if form == "raw":
        are_texts = isinstance(value, list) and all(isinstance(row, str) for row in value)
        return "".join(
            _raw(row, raw_for_terminal) + "\n" for row in (value if are_texts else [value])
        )
    return dumps(value, 2) + "\n"


def _selected(value: Any, expression: str) -> Any:
    from jmespath.exceptions import JMESPathError

    try:
        return _compiled(expression).search(value)
    except JMESPathError as error:
        raise _unusable(error) from None


def _compiled(expression: str) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        raise _unusable(error) from None


def _unusable(error: Exception) -> UsageError:
    words = str(error).splitlines()[0].rstrip(":")
    return UsageError(
        f"--jmespath: {words}", hint="the language: https://jmespath.org", flag="--jmespath"
    )


def _raw(value: Any, terminal: bool) -> str:
    from callsheet.text import safe_text

    text = value if isinstance(value, str) else dumps(value)
    return safe_text(text, multiline=True) if terminal else text


def emit_list(console: Console, rows: list[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print a list: a table on a terminal, tab-separated lines in a pipe, or the chosen format."""
    if is_tab_separated(console):
        write(to_tab_separated(rows, columns))
        return
    if console.flags.get("jmespath") or chosen_format(console) not in {"", "table"}:
        emit(console, rows)
        return
    lines = _cells(rows, columns)
    screen = _screen() if console.on_terminal() and columns[-1] in SHORTENED else 0
    head, rest = _parted(align([[name.upper() for name in columns], *lines], screen=screen))
    write(console.style(head, "bold", sys.stdout) + rest)


def is_tab_separated(console: Console) -> bool:
    """Tell whether a list goes into a pipe without another format."""
    plain = not console.flags.get("jmespath") and not chosen_format(console)
    return plain and not console.on_terminal()


def to_tab_separated(rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    """Return a list as a pipe reads it: a line a row."""
    return separate_by_tabs(_cells(rows, columns))


def _cells(rows: list[dict[str, Any]], columns: Sequence[str]) -> list[list[str]]:
    return [[cell(row.get(name)) for name in columns] for row in rows]


def _screen() -> int:
    from shutil import get_terminal_size

    return get_terminal_size().columns


def _parted(table: str) -> tuple[str, str]:
    head, sign, rest = table.partition("\n")
    return head, sign + rest
