"""Lay out rows in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_NARROWEST = 24
_LONGEST_WORD = 1000


def brief(value: Any) -> Any:
    """Return a JSON value with the files that stand in it, as base64 or links, cut short."""
    if isinstance(value, dict):
        return {name: brief(field) for name, field in value.items()}
    if isinstance(value, list):
        return [brief(entry) for entry in value]
    if not isinstance(value, str) or len(value) <= _LONGEST_WORD:
        return value
    if " " in value[:_LONGEST_WORD] or "://" in value[:_LONGEST_WORD]:  # words, a signed link
        return value
    from callsheet.protocol.inline_data import is_data_link, shorten

    is_file = is_data_link(value)
    return shorten(value) if is_file else f"{value[:40]}… ({len(value):,} characters)"


def cell(value: Any) -> str:
    """Return one value on one line of a table."""
    from callsheet.text import dumps, one_line

    if value is None:
        return ""
    value = brief(value)
    return one_line(value if isinstance(value, str) else dumps(value))


def width(text: str) -> int:
    """Count the columns of a terminal that a text takes: wide characters two, marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )


def align(rows: Iterable[Sequence[str]], *, screen: int = 0) -> str:
    """Lay out rows with their columns under each other.

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


def separate_by_tabs(rows: Iterable[Sequence[str]]) -> str:
    """Lay out rows for other programs: columns parted by tabs."""
    return "".join("\t".join(map(cell, row)) + "\n" for row in rows)


def table_of(value: Any) -> str:
    """Lay out a list of objects as columns, an object as names and values, the rest as lines."""
    if isinstance(value, dict):
        return align([(cell(name), cell(field)) for name, field in value.items()])
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        names = list(dict.fromkeys(name for row in value for name in row))
        rows = [[cell(row.get(name)) for name in names] for row in value]
        return align([[name.upper() for name in map(cell, names)], *rows])
    rows = value if isinstance(value, list) else [value]
    return "".join(cell(row) + "\n" for row in rows)


def duration(seconds: float) -> str:
    """Return seconds as ``8 s`` or ``2 min 05 s``."""
    total = max(0, int(seconds))
    return f"{total} s" if total < 60 else f"{total // 60} min {total % 60:02d} s"
