"""Look up a host's actions and validate bodies against their schemas."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from callsheet.backoff import is_fresh
from callsheet.catalog.store import CatalogueCache, Index
from callsheet.config.settings import is_loopback
from callsheet.errors import CallsheetError, InvalidInput, ServerError
from callsheet.protocol.values import Overrides
from callsheet.schema.validator import UnusableSchema, Validator, is_plainly_valid
from callsheet.spec import Action, Advertised
from callsheet.text import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.config.bindings import Bindings
    from callsheet.config.overlay import Overlay
    from callsheet.config.settings import Settings
    from callsheet.flows.effects import Flow
    from callsheet.flows.retry import Timing


SANDBOX = "callsheet-sandbox"
_MOST_NOTES = 10
_SILENT_SECONDS = 60.0  # seconds for which a host is not asked again that gave no list


class Host:
    """The actions of one host, from bindings, cache and server, and the schemas of their bodies.

    ``notes`` collects lines for the user, such as what is not checked; the log has them too.
    """

    def __init__(
        self,
        settings: Settings,
        bindings: Bindings,
        timing: Timing,
        *,
        overrides: Mapping[str, str] | None = None,
        cache: CatalogueCache | None = None,
    ) -> None:
        bindings.check()
        self.bindings, self.timing = bindings, timing
        self.overrides = Overrides.parse({**bindings.protocol(), **(overrides or {})})
        self.settings = _with_forced_auth(settings, self.overrides)
        self.cache = cache or CatalogueCache(settings.cache_dir)
        self.notes: list[str] = []
        self._catalogue: Catalogue | None = None
        self._recent = _RecentEntries(self)
        self._is_loaded = False
        self._surface: ActionSet | None = None
        self._unlisted = False
        self._schemas: dict[str, Any] = {}
        self._validators: dict[str, Any] = {}

    @cached_property
    def overlay(self) -> Overlay:
        """Return the configuration of the bindings, with the actions that ``overrides`` free."""
        overlay = self.bindings.overlay()
        return overlay._replace(free=(*overlay.free, *self.overrides.free))

    def cached(self) -> Catalogue | None:
        """Return the catalogue as last fetched, without a request; None where none is stored."""
        if not self._is_loaded and self.settings.host:
            self._catalogue, self._is_loaded = self.cache.load(self.settings.host), True
        return self._catalogue

    def catalogue(self) -> Flow[Catalogue]:
        """Return the cached catalogue; fetch and store it where there is none."""
        return self.cached() or (yield from self.refresh())

    def refresh(self, *, anew: bool = False, every: bool = False) -> Flow[Catalogue]:
        """Fetch what the server advertises, store and return it; ``anew`` disregards the cache.

        Otherwise only what changed is fetched; ``every`` asks about the schemas too where the
        list did not change. Raises ``UsageError`` without a host, and as ``fetch`` does.
        """
        from callsheet.catalog.fetch import fetch

        cached = None if anew else self.cached()
        host = self.settings.require_host()
        fetched = yield from fetch(host, self.overrides, self.timing, cached, every=every)
        if cached is not None and fetched.actions is cached.actions:
            self.cache.touch(fetched)
            self._replace_catalogue(fetched)
        else:
            self.update(fetched)
        return fetched

    def refresh_action(self, action_id: str) -> Flow[bool]:
        """Ask for an action's entry and schema, and store them; return False if it is not listed.

        Two requests (more for a list in pages), or all where nothing is cached. Raises
        ``CallsheetError`` where the host cannot be asked.
        """
        ask = self.refresh() if self.cached() is None else self._recent.ask(action_id)
        return (yield from ask).get(action_id) is not None

    def update(self, catalogue: Catalogue) -> None:
        """Store a catalogue on disk and use it from now on; drop what was made of the old one."""
        self.cache.store(catalogue)
        self._replace_catalogue(catalogue)

    def _replace_catalogue(self, catalogue: Catalogue) -> None:
        """Use a catalogue from now on; drop actions, schemas and validators made of the old one."""
        self._catalogue, self._is_loaded = catalogue, True
        self._surface, self._unlisted = None, False
        self._schemas.clear()
        self._validators.clear()

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

    def find(self, action_id: str) -> Flow[Action]:
        """Return the action with this id; fetch the catalogue where the cached one lacks it.

        An id that is not advertised is a paid action: a catalogue may hide what the server can do.
        """
        is_bound = self.bindings.source and self.bindings.source == self.settings.origin
        bound = self.bindings.action(action_id) if is_bound else None
        if bound is not None:
            return bound
        catalogue = yield from self._catalogue_with(action_id)
        return self._resolve(catalogue, action_id) or Action(id=action_id, typed=False)

    def _resolve(self, catalogue: Catalogue, action_id: str) -> Action | None:
        """Resolve one action of a catalogue, with its own group alone where that is enough.

        A family stands in one group unless the configuration names it.
        """
        if self._surface is not None or self.overlay.families:
            return self.surface(catalogue).by_id.get(action_id)
        from callsheet.actions.resolve import resolve_actions

        near = catalogue.group_of(action_id)
        return resolve_actions(near, self.overlay).by_id.get(action_id)

    def _catalogue_with(self, action_id: str) -> Flow[Catalogue]:
        """Return the cached catalogue where it lists this id, else fetch one."""
        cached = self.cached()
        is_listed = cached is not None and cached.get(action_id) is not None
        return cached if cached and is_listed else (yield from self.refresh())

    def validate(self, action: Action, body: Any) -> Flow[bool]:
        """Validate a body against the host's schema; return False where there is none to use.

        Adds a note for each part that is not checked. Raises ``InvalidInput`` for the first fault.
        """
        if not isinstance(body, dict):
            raise InvalidInput("the body of an action is a JSON object")
        if action.id not in self._schemas:
            schema = self._schemas[action.id] = yield from self.schema(action)
            if is_plainly_valid(schema, body):  # compiling pays from the second body on
                return True
        if action.id not in self._validators:
            schema = self._schemas[action.id]
            self._validators[action.id] = _compile(action, schema, self._note)
        compiled = self._validators[action.id]
        violations = compiled.violations(body) if compiled is not None else ()
        if violations:
            raise violations[0].as_error()
        return compiled is not None

    def _note(self, message: str) -> None:
        self.notes.append(message)
        warn(message)

    def schema(self, action: Action) -> Flow[Any]:
        """Return the advertised input schema, of the package while current; None without one."""
        is_current = self._is_bound(action) and not self.has_changed(action)
        bound = self.bindings.schema(action.module) if is_current else None
        if bound is not None:
            return bound.get("input")
        if not action.typed:
            return None
        entry = yield from self._advertised(action.id)
        return entry.input if entry is not None else None

    def _advertised(self, action_id: str) -> Flow[Advertised | None]:
        """Return the host's entry for an action; None, with a note, if its list cannot be read."""
        if self._unlisted:
            return None
        try:
            return (yield from self._catalogue_with(action_id)).get(action_id)
        except ServerError as error:
            self._unlisted = True
            self._note(error.message)
            return None

    def apply_terms(self, action: Action) -> Flow[Action]:
        """Return the action with this host's terms: ``paid``, ``idempotent`` and ``family``.

        A mark that makes an action free lets it be sent again: it counts only where this host
        itself gave it within the last hour, and the host is asked again where it is older.
        Bindings may come from another server, and how a job is asked for may have changed.
        """
        is_bound = self._is_bound(action)
        if is_bound and action.paid:
            return action
        catalogue = self.cached()
        entry = catalogue.get(action.id) if catalogue is not None else None
        marks = entry.hints if entry is not None else {}
        is_query = action.role == "query" and not (action.family and action.family.guessed)
        is_free = is_configured = self.overlay.is_free(action.id)
        if is_configured or is_query or is_bound or _is_marked_free(marks):
            recent = yield from self._recent.find(action.id)
            if recent is not None or not is_configured:
                marks = recent.hints if recent is not None else {}
            is_denied = marks.get("billable") is True
            is_asking = is_query and recent is not None and self._still_asks(action.id)
            is_claimed = is_configured or is_asking
            is_free = (is_claimed and not is_denied) or _is_marked_free(marks)
            catalogue = self.cached()
        if is_bound:
            return action._replace(paid=not is_free)
        live = self.surface(catalogue).by_id.get(action.id) if catalogue and action.role else None
        family = live.family if live is not None and live.role == action.role else None
        return action._replace(
            paid=not is_free,
            idempotent=marks.get("idempotency") is True,
            family=family or action.family,
        )

    def _still_asks(self, action_id: str) -> bool:
        """Tell whether the cached catalogue has an action as a query; true where it lacks it."""
        catalogue = self.cached()
        live = self._resolve(catalogue, action_id) if catalogue is not None else None
        return live is None or live.role == "query"

    def recent_marks(self, action_id: str) -> Flow[Mapping[str, Any]]:
        """Return this host's marks of an action, at most an hour old; empty where it is silent."""
        entry = yield from self._recent.find(action_id)
        return entry.hints if entry is not None else {}

    def is_billable(self, action_id: str) -> bool:
        """Tell whether the stored catalogue marks an action as billable; false without a mark."""
        index = self.index()
        return index is not None and action_id in index.billable

    def _is_bound(self, action: Action) -> bool:
        """Tell whether an action was generated from this very host."""
        source = self.bindings.source
        return bool(source and source == self.settings.origin and action.module)


