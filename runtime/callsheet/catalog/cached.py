"""Look up a host's actions in the cache, without a request."""

from __future__ import annotations

import json
import os
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from callsheet.catalog.snapshot import Entries
from callsheet.catalog.store import CatalogueCache
from callsheet.config.credentials import merge_headers, parse_auth, project_headers
from callsheet.config.settings import SANDBOX, bindings_for, is_loopback
from callsheet.protocol.values import Overrides
from callsheet.spec import Advertised, Family, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.catalog.stored import NamedRow, StoredActions
    from callsheet.config.bindings import Bindings
    from callsheet.config.overlay import Overlay
    from callsheet.config.settings import Settings
    from callsheet.protocol.prices import Price
    from callsheet.spec import Action


class CommandWord(NamedTuple):
    """A word that may follow others on a command line: an action, or a group of ``words``.

    ``action`` is the id of the action and ``summary`` a line about it, safe to print; both are
    empty for a group, whose ``words`` are those that may follow it.
    """

    action: str = ""
    summary: str = ""
    words: tuple[str, ...] = ()


class CachedRow(NamedTuple):
    """What a list shows of an action; ``family`` where it has a role in one.

    ``price`` is what the host asks for any call alike, None where it states no such price.
    """

    id: str
    command: tuple[str, ...]
    role: Role
    family: Family | None
    paid: bool
    summary: str
    typed: bool
    price: Price | None = None

    @classmethod
    def of(cls, action: Action) -> CachedRow:
        """Return what a list shows of an action that was read whole."""
        from callsheet.actions.naming import summary_line

        return cls(
            action.id,
            action.command,
            action.role,
            action.family,
            action.paid,
            summary_line(action),
            action.typed,
        )


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
        self.program, self._given = program, (settings, overrides or {})
        self.cache = cache or CatalogueCache(settings.cache_dir)
        self._actions: dict[tuple[str, ...], Action | None] = {("", "", ""): None}
        self._surface: tuple[Sequence[Advertised], ActionSet] | None = None

    @cached_property
    def overrides(self) -> Overrides:
        """Return the forced readings of replies: the project's, and those of this run."""
        return Overrides.parse({**self.bindings.protocol(), **self._given[1]})

    @cached_property
    def settings(self) -> Settings:
        """Return the settings with what the project says of headers and of the key.

        Raises ``UsageError`` for what cannot be used.
        """
        return _with_project(self._given[0], self.bindings, self.overrides)

    @cached_property
    def _rules(self) -> Overlay:
        """Return the rules of the program."""
        return self.bindings.overlay()

    @property
    def bindings(self) -> Bindings:
        """Return the bindings of the program where they count for this host."""
        return bindings_for(self.program, self._given[0], self.cached)

    @cached_property
    def overlay(self) -> Overlay:
        """Return the rules of the program, with the actions that ``overrides`` free."""
        return self._rules._replace(free=(*self._rules.free, *self.overrides.free))

    def cached(self) -> Catalogue | None:
        """Return the catalogue as last fetched, without a request; None where none is stored.

        What it holds is read when it is used.
        """
        stored = self.cache.load(self._given[0].host)
        return None if stored is None or stored.partial else stored

    def has_changed(self, action: Action) -> bool:
        """Tell whether the host last advertised another schema for a generated action."""
        stored = self.cached() if action.module and action.digest else None
        digest = stored.digest_of(action.id) if stored is not None else None
        return bool(digest) and digest != action.digest

    def is_sandbox(self) -> bool:
        """Tell whether the host is this machine and calls itself our sandbox: nothing costs."""
        stored = self.cached()
        is_named = stored is not None and stored.server == SANDBOX
        return is_named and is_loopback(self.settings.host)

    def is_billable(self, action_id: str) -> bool:
        """Tell whether the stored catalogue marks an action as billable; false without a mark."""
        return (self.cached_marks(action_id) or {}).get("billable") is True

    def cached_marks(self, action_id: str) -> Mapping[str, Any] | None:
        """Return the marks of an action in the stored catalogue; None where it has none."""
        stored = self.cached()
        return stored.marks_of(action_id) if stored is not None else None

    def surface(self, catalogue: Catalogue) -> ActionSet:
        """Return the named actions of a catalogue; those of a generated package keep its names.

        Reads every schema: what the cache has of names and costs is in ``rows``.
        """
        actions, surface = self._surface or (None, None)
        if surface is None or actions is not catalogue.actions:
            from callsheet.actions.resolve import resolve_actions

            surface = resolve_actions(catalogue.actions, self.overlay, self.bindings.names())
            self._surface = (catalogue.actions, surface)
        return surface

    def rows(self) -> list[CachedRow]:
        """Return a line about each cached action, ordered by id; none where nothing is cached.

        A schema is read where it was never looked at, and no more.
        """
        stored = self._named()
        if stored is None:
            return []
        rows = stored.rows()
        unread = [row.id for row in rows if row.typed is None]
        if unread:
            from callsheet.actions.resolve import are_typed

            typed = are_typed(stored.select(unread))
            stored.store_typed(typed)
            rows = [row._replace(typed=typed.get(row.id, row.typed)) for row in rows]
        free = self.overlay.is_free if self.overrides.free else lambda _: False
        return [_read_row(row, is_free=free(row.id)) for row in rows]

    def commands_below(self, path: tuple[str, ...]) -> dict[str, CommandWord]:
        """Return the words that may follow ``path`` by the cached catalogue, in their order.

        Empty where nothing is cached. No schema is read.
        """
        stored = self._named()
        words: dict[str, CommandWord] = {}
        for command, action_id, summary in stored.commands_below(path) if stored else ():
            word, *below = command.split()[len(path) :]
            if not below:
                words[word] = CommandWord(action_id, summary)
            elif below[0] not in (names := words.get(word, CommandWord()).words):
                words[word] = CommandWord(words=(*names, below[0]))
        return dict(sorted(words.items()))

    def is_group(self, path: tuple[str, ...]) -> bool:
        """Tell whether commands of the cached catalogue begin with these words and go on."""
        return bool(self.commands_below(path))

    def action_at(self, path: tuple[str, ...]) -> Action | None:
        """Return the action of a command by the cached catalogue; ``None`` where it has none."""
        stored = self._named()
        row = stored.row_at(path) if stored is not None else None
        return self.cached_action(row.id) if row is not None else None

    def cached_action(self, action_id: str) -> Action | None:
        """Return the action with this id by the cached catalogue; ``None`` where it has none."""
        stored = self._named()
        key = (stored.revision, stored.named_by, action_id) if stored is not None else ("", "", "")
        if key not in self._actions:
            self._actions[key] = self._read_action(action_id, {})
        return self._actions[key]

    def live(self, bound: Action) -> Action | None:
        """Return a generated action, names kept, as the cached catalogue has it, else None."""
        flags = {param.path: param.flag for param in bound.params if param.flag}
        action = self._read_action(bound.id, flags)
        return action._replace(command=bound.command) if action is not None else None

    def stated_price(self, action_id: str) -> Price | None:
        """Return what any call of a cached action costs, as the host states it, else None."""
        stored = self._stored()
        row = stored.row(action_id) if stored is not None else None
        return _price(row) if row is not None else None

    def membership(self, action_id: str) -> tuple[Role, Family | None] | None:
        """Return role and family of a cached action, ``None`` where there is no such action."""
        stored = self._named()
        row = stored.row(action_id) if stored is not None else None
        return None if row is None or row.command is None else (_role(row), _family(row))

    def families(self) -> list[Family]:
        """Return the families of the cached actions, each once."""
        stored = self._named()
        families = [_family(row) for row in stored.rows() if row.family] if stored else []
        return list(dict.fromkeys(family for family in families if family is not None))

    def revision(self) -> str:
        """Return a text that changes with the cached actions, the configuration and the version.

        "" where nothing is cached. What was made of the actions, such as help pages, is as new as
        they are where it was stored with the same text.
        """
        stored = self._stored()
        return f"{stored.revision}-{self._names_key()}" if stored is not None else ""

    def _stored(self) -> StoredActions | None:
        """Return the stored actions; None where no whole catalogue is stored."""
        from callsheet.catalog.stored import StoredActions

        catalogue = self.cached()
        actions = catalogue.actions if catalogue is not None else None
        return actions if isinstance(actions, StoredActions) else None

    def _named(self) -> StoredActions | None:
        """Return the stored actions with their names, which are worked out where they are not.

        That is once for each change of the actions, the configuration and the version.
        """
        stored = self._stored()
        key = self._names_key()
        if stored is not None and stored.named_by != key:
            stored.store_names(key, _name_actions(stored, self._rules, self.bindings.names()))
            stored = self._stored()
        return stored

    def _names_key(self) -> str:
        """Return a digest of what the names of actions follow from beside the actions."""
        from callsheet.jsonio import digest
        from callsheet.version import __version__

        package = self.bindings.package
        return digest([__version__, package, _stamp(package), self._rules.as_json()])

    def _read_action(self, action_id: str, flags: Mapping[tuple[str, ...], str]) -> Action | None:
        """Read one cached action, with the members of its family; ``flags`` are kept."""
        stored = self._named()
        row = stored.row(action_id) if stored is not None else None
        if stored is None or row is None or row.command is None:
            return None
        from callsheet.actions.resolve import ActionResolver

        family = _family(row)
        members = (action_id, *((family.wait, family.query) if family is not None else ()))
        read = stored.select(filter(None, dict.fromkeys(members)))
        entries = Entries(read, lambda ids: {name: read[name] for name in ids})
        names = {action_id: (_role(row), family or Family())}
        commands = {action_id: tuple(row.command.split())}
        resolver = ActionResolver(entries, self.overlay, commands, {action_id: flags}, names)
        return resolver.action(action_id)

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


