"""Tell what a server offers, from the server, the cache or the package."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from callsheet.catalog import bound
from callsheet.catalog.snapshot import Catalogue
from callsheet.cli.input.request import spoken
from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from callsheet.actions.resolve import ActionSet
    from callsheet.cli.session import Session


class AvailableActions(NamedTuple):
    """A catalogue and how it was come by."""

    catalogue: Catalogue
    source: Literal["live", "cached", "bindings"]

    def surface(self, session: Session) -> ActionSet:
        """The named actions."""
        if self.source != "bindings":
            return session.host.surface(self.catalogue)
        return bound.surface_of(session.bindings)


def offered(session: Session, *, whole: bool = False) -> AvailableActions:
    """What the server offers now; where it cannot be asked, what was last known, with a warning.

    Raises the failure of asking where nothing is known, and any that another try would meet too.
    """
    if not session.settings.host:
        said = bound.snapshot(session.bindings)
        if said.actions:
            session.warn(f"no server is configured; this is from {session.bindings.package}")
            return AvailableActions(Catalogue(said.source, 0.0, said.actions, {}), "bindings")
    known = session.host.cached()
    try:
        return AvailableActions(session.run(session.host.refresh(whole=whole)), "live")
    except CallsheetError as error:
        if known is None or not error.retryable:
            raise
        age = spoken(time.time() - known.fetched)
        session.warn(f"{error.message.rstrip('.')}; this is from the cache, {age} old")
        return AvailableActions(known, "cached")


def known(session: Session) -> AvailableActions | None:
    """What the server offered when it was last asked."""
    found = session.host.cached()
    return AvailableActions(found, "cached") if found is not None else None