class _RecentEntries:
    """A host's entries of single actions, none older than an hour.

    Without a cached catalogue an entry is asked for alone, and kept for this process. A host that
    could not be asked is not asked again for a minute.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._single: Catalogue | None = None
        self._silent_since: float | None = None

    def find(self, action_id: str) -> Flow[Advertised | None]:
        """Return the entry of an action; None where the host has none or cannot be asked.

        An older list is asked about first, once, and so is the schema of the action.
        """
        timing = self._host.timing
        now, clock = timing.wall(), timing.clock()
        catalogue = self._host.cached() or self._single
        if not catalogue or not catalogue.was_asked(action_id, lambda at: is_fresh(at, now)):
            if self._silent_since is not None and clock - self._silent_since < _SILENT_SECONDS:
                return None
            try:
                catalogue = yield from self.ask(action_id)
            except CallsheetError:
                self._silent_since = clock
                return None
        return catalogue.get(action_id)

    def ask(self, action_id: str) -> Flow[Catalogue]:
        """Ask the host about one action; store and return its catalogue with the answer.

        Raises as ``fetch_entry`` does.
        """
        from callsheet.catalog.fetch import fetch_entry

        host, cached = self._host, self._host.cached()
        address, before = host.settings.require_host(), cached or self._single
        updated = yield from fetch_entry(address, host.overrides, host.timing, before, action_id)
        if cached is None:
            self._single = updated
        else:
            host.update(updated)
        return updated


def _compile(action: Action, schema: Any, note: Callable[[str], None]) -> Validator | None:
    """Compile a schema; ``note`` gets a line for each part that is not checked.

    None where there is no schema or it cannot be used.
    """
    if schema is None:
        note(f"{action.id}: no schema is known; the body goes out unchecked")
        return None
    try:
        compiled = Validator.of(schema)
    except UnusableSchema as error:
        note(f"{action.id}: the schema cannot be used ({error}); not checked")
        return None
    for line in compiled.notes[:_MOST_NOTES]:
        note(f"{action.id}: {line}")
    if len(compiled.notes) > _MOST_NOTES:
        more = len(compiled.notes) - _MOST_NOTES
        note(f"{action.id}: {more} more parts of the schema are not checked")
    return compiled


def _with_forced_auth(settings: Settings, overrides: Overrides) -> Settings:
    """Return the settings with the configured place of the key, if the user chose none."""
    if not overrides.auth or settings.origins.get("auth", "default") != "default":
        return settings
    return settings._replace(auth=overrides.auth[0])


def _is_marked_free(marks: Mapping[str, Any]) -> bool:
    if not marks:
        return False
    from callsheet.actions.families import is_free

    return is_free(marks)
