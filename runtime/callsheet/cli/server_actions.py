"""List the actions of a server, and what it changed since the package was generated."""

from __future__ import annotations

import importlib
import threading
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from callsheet.catalog.snapshot import Catalogue
from callsheet.cli.output.formats import duration
from callsheet.errors import CallsheetError
from callsheet.spec import Action, Advertised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.cached import CachedRow
    from callsheet.catalog.lock import Snapshot
    from callsheet.cli.context import Context, Drift
    from callsheet.config.bindings import Bindings


_DAY = 24 * 3600.0
_SHOWN = 5
# What a request gets that the server no longer understands as it did.
_REFUSALS = frozenset({400, 404, 405, 409, 410, 422})


class AvailableActions(NamedTuple):
    """A catalogue and where it came from."""

    catalogue: Catalogue
    source: Literal["live", "cached", "bindings"]

    def surface(self, context: Context) -> ActionSet:
        """Return the actions with the names of their commands."""
        if self.source != "bindings":
            return context.host.surface(self.catalogue)
        return bound_surface(context.bindings)

    def rows(self, context: Context) -> list[CachedRow]:
        """Return a line about each action, ordered by id; no schema is read again."""
        if self.source != "bindings":
            return context.stored.rows()
        from callsheet.catalog.cached import CachedRow

        return [CachedRow.of(action) for action in self.surface(context).actions]


def fetch_available(context: Context, *, complete: bool = False) -> AvailableActions:
    """Fetch the catalogue into the cache, with ``complete`` every schema anew.

    Where the server cannot be asked, warn and return the cached catalogue; where no host is
    configured, that of the generated package. Raises the error of asking where neither exists,
    and any that a second try would meet.
    """
    console = context.console
    if not context.settings.host:
        generated = bound_snapshot(context.bindings)
        if generated.actions:
            console.warn(f"no server is configured; this is from {context.bindings.package}")
            catalogue = Catalogue(generated.source, 0.0, generated.actions, {})
            return AvailableActions(catalogue, "bindings")
    cached = context.host.cached()
    try:
        catalogue = context.run(context.host.refresh(anew=complete))
        _warn_incomplete(context, catalogue)
        return AvailableActions(catalogue, "live")
    except CallsheetError as error:
        if cached is None or not error.retryable:
            raise
        age = duration(time.time() - cached.fetched)
        console.warn(f"{error.message.rstrip('.')}; this is from the cache, {age} old")
        _warn_incomplete(context, cached)
        return AvailableActions(cached, "cached")


def cached_actions(context: Context) -> AvailableActions | None:
    """Return the cached catalogue; ``None`` without one. Warn where its list is not whole."""
    cached = context.cached()
    if cached is None:
        return None
    _warn_incomplete(context, cached)
    return AvailableActions(cached, "cached")


def _warn_incomplete(context: Context, catalogue: Catalogue) -> None:
    """Warn where the list of the server is not whole."""
    if catalogue.missing:
        context.console.warn(catalogue.missing)


def bound_snapshot(bindings: Bindings) -> Snapshot:
    """Return every action of a generated package with its schemas; empty without a package."""
    from callsheet.catalog.lock import Snapshot

    actions = tuple(_advertised(bindings, action) for action in bound_actions(bindings))
    return Snapshot(bindings.source, actions)


def bound_actions(bindings: Bindings) -> Iterator[Action]:
    """Yield the actions of a package, with those that have no command of their own.

    Import its command modules; yield nothing without a package.
    """
    if not bindings.package:
        return
    index: Mapping[str, str] = importlib.import_module(f"{bindings.package}.commands").MODULES
    for name in sorted(set(index.values())):
        module = importlib.import_module(f"{bindings.package}.commands.{name}")
        yield from (member for member in vars(module).values() if isinstance(member, Action))


def bound_surface(bindings: Bindings) -> ActionSet:
    """Return the actions of a package with the names of their commands."""
    from callsheet.actions.resolve import resolve_actions

    return resolve_actions(bound_snapshot(bindings).actions, bindings.overlay(), bindings.names())


def reduce_to_generated(action: Action, entry: Advertised | None) -> Advertised:
    """Reduce an action to what a package holds: its schemas, its texts, and what it costs.

    Two such entries are equal where the clients generated from them would be.
    """
    hints: dict[str, bool] = {"idempotency": True} if action.idempotent else {}
    if not action.paid and action.role != "query":
        hints["billable"] = False
    return Advertised(
        id=action.id,
        description=action.doc,
        input=entry.input if entry is not None else None,
        output=entry.output if entry is not None else None,
        hints=hints,
    )


def _advertised(bindings: Bindings, action: Action) -> Advertised:
    schemas = bindings.schema(action.module) or {} if action.module else {}
    entry = Advertised(id=action.id, input=schemas.get("input"), output=schemas.get("output"))
    return reduce_to_generated(action, entry)


def note_changes(context: Context, drift: Drift) -> None:
    """Note on stderr how the schema differs from the generated one, once a run, in two lines."""
    if drift.noticed:
        return
    drift.noticed = True
    changes = schema_changes(context, drift.bound)
    more = f" and {len(changes) - 1} more (`{context.prog} actions diff`)"
    what = f": {changes[0]}{more if changes[1:] else ''}" if changes else ""
    note = context.console.note
    note(f"{drift.bound.id} has changed on the server since it was generated{what}")
    line = f"`{context.bindings.renewal()}` renews the command"
    note(f"  the server's schema is used; {line}")


def schema_changes(context: Context, bound: Action) -> list[str]:
    """Describe how the cached schema of a generated action differs from its own, a line a change.

    Empty where either is missing; texts and hints are not compared.
    """
    from callsheet.catalog.lock import Snapshot
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


def explain_refusal(context: Context, action: Action, error: CallsheetError) -> None:
    """Fetch an action that was refused; where it changed or is gone, ``error`` is made to say so.

    Only a refusal that a change may explain is looked into; the fetch goes into the cache.
    """
    if error.http_status not in _REFUSALS or not action.command:
        return
    cached = context.host.cached()
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
    index = context.host.cached()
    now = index.digest_of(action.id) if index is not None else None
    if now and now != (action.digest or before):
        bound = context.drift.bound if context.drift is not None else action
        lines = schema_changes(context, bound)[:_SHOWN]
        hint = f"{action.id} has changed on the server{': ' if lines else ''}{'; '.join(lines)}"
        error.hint = f"{hint}; {error.hint}" if error.hint else hint


def refresh_in_background(context: Context) -> None:
    """Fetch the catalogue into the cache in the background, at most once a day.

    Nothing waits for the thread: a program that ends meanwhile leaves the cache as it was.
    """
    host = context.host
    index = host.cached()
    if index is not None and 0 <= host.timing.wall() - index.fetched < _DAY:
        return
    thread = threading.Thread(target=_refresh, args=(context,), daemon=True)
    thread.start()


def _refresh(context: Context) -> None:
    """Fetch the catalogue over a connection of its own; ignore every failure."""
    from callsheet.catalog.host import Host
    from callsheet.transport.sync import Transport

    own = context.host
    host = Host(own.settings, own.program, own.timing)
    host.overrides = own.overrides
    transport: Any = Transport(own.settings, None)
    try:
        transport.run(host.refresh())
    except Exception:
        return
    finally:
        transport.close()
