"""Tell what a server offers, from the server, the cache or the package."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from callsheet.catalog import bound
from callsheet.catalog.snapshot import Catalogue
from callsheet.cli.output.table import duration
from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from callsheet.actions.resolve import ActionSet
    from callsheet.cli.context import Context


class AvailableActions(NamedTuple):
    """A catalogue and where it came from."""

    catalogue: Catalogue
    source: Literal["live", "cached", "bindings"]

    def surface(self, context: Context) -> ActionSet:
        """Return the named actions."""
        if self.source != "bindings":
            return context.host.surface(self.catalogue)
        return bound.surface_of(context.bindings)


def fetch_available(context: Context, *, complete: bool = False) -> AvailableActions:
    """Ask the server what it offers; where it cannot be asked, warn and return the cached list.

    Raises the error of asking where nothing is cached, and any that a second try would meet.
    """
    console = context.console
    if not context.settings.host:
        generated = bound.snapshot(context.bindings)
        if generated.actions:
            console.warn(f"no server is configured; this is from {context.bindings.package}")
            catalogue = Catalogue(generated.source, 0.0, generated.actions, {})
            return AvailableActions(catalogue, "bindings")
    cached = context.host.cached()
    try:
        return AvailableActions(context.run(context.host.refresh(anew=complete)), "live")
    except CallsheetError as error:
        if cached is None or not error.retryable:
            raise
        age = duration(time.time() - cached.fetched)
        console.warn(f"{error.message.rstrip('.')}; this is from the cache, {age} old")
        return AvailableActions(cached, "cached")


def cached_actions(context: Context) -> AvailableActions | None:
    """Return what the server offered when it was last asked."""
    cached = context.host.cached()
    return AvailableActions(cached, "cached") if cached is not None else None
