"""Turn JSON values into the cells of a table, and put cells under each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.text import dumps, one_line, safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


_LONGEST_WORD = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula, which could send the rest away."""


def cells_of(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[list[str]]:
    """Return the texts of some columns, row by row."""
    texts: dict[str, str] = {}  # most columns of a long table hold few of them
    return [[_repeated_cell(row.get(name), texts) for name in columns] for row in rows]


def _repeated_cell(value: Any, texts: dict[str, str]) -> str:
    """Return ``cell`` of a value; of a text that was there before as it was then."""
    if not isinstance(value, str):
        return cell(value)
    if value not in texts:
        texts[value] = cell(value)
    return texts[value]


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
    """Return one value on one line of a table, without tabs."""
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


def align(rows: Iterable[Sequence[str]]) -> str:
    """Lay out rows with their columns under each other; nothing is cut."""
    lines = [list(row) for row in rows]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "".join(_padded(line, widths) + "\n" for line in lines)


def _padded(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text + " " * (wide - width(text)) for text, wide in zip(line, widths, strict=True)]
    return "  ".join(cells).rstrip()


def separate_by_tabs(rows: Iterable[Sequence[str]]) -> str:
    """Lay out rows of cells for other programs: columns parted by tabs."""
    return "".join("\t".join(row) + "\n" for row in rows)


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


def csv_of(value: Any) -> str:
    """Return a list of objects as CSV with a line of names; an object as one row.

    Anything else stands under ``value``. A text that a spreadsheet would run as a formula gets an
    apostrophe before it; numbers stay. An object or a list inside a row is JSON.
    """
    import csv
    import io

    rows = value if isinstance(value, list) else [value]
    tables = [row if isinstance(row, dict) else {"value": row} for row in rows]
    names = list(dict.fromkeys(name for row in tables for name in row))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    if names:
        writer.writerow(map(_field, names))
    writer.writerows([_field(row.get(name)) for name in names] for row in tables if names)
    return file.getvalue()


def _field(value: Any) -> str | int | float:
    """Return one field: a number as it is, anything else as text that is no formula."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = safe_text(value if isinstance(value, str) else dumps(value), multiline=True)
    return f"'{text}" if text.startswith(_FORMULA) else text
