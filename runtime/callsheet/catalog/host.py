"""Look up a host's actions and validate bodies against their schemas."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from callsheet.backoff import is_fresh
from callsheet.catalog.store import CatalogueCache, Index
from callsheet.config.settings import is_loopback
from callsheet.errors import CallsheetError, InvalidInput, ServerError
from callsheet.protocol.overrides import Overrides
from callsheet.schema import validator
from callsheet.spec import Action, Advertised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.config.bindings import Bindings
    from callsheet.config.overlay import Overlay
    from callsheet.config.settings import Settings
    from callsheet.flows.effects import Flow
    from callsheet.flows.retry import Timing


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
        from callsheet.catalog.fetch import fetch

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
        from callsheet.catalog.fetch import glance

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


SANDBOX = "callsheet-sandbox"


class Host(HostCatalogue):
    """The actions of one host. ``notes`` collects what a user should be told once."""

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
        said = Overrides.parse({**bindings.protocol(), **(overrides or {})})
        super().__init__(_as_said(settings, said), said, timing, cache)
        self.bindings = bindings
        self.notes: list[str] = []
        self._surface: ActionSet | None = None
        self._unlisted = False
        self._schemas: dict[str, Any] = {}
        self._judges: dict[str, Any] = {}

    @cached_property
    def overlay(self) -> Overlay:
        """The configuration of the bindings, with what was forced to be free."""
        overlay = self.bindings.overlay()
        return overlay._replace(free=(*overlay.free, *self.overrides.free))

    def _found(self, catalogue: Catalogue, *, same: bool = False) -> None:
        """Take over what the host just said; what was made of its last word is made anew."""
        super()._found(catalogue, same=same)
        self._surface, self._unlisted = None, False
        self._schemas.clear()
        self._judges.clear()

    def has_changed(self, action: Action) -> bool:
        """Whether the host, when it was last asked, had another schema for a generated action."""
        index = self.index() if action.module and action.digest else None
        found = index.digest_of(action.id) if index is not None else None
        return bool(found) and found != action.digest

    def is_sandbox(self) -> bool:
        """Whether the host is this machine and calls itself our sandbox, where nothing costs."""
        index = self.index()
        named = index is not None and index.server == SANDBOX
        return named and is_loopback(self.settings.host)

    def live(self, bound: Action) -> Action | None:
        """A generated action as the cached catalogue has it, under the names that it was given."""
        catalogue = self.cached()
        if catalogue is None or catalogue.get(bound.id) is None:
            return None
        from callsheet.actions.resolve import ActionResolver

        given = {bound.id: bound.command}
        flags = {bound.id: {param.path: param.flag for param in bound.params if param.flag}}
        found = ActionResolver(catalogue.actions, self.overlay, given, flags)
        return found.action(bound.id) if bound.id in found.entries else None

    def surface(self, catalogue: Catalogue) -> ActionSet:
        """The named actions of a catalogue, by the same rules as generated ones."""
        if self._surface is None or catalogue is not self._catalogue:
            from callsheet.actions.resolve import surface

            self._surface = surface(catalogue.actions, self.overlay, self.bindings.names())
        return self._surface

    def find(self, action_id: str) -> Flow[Action]:
        """The action with this id; an id that nobody advertises is a paid action of its own.

        The server then says whether it exists: a catalogue may hide what it can do.
        """
        bound = self._bound(action_id)
        if bound is not None:
            return bound
        catalogue = yield from self._holding(action_id)
        found = self._among(catalogue, action_id)
        return found or Action(id=action_id, typed=False)

    def _bound(self, action_id: str) -> Action | None:
        """The generated action of this id, where the bindings were made from this very host."""
        source = self.bindings.source
        if not source or source != self.settings.origin:
            return None
        return self.bindings.action(action_id)

    def _among(self, catalogue: Catalogue, action_id: str) -> Action | None:
        """One action of a catalogue; read with its own group alone, where that says it all.

        A family stands in one group unless the configuration names it.
        """
        if self._surface is not None or self.overlay.families:
            return self.surface(catalogue).by_id.get(action_id)
        from callsheet.actions.resolve import surface

        group = action_id.rpartition(".")[0]
        near = [one for one in catalogue.actions if one.id.rpartition(".")[0] == group]
        return surface(near, self.overlay).by_id.get(action_id)

    def _holding(self, action_id: str) -> Flow[Catalogue]:
        """The stored catalogue where it knows this id, else one that is fetched now."""
        stored = self.cached()
        known = stored is not None and stored.get(action_id) is not None
        return stored if stored and known else (yield from self.refresh())

    def judge(self, action: Action, value: Any) -> Flow[bool]:
        """Hold a body against the schema of the host it goes to; raises ``InvalidInput``.

        False where no schema could judge it.
        """
        if not isinstance(value, dict):
            raise InvalidInput("the body of an action is a JSON object")
        if action.id not in self._schemas:
            schema = self._schemas[action.id] = yield from self.schema(action)
            if validator.allows(schema, value):  # a validator pays from the second body on
                return True
        if action.id not in self._judges:
            self._judges[action.id] = self._compile(action, self._schemas[action.id])
        judge = self._judges[action.id]
        faults = judge.faults(value) if judge is not None else ()
        if faults:
            fault = faults[0]
            pointer = "".join("/" + _escape(step) for step in fault.pointer)
            raise InvalidInput(f"{pointer or 'the body'}: {fault.message}", pointer=pointer)
        return judge is not None

    def on_terms_of_host(self, action: Action) -> Flow[Action]:
        """Return the action with this host's word on cost, repetition and family.

        A mark that makes an action free lets it be sent again: it counts only where this host
        itself gave it within the last hour, and the host is asked again where it is older.
        Bindings may come from another server, and how a job is asked for may have changed.
        """
        bound = self._bound_here(action)
        if bound and action.paid:
            return action
        catalogue = self.cached()
        listed = catalogue.get(action.id) if catalogue is not None else None
        marks = listed.marks if listed is not None else {}
        free = (action.role == "query" or self.overlay.is_free(action.id)) and (
            marks.get("billable") is not True
        )
        if bound and free:
            return action
        if not free and (bound or _is_marked_free(marks)):
            marks = yield from self.fresh_marks(action.id)
            free = _is_marked_free(marks)
        if bound:
            return action._replace(paid=not free)
        here = self.surface(catalogue).by_id.get(action.id) if catalogue and action.role else None
        family = here.family if here is not None and here.role == action.role else None
        return action._replace(
            paid=not free,
            idempotent=marks.get("idempotency") is True,
            family=family or action.family,
        )

    def fresh_marks(self, action_id: str) -> Flow[Mapping[str, Any]]:
        """Return this host's marks of an action, not older than an hour; none where it is silent.

        An older list is asked about first, once.
        """
        catalogue = self.cached()
        if catalogue is None or not is_fresh(catalogue.fetched, self.timing.wall()):
            try:
                yield from self.renew(action_id)
            except CallsheetError:
                return {}
            catalogue = self.cached()
        listed = catalogue.get(action_id) if catalogue is not None else None
        return listed.marks if listed is not None else {}

    def _bound_here(self, action: Action) -> bool:
        source = self.bindings.source
        return bool(source and source == self.settings.origin and action.module)

    def _advertised(self, action_id: str) -> Flow[Advertised | None]:
        """What the host says of an action; what is generated works without a readable list too."""
        if self._unlisted:
            return None
        try:
            return (yield from self._holding(action_id)).get(action_id)
        except ServerError as error:
            self._unlisted = True
            self.notes.append(error.message)
            return None

    def schema(self, action: Action) -> Flow[Any]:
        """The advertised input schema as it came; ``None`` where there is none to be had."""
        here = self._bound_here(action) and not self.has_changed(action)
        stored = self.bindings.schema(action.module) if here else None
        if stored is not None:
            return stored.get("input")
        if not action.typed:
            return None
        found = yield from self._advertised(action.id)
        return found.input if found is not None else None

    def _compile(self, action: Action, schema: Any) -> Any:
        if schema is None:
            self.notes.append(f"{action.id}: no schema is known; the body goes out unchecked")
            return None
        from callsheet.schema import validator as judge

        try:
            compiled = judge.compile(schema)
        except judge.UnusableSchema as error:
            self.notes.append(f"{action.id}: the schema cannot be used ({error}); not checked")
            return None
        self.notes += [f"{action.id}: {note}" for note in compiled.notes]
        return compiled


def _as_said(settings: Settings, overrides: Overrides) -> Settings:
    """The settings with the way of the key that the configuration forces, if no one chose one."""
    if not overrides.auth or settings.origins.get("auth", "default") != "default":
        return settings
    return settings._replace(auth=overrides.auth[0])


def _is_marked_free(marks: Mapping[str, Any]) -> bool:
    if not marks:
        return False
    from callsheet.actions.families import is_free

    return is_free(marks)


def _escape(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
