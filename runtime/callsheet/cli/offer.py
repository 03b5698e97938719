"""Tell what a server offers, from the server, the cache or the package."""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from callsheet.catalog.snapshot import Catalogue, Snapshot
from callsheet.cli.output.table import duration
from callsheet.errors import CallsheetError
from callsheet.spec import Action, Advertised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.actions.resolve import ActionSet
    from callsheet.cli.context import Context
    from callsheet.config.bindings import Bindings


class AvailableActions(NamedTuple):
    """A catalogue and where it came from."""

    catalogue: Catalogue
    source: Literal["live", "cached", "bindings"]

    def surface(self, context: Context) -> ActionSet:
        """Return the named actions."""
        if self.source != "bindings":
            return context.host.surface(self.catalogue)
        return bound_surface(context.bindings)


def fetch_available(context: Context, *, complete: bool = False) -> AvailableActions:
    """Ask the server what it offers; where it cannot be asked, warn and return the cached list.

    Raises the error of asking where nothing is cached, and any that a second try would meet.
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
        _warn(context, catalogue)
        return AvailableActions(catalogue, "live")
    except CallsheetError as error:
        if cached is None or not error.retryable:
            raise
        age = duration(time.time() - cached.fetched)
        console.warn(f"{error.message.rstrip('.')}; this is from the cache, {age} old")
        _warn(context, cached)
        return AvailableActions(cached, "cached")


def cached_actions(context: Context) -> AvailableActions | None:
    """Return what the server offered when it was last asked."""
    cached = context.host.cached()
    if cached is None:
        return None
    _warn(context, cached)
    return AvailableActions(cached, "cached")


def _warn(context: Context, catalogue: Catalogue) -> None:
    """Say that the list of the server is not whole, where it is not."""
    if catalogue.missing:
        context.console.warn(catalogue.missing)


def bound_snapshot(bindings: Bindings) -> Snapshot:
    """Return every action of a generated package with its schemas; empty without a package."""
    actions = tuple(_advertised(bindings, action) for action in bound_actions(bindings))
    return Snapshot(bindings.source, actions)


def bound_actions(bindings: Bindings) -> Iterator[Action]:
    """Yield the actions of a package, with those that have no command of their own."""
    if not bindings.package:
        return
    index: Mapping[str, str] = importlib.import_module(f"{bindings.package}.commands").MODULES
    for name in sorted(set(index.values())):
        module = importlib.import_module(f"{bindings.package}.commands.{name}")
        yield from (member for member in vars(module).values() if isinstance(member, Action))


def bound_surface(bindings: Bindings) -> ActionSet:
    """Return the named actions of a package."""
    from callsheet.actions.resolve import resolve_actions

    return resolve_actions(bound_snapshot(bindings).actions, bindings.overlay(), bindings.names())


def as_known(action: Action, entry: Advertised | None) -> Advertised:
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
    return as_known(action, entry)
