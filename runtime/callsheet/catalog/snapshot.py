"""Hold a catalogue, whose actions are read when they are used."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.jsonio import digest
from callsheet.spec import Advertised

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator


class IndexedActions(Sequence[Advertised]):
    """The actions of a stored catalogue, ordered by id; each is read when it is asked for."""

    @abstractmethod
    def ids(self) -> tuple[str, ...]:
        """Return all ids; nothing else is read."""

    @abstractmethod
    def select(self, ids: Iterable[str]) -> dict[str, Advertised]:
        """Read the actions with these ids; return those that there are."""

    @abstractmethod
    def outline(self, action_id: str) -> Advertised | None:
        """Return the action with this id without its schemas, if it is there."""

    @abstractmethod
    def outlines(self) -> Sequence[Advertised]:
        """Return all actions without their schemas."""

    @abstractmethod
    def digest_of(self, action_id: str) -> str | None:
        """Return the digest of an action's input schema; "" without one, None if not listed."""


class Entries(Mapping[str, Advertised]):
    """Entries by id, each read when it is first asked for.

    One that went away in the meantime is an entry without a schema.
    """

    def __init__(
        self, ids: Iterable[str], select: Callable[[Iterable[str]], dict[str, Advertised]]
    ) -> None:
        self._ids, self._select = dict.fromkeys(ids), select
        self._read: dict[str, Advertised] = {}

    def __getitem__(self, name: str) -> Advertised:
        if name not in self._ids:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = self._select((name,)).get(name) or Advertised(name)
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


class Catalogue(NamedTuple):
    """What a host advertised when it was last asked.

    Times are in seconds since 1970: ``fetched`` of the list, ``whole`` of all schemas,
    ``confirmed`` of single actions that were asked about since, by id. ``tags`` holds the
    validators for conditional requests, by path (``etag``, ``last-modified``); ``notes`` says what
    was not understood; ``server`` is what the host calls itself. ``requests`` counts what the fetch
    sent. ``apart`` are the ids whose schemas the list does not carry; ``read_as`` marks the version
    and overrides that read it. ``missing`` says that the list goes on beyond what was read, where
    it does. ``stated`` holds the marks of schema documents by id: in ``hints`` those of the list
    override them. One that is ``partial`` was read for single actions: of the others no schema was
    read or asked for. What comes from the cache is read when it is used.
    """

    host: str
    fetched: float
    actions: Sequence[Advertised]
    tags: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = ()
    requests: int = 0
    server: str = ""
    apart: Collection[str] = ()
    whole: float = 0.0
    read_as: str = ""
    missing: str = ""
    stated: Mapping[str, Mapping[str, Any]] = {}
    confirmed: Mapping[str, float] = {}
    partial: bool = False

    def was_asked(self, action_id: str, is_fresh: Callable[[float], bool]) -> bool:
        """Tell whether the marks of an action were asked for at a time for which ``is_fresh``.

        A list that did not change says nothing of schemas that it does not carry.
        """
        whole = self.whole if action_id in self.apart else self.fetched
        return is_fresh(whole) or is_fresh(self.confirmed.get(action_id, 0.0))

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all actions."""
        if isinstance(self.actions, IndexedActions):
            return self.actions.ids()
        return tuple(action.id for action in self.actions)

    def select(self, ids: Iterable[str]) -> dict[str, Advertised]:
        """Return those of these actions that are advertised, by id."""
        if isinstance(self.actions, IndexedActions):
            return self.actions.select(ids)
        wanted = frozenset(ids)
        return {action.id: action for action in self.actions if action.id in wanted}

    def in_memory(self, ids: Iterable[str]) -> Catalogue:
        """Return the catalogue with these actions alone, and all that it has by path or id."""
        return self._replace(
            actions=tuple(self.select(ids).values()),
            tags=dict(self.tags.items()),
            stated=dict(self.stated.items()),
        )

    def entries(self, ids: Iterable[str] | None = None) -> Entries:
        """Return the actions with these ids, or all; each is read when it is asked for."""
        return Entries(self.ids() if ids is None else ids, self.select)

    def get(self, action_id: str) -> Advertised | None:
        """Return the action with this id, if it is advertised."""
        return self.select((action_id,)).get(action_id)

    def outlines(self) -> Sequence[Advertised]:
        """Return all actions; those of the cache without their schemas."""
        return self.actions.outlines() if isinstance(self.actions, IndexedActions) else self.actions

    def marks_of(self, action_id: str) -> Mapping[str, Any] | None:
        """Return the marks of an action; None if it is not advertised. No schema is read."""
        indexed = self.actions if isinstance(self.actions, IndexedActions) else None
        action = self.get(action_id) if indexed is None else indexed.outline(action_id)
        return action.hints if action is not None else None

    def digest_of(self, action_id: str) -> str | None:
        """Return the digest of an action's input schema; "" without one, None if not listed."""
        if isinstance(self.actions, IndexedActions):
            return self.actions.digest_of(action_id)
        action = self.get(action_id)
        return None if action is None else schema_digest(action)

    def ids_beside(self, action_id: str) -> list[str]:
        """Return the ids with the same prefix as this one, up to the last dot."""
        group = action_id.rpartition(".")[0]
        return [name for name in self.ids() if name.rpartition(".")[0] == group]


def schema_digest(action: Advertised) -> str:
    """Return the digest of the input schema of an action; "" without one."""
    return "" if action.input is None else digest(action.input)
