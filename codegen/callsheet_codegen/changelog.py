"""Write a dated changelog entry."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from callsheet_codegen.code import Markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.diff.change import Change


_HEAD = "# Changelog\n\n"
_TITLES = {"added": "Added", "changed": "Changed", "removed": "Removed"}


def today() -> datetime.date:
    """Return the date for an entry that is written now, the same in every time zone."""
    return datetime.datetime.now(datetime.UTC).date()


def entry(changes: Sequence[Change], date: datetime.date) -> str:
    """Write an entry: changes by kind, those that break callers marked."""
    lines = [f"## {date.isoformat()}"]
    for kind, title in _TITLES.items():
        rows = [change for change in changes if change.kind == kind]
        if rows:
            lines += ["", f"### {title}", "", *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _row(change: Change) -> str:
    text = " ".join(change.text.split())
    spans = text.split("`")
    safe = [part if index % 2 else _plain(part) for index, part in enumerate(spans)]
    return f"- {'**Breaking:** ' if change.severity == 'breaking' else ''}{_joined(safe)}"


def _plain(part: str) -> str:
    """Escape markup, but for the blanks at the ends."""
    start, end = part[: len(part) - len(part.lstrip())], part[len(part.rstrip()) :]
    return f"{start}{Markdown(part).text}{end}" if part.strip() else part


def _joined(parts: Sequence[str]) -> str:
    """Join text and code spans; a lone backtick opens none."""
    if len(parts) % 2:
        return "`".join(parts)
    return "`".join(parts[:-1]) + "\\`" + parts[-1]


def insert_entry(text: str, changes: Sequence[Change], date: datetime.date) -> str:
    """Return the text with a new entry: below ``[Unreleased]``, else above the first one."""
    new = entry(changes, date)
    if not text.strip():
        return f"{_HEAD}{new}"
    lines = text.splitlines(keepends=True)
    heads = [index for index, line in enumerate(lines) if line.startswith("## ")]
    if heads and "unreleased" in lines[heads[0]].lower():
        heads = heads[1:]
    index = heads[0] if heads else len(lines)
    before, after = "".join(lines[:index]).rstrip("\n"), "".join(lines[index:])
    return f"{before}\n\n{new}" + (f"\n{after}" if after else "")
