"""``doctor``: whether this installation can do its work, one line a check."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from callsheet.cli.durations import spoken
from callsheet.cli.output import formats as output
from callsheet.cli.own.version import facts
from callsheet.cli.ownword import Word
from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.cli.session import Session


def _doctor(session: Session) -> int:
    """Check versions, configuration, key, server, catalogue and ledger."""
    checks: dict[str, Callable[[Session], str]] = {
        "versions": _versions,
        "configuration": _configuration,
        "key": _key,
        "server": _server,
        "catalogue": _catalogue,
        "bindings": _bindings,
        "ledger": _ledger,
    }
    rows = [_row(name, check, session) for name, check in checks.items()]
    lines = [(("ok" if r["ok"] else "FAIL"), r["check"], columns.cell(r["detail"])) for r in rows]
    output.emit(session, rows, lambda: columns.aligned(lines))
    return 0 if all(row["ok"] for row in rows) else 1


def _row(name: str, check: Callable[[Session], str], session: Session) -> dict[str, Any]:
    try:
        return {"check": name, "ok": True, "detail": check(session)}
    except CallsheetError as error:
        detail = error.message + (f" ({error.hint})" if error.hint else "")
        return {"check": name, "ok": False, "detail": detail}


def _versions(session: Session) -> str:
    known = facts(session)
    return f"callsheet {known['callsheet']}, Python {known['python']}, {known['platform']}"


def _configuration(session: Session) -> str:
    settings = session.settings
    settings.require_host()
    return f"{settings.host} from {settings.origins.get('host')}; {settings.config_dir}"


def _key(session: Session) -> str:
    from callsheet.wire import require_key

    require_key(session.settings)
    return f"{session.settings.key} from {session.settings.origins.get('api_key')}"


def _server(session: Session) -> str:
    started = time.monotonic()
    catalogue = session.run(session.directory.refresh())
    took = (time.monotonic() - started) * 1000
    return f"{len(catalogue.actions)} actions in {took:.0f} ms"


def _catalogue(session: Session) -> str:
    known = session.directory.cached()
    if known is None:
        return "nothing is cached yet"
    notes = f"; {len(known.notes)} notes: {session.prog} probe" if known.notes else ""
    return f"asked {spoken(time.time() - known.fetched)} ago{notes}"


def _bindings(session: Session) -> str:
    bindings = session.bindings
    if not bindings.package:
        return "none: every command comes from the live catalogue"
    bindings.check()
    return f"{bindings.package}, made from {bindings.source or 'an unknown source'}"


def _ledger(session: Session) -> str:
    ledger = session.ledger()
    jobs = len(ledger.jobs(limit=1_000_000))
    return f"{jobs} jobs in {ledger.path}"


doctor = Word("doctor", _doctor)
