"""What goes to stdout: one encoder, the formats, and the human view on a terminal."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

from callsheet.errors import UsageError
from callsheet.text import INVISIBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from callsheet.cli.session import Session

FORMATS = ("json", "jsonl", "table", "raw")

# Legal inside a JSON string and yet able to drive a terminal; their escapes mean the same.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]|" + INVISIBLE.pattern)


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON text, one document, that no terminal obeys."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, default=str)
    text = _UNSAFE.sub(lambda found: json.dumps(found[0])[1:-1], text)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, separators=separators, default=str)
    return text


def write(text: str) -> None:
    """Text to stdout as UTF-8, whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def write_json(value: Any) -> None:
    """One JSON document."""
    write(dumps(value, 2) + "\n")


def chosen(session: Session) -> str:
    """The format asked for by ``--json``, ``--format`` or the environment; empty for none."""
    if "json" in session.flags or "--json" in session.argv:
        return "json"
    variable = f"{session.bindings.env}_FORMAT"
    said = session.flags.get("format") or session.environ.get(variable, "")
    if said and said not in FORMATS:
        raise UsageError(f"--format: {said!r} is not one of {', '.join(FORMATS)}", flag="--format")
    return said


def wants_document(session: Session) -> bool:
    """Whether stdout carries one JSON document, also where something fails."""
    try:
        form = chosen(session)
    except UsageError:
        form = ""
    if session.flags.get("out") == "-":
        return False
    if form:
        return form == "json"
    return session.data and not session.on_terminal()


def emit(session: Session, value: Any, human: Callable[[], str] | None = None) -> None:
    """Print the result of a command in the format asked for.

    ``human`` makes the short view for a terminal; without one a terminal gets JSON too.
    """
    form = chosen(session)
    expression = session.flags.get("jmespath")
    if expression:
        value = _selected(value, expression)
    elif not form and human is not None and session.on_terminal():
        write(human().rstrip("\n") + "\n")
        return
    write(formatted(value, form or "json", raw_for_terminal=session.on_terminal()))


def formatted(value: Any, form: str, *, raw_for_terminal: bool = False) -> str:
    """``value`` in one of the formats, with a line end."""
    if form == "jsonl":
        rows = value if isinstance(value, list) else [value]
        return "".join(dumps(row) + "\n" for row in rows)
    if form == "table":
        return table_of(value)
    if form == "raw":
        text = value if isinstance(value, str) else dumps(value)
        return (_safe(text) if raw_for_terminal else text) + "\n"
    return dumps(value, 2) + "\n"


def _selected(value: Any, expression: str) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, value)
    except JMESPathError as error:
        words = str(error).splitlines()[0]
        raise UsageError(f"--jmespath: {words}", flag="--jmespath") from None


def _safe(text: str) -> str:
    from callsheet.text import safe_text

    return safe_text(text, multiline=True)


def cell(value: Any) -> str:
    """One value on one line of a table."""
    from callsheet.text import one_line

    if value is None:
        return ""
    return one_line(value if isinstance(value, str) else dumps(value))


def table_of(value: Any) -> str:
    """A list of objects as columns, an object as names and values, anything else as a line."""
    if isinstance(value, dict):
        return aligned([(cell(name), cell(item)) for name, item in value.items()])
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        names = list(dict.fromkeys(name for row in value for name in row))
        rows = [[cell(row.get(name)) for name in names] for row in value]
        return aligned([[name.upper() for name in map(cell, names)], *rows])
    rows = value if isinstance(value, list) else [value]
    return "".join(cell(row) + "\n" for row in rows)


def aligned(rows: Iterable[Sequence[str]]) -> str:
    """Rows with their columns under each other; nothing is cut."""
    lines = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "".join(line + "\n" for line in padded)


def tabbed(rows: Iterable[Sequence[str]]) -> str:
    """Rows for other programs: columns parted by tabs."""
    return "".join("\t".join(map(cell, row)) + "\n" for row in rows)


def emit_list(session: Session, rows: list[dict[str, Any]], columns: Sequence[str]) -> None:
    """A list: a table on a terminal, tab-separated lines in a pipe, else what was asked for."""
    if chosen(session) or session.flags.get("jmespath"):
        emit(session, rows)
        return
    lines = [[cell(row.get(name)) for name in columns] for row in rows]
    if session.on_terminal():
        write(aligned([[name.upper() for name in columns], *lines]))
    else:
        write(tabbed(lines))
