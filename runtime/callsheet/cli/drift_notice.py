"""Tell what the server changed since the package was generated."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from callsheet.cli.session import Drift, Session
    from callsheet.spec import Action


_DAY = 24 * 3600.0
_SHOWN = 5
# What a request gets that the server no longer understands as it did.
_REFUSALS = frozenset({400, 404, 405, 409, 410, 422})


def tell(session: Session, drift: Drift) -> None:
    """Say on stderr what is different, the first time."""
    if drift.told:
        return
    drift.told = True
    lines = changes(session, drift.bound)
    session.note(f"{drift.bound.id} has changed on the server since its command was generated:")
    for line in lines[:_SHOWN]:
        session.note(f"  {line}")
    more = f"{len(lines) - _SHOWN} more; " if len(lines) > _SHOWN else ""
    session.note(f"  {more}the server's schema is used; `make generate` renews the command")


def changes(session: Session, bound: Action) -> list[str]:
    """In words, how the cached catalogue differs from what a generated action knows."""
    from callsheet.catalog.snapshot import Snapshot
    from callsheet.diff.compare import LockedNames, diff
    from callsheet.spec import Advertised

    host = session.host
    catalogue = host.cached()
    live = catalogue.get(bound.id) if catalogue is not None else None
    stored = session.bindings.schema(bound.module)
    if live is None or stored is None:
        return []
    old = Advertised(
        id=bound.id,
        title=live.title,
        description=live.description,
        input=stored.get("input"),
        output=stored.get("output"),
        marks=live.marks,
    )
    found = diff(
        Snapshot("", (old,)),
        Snapshot("", (live,)),
        overlay=host.overlay,
        program=session.prog,
        old_names=LockedNames({bound.id: bound.command}),
    )
    return [change.text for change in found]


def after_refusal(session: Session, action: Action, error: CallsheetError) -> None:
    """Look whether the server has changed what it just refused; the error then says so."""
    if error.http_status not in _REFUSALS or not action.command:
        return
    known = session.host.index()
    before = known.digest_of(action.id) if known is not None else action.digest
    try:
        listed = session.run(session.host.renew(action.id))
    except CallsheetError:  # what went wrong first is what the user should hear
        return
    call = f"`{' '.join((session.prog, *action.command))}`"
    if not listed:
        if before is None and not action.digest:  # nobody ever offered it: a mistyped id
            return
        error.message = f"{call} is gone: {session.settings.host} offers {action.id} no longer"
        error.hint = f"{session.prog} actions list shows what there is"
        error.code = "removed"
        return
    index = session.host.index()
    now = index.digest_of(action.id) if index is not None else None
    if now and now != (action.digest or before):
        bound = session.drift.bound if session.drift is not None else action
        words = "; ".join(changes(session, bound)[:_SHOWN])
        said = f"{action.id} has changed on the server{f': {words}' if words else ''}"
        error.hint = f"{said}; {error.hint}" if error.hint else said


def refresh_aside(session: Session) -> None:
    """In the pauses of a wait, look what the server offers now; at most once a day.

    Nothing waits for it: a program that ends meanwhile leaves the cache as it was.
    """
    host = session.host
    index = host.index()
    if index is not None and host.timing.wall() - index.fetched < _DAY:
        return
    thread = threading.Thread(target=_refresh, args=(session,), daemon=True)
    thread.start()


def _refresh(session: Session) -> None:
    from callsheet.catalog.host import Host
    from callsheet.transport.sync import Transport

    own = session.host
    host = Host(own.settings, own.bindings, own.timing)
    host.overrides = own.overrides
    transport: Any = Transport(own.settings, None)
    try:
        transport.run(host.refresh())
    except Exception:
        return
    finally:
        transport.close()
