"""Fit tables and lines to the width of a terminal; only a terminal imports this."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from rich.console import Console as Screen
from rich.table import Table
from rich.text import Text

from callsheet.cli.output.cells import cells_of, width

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_SHORTENED = frozenset({"summary", "prompt"})
"""Columns that are cut where they leave the screen: another command shows them whole."""
_LEAST, _SHORTEST = 24, 8
_GAP = 2


def fit_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    screen: int,
    *,
    spare: Sequence[str] = (),
    coloured: bool = False,
) -> str:
    """Lay out rows as a table of at most ``screen`` places.

    Columns of ``spare`` go first, in their order. What is still too wide goes on in the next
    line of its cell; a summary is cut.
    """
    widths = {
        name: max(map(width, (name, *(cell for (cell,) in cells_of(rows, [name])))))
        for name in columns
    }
    shown = _that_fit(widths, screen, spare)
    others = sum(widths[name] + _GAP for name in shown if name not in _SHORTENED)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for name in shown:
        is_cut = name in _SHORTENED
        room = min(widths[name], max(screen - others, _SHORTEST)) if is_cut else None
        overflow: Any = "ellipsis" if is_cut else "fold"
        table.add_column(name.upper(), no_wrap=is_cut, overflow=overflow, width=room)
    for line in cells_of(rows, shown):
        table.add_row(*map(Text, line))
    return _drawn(table, screen, coloured=coloured)


def _that_fit(widths: Mapping[str, int], screen: int, spare: Sequence[str]) -> list[str]:
    """Return the columns without as many of ``spare`` as it takes to fit the others."""
    shown = list(widths)
    for name in spare:
        least = (min(widths[n], _LEAST) if n in _SHORTENED else widths[n] for n in shown)
        if sum(least) + _GAP * (len(shown) - 1) <= screen:
            break
        shown.remove(name)
    return shown


def hang(head: str, text: str, screen: int) -> str:
    """Return ``text`` after ``head``, with what does not fit below its own beginning.

    ``head`` may hold our own colours.
    """
    indent = Text.from_ansi(head).cell_len
    room = max(screen - indent, _LEAST)
    lines = Text(text).wrap(_screen(room), room)
    rest = "".join(f"\n{' ' * indent}{line.plain.rstrip()}" for line in lines[1:])
    return f"{head}{lines[0].plain.rstrip() if lines else ''}{rest}"


def _drawn(table: Table, places: int, *, coloured: bool) -> str:
    screen = _screen(places, coloured=coloured)
    screen.print(table)
    drawn = screen.file.getvalue()  # type: ignore[attr-defined]  # our own file
    return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())


def _screen(places: int, *, coloured: bool = False) -> Screen:
    return Screen(
        file=io.StringIO(),
        width=places,
        force_terminal=coloured,
        color_system="standard" if coloured else None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
