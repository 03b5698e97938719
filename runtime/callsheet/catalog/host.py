"""What the host in use advertises: kept between runs, looked at cheaply, asked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.catalog.cache import CatalogueCache, Index

if TYPE_CHECKING:
    from callsheet.catalog.catalogue import Catalogue
    from callsheet.flows import Flow, Timing
    from callsheet.protocol import Overrides
    from callsheet.settings import Settings


class HostCatalogue:
    """The catalogue of one host, on disk and in memory."""

    def __init__(
        self,
        settings: Settings,
        overrides: Overrides,
        timing: Timing,
        cache: CatalogueCache | None = None,
    ) -> None:
        self.settings, self.overrides, self.timing = settings, overrides, timing
        self.cache = cache or CatalogueCache(settings.cache_dir)
        self._catalogue: Catalogue | None = None

    def cached(self) -> Catalogue | None:
        """The catalogue as last fetched, without asking the server."""
        if self._catalogue is None and self.settings.host:
            self._catalogue = self.cache.load(self.settings.host)
        return self._catalogue

    def catalogue(self) -> Flow[Catalogue]:
        """The cached catalogue, fetched when there is none."""
        return self.cached() or (yield from self.refresh())

    def refresh(self, *, whole: bool = False, every: bool = False) -> Flow[Catalogue]:
        """Ask the server what it advertises now; ``whole`` asks for every schema anew.

        Otherwise only what changed is fetched; ``every`` asks about the schemas too where the
        list did not change.
        """
        from callsheet.catalog.live import fetch

        known = None if whole else self.cached()
        host = self.settings.require_host()
        found = yield from fetch(host, self.overrides, self.timing, known, every=every)
        self._found(found, same=known is not None and found.actions is known.actions)
        return found

    def renew(self, action_id: str) -> Flow[bool]:
        """Look whether the host still lists an action, and with which schema; false where not.

        Two small requests at most. Raises ``CallsheetError`` where the host cannot be asked.
        """
        host, known = self.settings.require_host(), self.cached()
        if known is None:
            return (yield from self.refresh()).get(action_id) is not None
        from callsheet.catalog.live import glance

        found = yield from glance(host, self.overrides, self.timing, known, action_id)
        self._found(found)
        return found.get(action_id) is not None

    def index(self) -> Index | None:
        """When the host was last asked, and the digests of its schemas, without the rest."""
        return self.cache.index(self.settings.host) if self.settings.host else None

    def _found(self, catalogue: Catalogue, *, same: bool = False) -> None:
        """Keep what the host just said; ``same`` where that is what it said before."""
        if same:
            self.cache.touch(catalogue)
        else:
            self.cache.store(catalogue)
        self._catalogue = catalogue
