"""Look up a host's actions in the cache, without a request."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from callsheet.catalog.store import CatalogueCache, Index
from callsheet.config.credentials import merge_headers, parse_auth, project_headers
from callsheet.config.settings import SANDBOX, bindings_for, is_loopback
from callsheet.protocol.values import Overrides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.config.bindings import Bindings
    from callsheet.config.overlay import Overlay
    from callsheet.config.settings import Settings
    from callsheet.spec import Action


class CommandWord(NamedTuple):
    """A word that may follow others on a command line: an action, or a group of ``words``.

    ``action`` is the id of the action and ``summary`` a line about it, safe to print; both are
    empty for a group, whose ``words`` are those that may follow it.
    """

    action: str = ""
    summary: str = ""
    words: tuple[str, ...] = ()


class CachedActions:
    """The actions of one host by its bindings and the cached catalogue; nothing is sent."""

    def __init__(
        self,
        settings: Settings,
        program: Bindings,
        *,
        overrides: Mapping[str, str] | None = None,
        cache: CatalogueCache | None = None,
    ) -> None:
        program.check()
        self.program, self.settings = program, settings
        self.cache = cache or CatalogueCache(settings.cache_dir)
        self.overrides = Overrides.parse({**self.bindings.protocol(), **(overrides or {})})
        self.settings = _with_project(settings, self.bindings, self.overrides)
        self._catalogue: Catalogue | None = None
        self._is_loaded = False
        self._surface: ActionSet | None = None

    @property
    def bindings(self) -> Bindings:
        """Return the bindings of the program where they count for this host."""
        return bindings_for(self.program, self.settings, self.index)

    @cached_property
    def overlay(self) -> Overlay:
        """Return the rules of the program, with the actions that ``overrides`` free."""
        overlay = self.bindings.overlay()
        return overlay._replace(free=(*overlay.free, *self.overrides.free))

    def cached(self) -> Catalogue | None:
        """Return the catalogue as last fetched, without a request; None where none is stored."""
        if not self._is_loaded and self.settings.host:
            self._catalogue, self._is_loaded = self.cache.load(self.settings.host), True
        return self._catalogue

    def _replace_catalogue(self, catalogue: Catalogue) -> None:
        """Use a catalogue from now on; drop what was made of the old one."""
        self._catalogue, self._is_loaded = catalogue, True
        self._surface = None

    def index(self) -> Index | None:
        """Return the index of the stored catalogue, without reading that; None where none is."""
        return self.cache.index(self.settings.host) if self.settings.host else None

    def has_changed(self, action: Action) -> bool:
        """Tell whether the host last advertised another schema for a generated action."""
        index = self.index() if action.module and action.digest else None
        digest = index.digest_of(action.id) if index is not None else None
        return bool(digest) and digest != action.digest

    def is_sandbox(self) -> bool:
        """Tell whether the host is this machine and calls itself our sandbox: nothing costs."""
        index = self.index()
        is_named = index is not None and index.server == SANDBOX
        return is_named and is_loopback(self.settings.host)

    def live(self, bound: Action) -> Action | None:
        """Return a generated action, names kept, as the cached catalogue has it, else None."""
        catalogue = self.cached()
        if catalogue is None or catalogue.get(bound.id) is None:
            return None
        from callsheet.actions.resolve import ActionResolver

        commands = {bound.id: bound.command}
        flags = {bound.id: {param.path: param.flag for param in bound.params if param.flag}}
        resolver = ActionResolver(catalogue.actions, self.overlay, commands, flags)
        return resolver.action(bound.id) if bound.id in resolver.entries else None

    def surface(self, catalogue: Catalogue) -> ActionSet:
        """Return the named actions of a catalogue; those of a generated package keep its names."""
        if self._surface is None or catalogue is not self._catalogue:
            from callsheet.actions.resolve import resolve_actions

            self._surface = resolve_actions(catalogue.actions, self.overlay, self.bindings.names())
        return self._surface

    def commands_below(self, path: tuple[str, ...]) -> dict[str, CommandWord]:
        """Return the words that may follow ``path`` by the cached catalogue, in their order.

        Empty where nothing is cached. No schema is read.
        """
        from callsheet.actions.naming import summary_line

        words: dict[str, CommandWord] = {}
        depth = len(path)
        for action in self._cached_actions():
            command = action.command
            if len(command) <= depth or command[:depth] != path:
                continue
            word = command[depth]
            if len(command) == depth + 1:
                words[word] = CommandWord(action.id, summary_line(action))
            elif command[depth + 1] not in (below := words.get(word, CommandWord()).words):
                words[word] = CommandWord(words=(*below, command[depth + 1]))
        return dict(sorted(words.items()))

    def is_group(self, path: tuple[str, ...]) -> bool:
        """Tell whether commands of the cached catalogue begin with these words and go on."""
        return bool(self.commands_below(path))

    def action_at(self, path: tuple[str, ...]) -> Action | None:
        """Return the action of a command by the cached catalogue; ``None`` where it has none."""
        return next((action for action in self._cached_actions() if action.command == path), None)

    def cached_action(self, action_id: str) -> Action | None:
        """Return the action with this id by the cached catalogue; ``None`` where it has none."""
        catalogue = self.cached()
        return self.surface(catalogue).by_id.get(action_id) if catalogue is not None else None

    def revision(self) -> str:
        """Return a text that changes with the cached actions, the configuration and the version.

        "" where nothing is cached. What was made of the actions, such as help pages, is as new as
        they are where it was stored with the same text.
        """
        from callsheet.jsonio import digest
        from callsheet.version import __version__

        try:
            stored = os.stat(self.cache.path(self.settings.host))
        except OSError:
            return ""
        stamp = [stored.st_mtime_ns, stored.st_size]
        return digest([__version__, self.bindings.package, self.overlay.as_json(), stamp])

    def _cached_actions(self) -> tuple[Action, ...]:
        catalogue = self.cached()
        return self.surface(catalogue).actions if catalogue is not None else ()

    def _resolve(self, catalogue: Catalogue, action_id: str) -> Action | None:
        """Resolve one action of a catalogue, with its own group alone where that is enough.

        A family stands in one group unless the configuration names it.
        """
        if self._surface is not None or self.overlay.families:
            return self.surface(catalogue).by_id.get(action_id)
        from callsheet.actions.resolve import resolve_actions

        near = catalogue.group_of(action_id)
        return resolve_actions(near, self.overlay).by_id.get(action_id)

    def is_billable(self, action_id: str) -> bool:
        """Tell whether the stored catalogue marks an action as billable; false without a mark."""
        index = self.index()
        return index is not None and action_id in index.billable

    def _is_bound(self, action: Action) -> bool:
        """Tell whether an action was generated from this very host."""
        source = self.bindings.source
        return bool(source and source == self.settings.origin and action.module)


def _with_project(settings: Settings, bindings: Bindings, overrides: Overrides) -> Settings:
    """Return the settings with the project's headers and, if the user chose none, its way of a key.

    Raises ``UsageError`` for those that cannot be used.
    """
    own = project_headers(bindings.headers())
    if own:
        settings = settings._replace(headers=merge_headers(own, settings.headers))
    if not overrides.auth or settings.origins.get("auth", "default") != "default":
        return settings
    return settings._replace(auth=parse_auth(overrides.auth[0], "protocol.auth"))
