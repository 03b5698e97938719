"""Look up a host's actions and validate bodies against their schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.backoff import is_fresh
from callsheet.catalog.cached import CachedActions
from callsheet.errors import CallsheetError, InvalidInput, ServerError
from callsheet.schema.validator import UnusableSchema, Validator, is_plainly_valid
from callsheet.spec import Action, Advertised
from callsheet.text import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callsheet.catalog.snapshot import Catalogue
    from callsheet.catalog.store import CatalogueCache
    from callsheet.config.bindings import Bindings
    from callsheet.config.settings import Settings
    from callsheet.flows.effects import Flow
    from callsheet.flows.retry import Timing


_MOST_NOTES = 10
_SILENT_SECONDS = 60.0  # seconds for which a host is not asked again that gave no list


class Host(CachedActions):
    """The actions of one host, from bindings, cache and server, and the schemas of their bodies.

    ``notes`` collects lines for the user, such as what is not checked; the log has them too.
    """

    def __init__(
        self,
        settings: Settings,
        program: Bindings,
        timing: Timing,
        *,
        overrides: Mapping[str, str] | None = None,
        cache: CatalogueCache | None = None,
    ) -> None:
        super().__init__(settings, program, overrides=overrides, cache=cache)
        self.timing = timing
        self.notes: list[str] = []
        self._recent = _RecentEntries(self)
        self._unlisted = False
        self._schemas: dict[str, Any] = {}
        self._validators: dict[str, Any] = {}

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
            if self.cached() is None:  # somebody removed it meanwhile
                return (yield from self.refresh(anew=True))
        else:
            self.cache.store(fetched)
        self._forget()
        return fetched

    def refresh_action(self, action_id: str) -> Flow[bool]:
        """Ask for an action's entry and schema, and store them; return False if it is not listed.

        Two requests (more for a list in pages), or all where nothing is cached. Raises
        ``CallsheetError`` where the host cannot be asked.
        """
        if self.cached() is None:
            return (yield from self.refresh()).marks_of(action_id) is not None
        yield from self._recent.ask(action_id)
        return self.cached_marks(action_id) is not None

    def _forget(self) -> None:
        """Drop what was made of an older catalogue: schemas and validators."""
        self._unlisted = False
        self._schemas.clear()
        self._validators.clear()

    def find(self, action_id: str) -> Flow[Action]:
        """Return the action with this id; fetch the catalogue where the cached one lacks it.

        An id that is not advertised is a paid action: a catalogue may hide what the server can do.
        """
        is_bound = self.bindings.source and self.bindings.source == self.settings.origin
        bound = self.bindings.action(action_id) if is_bound else None
        if bound is not None:
            return bound
        yield from self._catalogue_with(action_id)
        return self.cached_action(action_id) or Action(id=action_id, typed=False)

    def _catalogue_with(self, action_id: str) -> Flow[Catalogue]:
        """Return the cached catalogue where it lists this id, else fetch one."""
        cached = self.cached()
        is_listed = cached is not None and cached.marks_of(action_id) is not None
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
        marks = self.cached_marks(action.id) or {}
        is_query = action.role == "query" and not (action.family and action.family.guessed)
        is_free = is_configured = self.overlay.is_free(action.id)
        if is_configured or is_query or is_bound or _is_marked_free(marks):
            recent = yield from self._recent.find(action.id)
            if recent is not None or not is_configured:
                marks = recent or {}
            is_denied = marks.get("billable") is True
            is_asking = is_query and recent is not None and self._still_asks(action.id)
            is_claimed = is_configured or is_asking
            is_free = (is_claimed and not is_denied) or _is_marked_free(marks)
        if is_bound:
            return action._replace(paid=not is_free)
        role, family = self.membership(action.id) or ("", None) if action.role else ("", None)
        family = family if role == action.role else None
        return action._replace(
            paid=not is_free,
            idempotent=marks.get("idempotency") is True,
            family=family or action.family,
        )

    def _still_asks(self, action_id: str) -> bool:
        """Tell whether the cached catalogue has an action as a query; true where it lacks it."""
        membership = self.membership(action_id)
        return membership is None or membership[0] == "query"

    def recent_marks(self, action_id: str) -> Flow[Mapping[str, Any]]:
        """Return this host's marks of an action, at most an hour old; empty where it is silent."""
        return (yield from self._recent.find(action_id)) or {}


class _RecentEntries:
    """A host's marks of single actions, none older than an hour.

    Where no catalogue is stored the list is read, and stored without the schemas of the others. A
    host that could not be asked is not asked again for a minute.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._silent_since: float | None = None

    def find(self, action_id: str) -> Flow[Mapping[str, Any] | None]:
        """Return the marks of an action; None where the host lacks it or cannot be asked.

        An older list is asked about first, once, and so is the schema of the action.
        """
        timing, host = self._host.timing, self._host.settings.host
        now, clock = timing.wall(), timing.clock()
        stored = self._host.cache.load(host)
        if not stored or not stored.was_asked(action_id, lambda at: is_fresh(at, now)):
            if self._silent_since is not None and clock - self._silent_since < _SILENT_SECONDS:
                return None
            try:
                yield from self.ask(action_id, is_list_enough=True)
            except CallsheetError:
                self._silent_since = clock
                return None
            stored = self._host.cache.load(host)
        return stored.marks_of(action_id) if stored is not None else None

    def ask(self, action_id: str, *, is_list_enough: bool = False) -> Flow[None]:
        """Ask the host about one action, and store what it answers; raises as ``fetch_entry`` does.

        With ``is_list_enough`` a list that was read within the hour is not asked about again.
        """
        from callsheet.catalog.fetch import fetch_entry

        host = self._host
        address, stored = host.settings.require_host(), host.cache.load(host.settings.host)
        update = yield from fetch_entry(
            address, host.overrides, host.timing, stored, action_id, is_list_enough=is_list_enough
        )
        host.cache.update(address, update)


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


def _is_marked_free(marks: Mapping[str, Any]) -> bool:
    if not marks:
        return False
    from callsheet.actions.families import is_free

    return is_free(marks)
