"""``doctor``: whether this installation can do its work, one line a check."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from callsheet.cli.output import columns, paint
from callsheet.cli.output import formats as output
from callsheet.cli.own.wellness import Visit
from callsheet.cli.ownword import Word
from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from callsheet.cli.session import Session

# Each check after those that it makes no sense without.
CHECKS = {
    "python": (),
    "versions": (),
    "configuration": (),
    "key": ("configuration",),
    "server": ("configuration",),
    "certificate": ("configuration",),
    "clock": ("server",),
    "catalogue": ("server",),
    "bindings": (),
    "ledger": (),
}
_MARKS = {True: ("ok", "good"), False: ("FAIL", "bad"), None: ("--", "dim")}


def _doctor(session: Session) -> int:
    """Check this installation, its settings, the server, the bindings and the ledger.

    Nothing that may cost is sent. 1 where something is wrong.
    """
    visit = Visit(session)
    rows: dict[str, dict[str, Any]] = {}
    for name, needs in CHECKS.items():
        rows[name] = _row(visit, name, [one for one in needs if not rows[one]["ok"]])
    found = list(rows.values())
    output.emit(session, found, lambda: _told(session, found))
    return 1 if any(row["ok"] is False for row in found) else 0


def _row(visit: Visit, name: str, lacking: list[str]) -> dict[str, Any]:
    """One check; ``ok`` is null where something that it needs failed before it."""
    row: dict[str, Any] = {"check": name, "ok": None, "hint": "", "detail": ""}
    if lacking:
        return row | {"detail": f"not looked at without {' and '.join(lacking)}"}
    try:
        found = getattr(visit, name)()
    except CallsheetError as error:
        return row | {"ok": False, "detail": error.message, "hint": error.hint}
    return row | {"ok": found.ok, "detail": found.detail, "hint": found.hint}


def _told(session: Session, rows: list[dict[str, Any]]) -> str:
    wanted = paint.is_wanted(sys.stdout, session.environ)
    wide = max(len(row["check"]) for row in rows)
    lines = []
    for row in rows:
        mark, style = _MARKS[row["ok"]]
        head = paint.painted(mark.ljust(4), style, wanted)
        lines.append(f"{head}  {row['check'].ljust(wide)}  {columns.cell(row['detail'])}")
        if row["hint"]:
            lines.append(f"{' ' * (wide + 8)}{columns.cell(row['hint'])}")
    return "\n".join(lines)


doctor = Word("doctor", _doctor)
