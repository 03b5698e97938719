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
    """A catalogue and how it was come by."""

    catalogue: Catalogue
    source: Literal["live", "cached", "bindings"]

    def surface(self, context: Context) -> ActionSet:
        """The named actions."""
        if self.source != "bindings":
            return context.host.surface(self.catalogue)
        return bound.surface_of(context.bindings)


def offered(context: Context, *, whole: bool = False) -> AvailableActions:
    """What the server offers now; where it cannot be asked, what was last known, with a warning.

    Raises the failure of asking where nothing is known, and any that another try would meet too.
    """
    if not context.settings.host:
        said = bound.snapshot(context.bindings)
        if said.actions:
            context.console.warn(
                f"no server is configured; this is from {context.bindings.package}"
            )
            return AvailableActions(Catalogue(said.source, 0.0, said.actions, {}), "bindings")
    known = context.host.cached()
    try:
        return AvailableActions(context.run(context.host.refresh(whole=whole)), "live")
    except CallsheetError as error:
        if known is None or not error.retryable:
            raise
        age = duration(time.time() - known.fetched)
        context.console.warn(f"{error.message.rstrip('.')}; this is from the cache, {age} old")
        return AvailableActions(known, "cached")


def known(context: Context) -> AvailableActions | None:
    """What the server offered when it was last asked."""
    found = context.host.cached()
    return AvailableActions(found, "cached") if found is not None else None
