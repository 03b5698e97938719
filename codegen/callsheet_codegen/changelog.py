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
    """The date of an entry that is written now, the same in every time zone."""
    return datetime.datetime.now(datetime.UTC).date()


def entry(changes: Sequence[Change], date: datetime.date) -> str:
    """The entry: what was added, changed and removed; what breaks callers says so."""
    lines = [f"## {date.isoformat()}"]
    for kind, title in _TITLES.items():
        rows = [one for one in changes if one.kind == kind]
        if rows:
            lines += ["", f"### {title}", "", *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _row(change: Change) -> str:
    text = " ".join(change.text.split())
    spans = text.split("`")
    safe = [part if place % 2 else _plain(part) for place, part in enumerate(spans)]
    return f"- {'**Breaking:** ' if change.severity == 'breaking' else ''}{_joined(safe)}"


def _plain(part: str) -> str:
    """Text in which nothing is markup, with the blanks at its ends."""
    start, end = part[: len(part) - len(part.lstrip())], part[len(part.rstrip()) :]
    return f"{start}{Markdown(part).text}{end}" if part.strip() else part


def _joined(parts: Sequence[str]) -> str:
    """Code spans stay as they are; a lone backtick opens none."""
    if len(parts) % 2:
        return "`".join(parts)
    return "`".join(parts[:-1]) + "\\`" + parts[-1]


def added(held: str, changes: Sequence[Change], date: datetime.date) -> str:
    """The text of the file with a new entry: below ``[Unreleased]``, else above the first one."""
    new = entry(changes, date)
    if not held.strip():
        return f"{_HEAD}{new}"
    lines = held.splitlines(keepends=True)
    heads = [place for place, line in enumerate(lines) if line.startswith("## ")]
    if heads and "unreleased" in lines[heads[0]].lower():
        heads = heads[1:]
    place = heads[0] if heads else len(lines)
    before, after = "".join(lines[:place]).rstrip("\n"), "".join(lines[place:])
    return f"{before}\n\n{new}" + (f"\n{after}" if after else "")
