"""Say what the server changed since the package was generated."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from callsheet.cli.context import Context, Drift
    from callsheet.spec import Action


_DAY = 24 * 3600.0
_SHOWN = 5
# What a request gets that the server no longer understands as it did.
_REFUSALS = frozenset({400, 404, 405, 409, 410, 422})


def tell(context: Context, drift: Drift) -> None:
    """Say on stderr what is different, once a run."""
    if drift.noticed:
        return
    drift.noticed = True
    lines = changes(context, drift.bound)
    context.console.note(
        f"{drift.bound.id} has changed on the server since its command was generated:"
    )
    for line in lines[:_SHOWN]:
        context.console.note(f"  {line}")
    more = f"{len(lines) - _SHOWN} more; " if len(lines) > _SHOWN else ""
    context.console.note(
        f"  {more}the server's schema is used; `callsheet generate` renews the command"
    )


def changes(context: Context, bound: Action) -> list[str]:
    """Describe how the cached catalogue differs from the schema of a generated action."""
    from callsheet.catalog.snapshot import Snapshot
    from callsheet.diff.compare import LockedNames, diff
    from callsheet.spec import Advertised

    host = context.host
    catalogue = host.cached()
    live = catalogue.get(bound.id) if catalogue is not None else None
    stored = context.bindings.schema(bound.module)
    if live is None or stored is None:
        return []
    old = Advertised(
        id=bound.id,
        title=live.title,
        description=live.description,
        input=stored.get("input"),
        output=stored.get("output"),
        hints=live.hints,
    )
    differences = diff(
        Snapshot("", (old,)),
        Snapshot("", (live,)),
        overlay=host.overlay,
        program=context.prog,
        old_names=LockedNames({bound.id: bound.command}),
    )
    return [change.text for change in differences]


def after_refusal(context: Context, action: Action, error: CallsheetError) -> None:
    """Ask whether the server has changed what it just refused; the error then says so."""
    if error.http_status not in _REFUSALS or not action.command:
        return
    cached = context.host.index()
    before = cached.digest_of(action.id) if cached is not None else action.digest
    try:
        is_listed = context.run(context.host.refresh_action(action.id))
    except CallsheetError:  # the first error is the one to report
        return
    call = f"`{' '.join((context.prog, *action.command))}`"
    if not is_listed:
        if before is None and not action.digest:  # nobody ever offered it: a mistyped id
            return
        error.message = f"{call} is gone: {context.settings.host} offers {action.id} no longer"
        error.hint = f"{context.prog} actions list shows what there is"
        error.code = "removed"
        return
    index = context.host.index()
    now = index.digest_of(action.id) if index is not None else None
    if now and now != (action.digest or before):
        bound = context.drift.bound if context.drift is not None else action
        lines = changes(context, bound)[:_SHOWN]
        hint = f"{action.id} has changed on the server{': ' if lines else ''}{'; '.join(lines)}"
        error.hint = f"{hint}; {error.hint}" if error.hint else hint


def refresh_aside(context: Context) -> None:
    """Ask in the background what the server offers now, at most once a day.

    Nothing waits for the thread: a program that ends meanwhile leaves the cache as it was.
    """
    host = context.host
    index = host.index()
    if index is not None and host.timing.wall() - index.fetched < _DAY:
        return
    thread = threading.Thread(target=_refresh, args=(context,), daemon=True)
    thread.start()


def _refresh(context: Context) -> None:
    from callsheet.catalog.host import Host
    from callsheet.transport.sync import Transport

    own = context.host
    host = Host(own.settings, own.bindings, own.timing)
    host.overrides = own.overrides
    transport: Any = Transport(own.settings, None)
    try:
        transport.run(host.refresh())
    except Exception:
        return
    finally:
        transport.close()