def _read_row(row: NamedRow, *, is_free: bool) -> CachedRow:
    return CachedRow(
        row.id,
        tuple((row.command or "").split()),
        _role(row),
        _family(row),
        bool(row.paid) and not is_free,
        row.summary or row.id,
        bool(row.typed),
        _price(row),
    )


def _price(row: NamedRow) -> Price | None:
    """Return what the marks of a stored row state as the price of any call alike."""
    if '"price"' not in row.about:  # most hosts state none: neither parse nor import then
        return None
    from callsheet.protocol.prices import estimate

    *_, marks = json.loads(row.about)
    return estimate(marks["price"], {}) if "price" in marks else None


def _role(row: NamedRow) -> Role:
    return cast("Role", row.role or "")


def _family(row: NamedRow) -> Family | None:
    """Return the family of a stored row."""
    if not row.family:
        return None
    fields = json.loads(row.family)
    return Family(**{**fields, "meanings": tuple(map(tuple, fields["meanings"]))})


def _name_actions(
    stored: StoredActions, overlay: Overlay, locked: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[Any, ...]]:
    """Yield the row of each action that ``write_names`` takes; reads the schemas of families."""
    from callsheet.actions.naming import summary_line
    from callsheet.actions.resolve import ActionResolver

    resolver = ActionResolver(Entries(stored.ids(), stored.select), overlay, locked, {})
    for entry in stored.outlines():
        if entry.id in resolver.entries:
            action = resolver.outline(entry)
            family = json.dumps(action.family._asdict()) if action.family is not None else None
            summary = summary_line(action)
            yield " ".join(action.command), action.role, family, action.paid, summary, action.id


def _stamp(package: str) -> list[int]:
    """Return what changes when a package is generated anew: its names are kept for its commands."""
    if not package:
        return []
    folder = os.path.dirname(import_module(package).__file__ or "")
    try:
        stamp = os.stat(os.path.join(folder, "commands"))
    except OSError:
        return []
    return [stamp.st_ino, stamp.st_mtime_ns]
