"""Lay out rows in columns."""

from __future__ import annotations

from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_NARROWEST = 24


def cell(value: Any) -> str:
    """One value on one line of a table."""
    from callsheet.text import dumps
    from callsheet.text import one_line

    if value is None:
        return ""
    return one_line(value if isinstance(value, str) else dumps(value))


def width(text: str) -> int:
    """How many places of a terminal a text takes: wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )


def aligned(rows: Iterable[Sequence[str]], *, screen: int = 0) -> str:
    """Rows with their columns under each other.

    Nothing is cut, but for the last column where it leaves a screen of so many places.
    """
    lines = [list(row) for row in rows]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    room = screen - sum(widths[:-1]) - 2 * len(widths[:-1])
    if screen and widths and room >= _NARROWEST:
        for line in lines:
            line[-1] = _clipped(line[-1], room)
    return "".join(_padded(line, widths) + "\n" for line in lines)


def _padded(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text + " " * (wide - width(text)) for text, wide in zip(line, widths, strict=True)]
    return "  ".join(cells).rstrip()


def _clipped(text: str, room: int) -> str:
    if width(text) <= room:
        return text
    while width(text) > room - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def tabbed(rows: Iterable[Sequence[str]]) -> str:
    """Rows for other programs: columns parted by tabs."""
    return "".join("\t".join(map(cell, row)) + "\n" for row in rows)


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


def duration(seconds: float) -> str:
    """Return seconds as ``8 s`` or ``2 min 05 s``."""
    whole = max(0, int(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
