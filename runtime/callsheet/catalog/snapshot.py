"""Hold a catalogue, its snapshot and the lock file."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import UsageError
from callsheet.jsonio import as_dict, digest, parse_pointer, to_pointer
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


_FORMAT = 1
_BLOCK = re.compile(r'^  ("(?:[^"\\\n]|\\.)*"): \{\n(?:   .*\n)*  \}', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole catalogue of one source, unchanged, ordered by id.

    ``source`` is ``sandbox`` or an origin such as ``https://example.com``.
    """

    source: str
    actions: tuple[Advertised, ...]

    def __post_init__(self) -> None:
        """Sort the actions by id, so that equal catalogues are equal snapshots."""
        ordered = tuple(sorted(self.actions, key=lambda action: action.id))
        object.__setattr__(self, "actions", ordered)


@dataclass(frozen=True, slots=True)
class Lock:
    """A snapshot, the names given to its actions, and the options that shaped the output.

    By action id: ``commands`` holds command paths, ``methods`` names in the library,
    ``modules`` those of an action's files, ``flags`` those of its fields, by wire path.
    ``groups`` maps the words of a group to its ``module``, ``class`` and ``attribute``.
    """

    snapshot: Snapshot
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, Mapping[tuple[str, ...], str]] = field(default_factory=dict)
    groups: Mapping[tuple[str, ...], Mapping[str, str]] = field(default_factory=dict)


def dump_lock(lock: Lock, blocks_by_id: Mapping[str, str] | None = None) -> str:
    """Return the text of a lock: one block an action, ordered by id, one key a line.

    ``blocks_by_id`` holds the blocks, as :func:`blocks_of` gives them, that did not change.
    """
    unchanged = blocks_by_id or {}
    footer = {
        "format": _FORMAT,
        "source": lock.snapshot.source,
        "options": dict(lock.options),
        "groups": {" ".join(words): dict(names) for words, names in lock.groups.items()},
    }
    blocks = [
        unchanged.get(action.id) or _block_text(action.id, _block(action, lock))
        for action in lock.snapshot.actions
    ]
    inside = ",\n".join(blocks)
    head = f' "actions": {{\n{inside}\n }},\n' if blocks else ' "actions": {},\n'
    return "{\n" + head + _dump(footer)[2:] + "\n"


def _dump(document: object) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True, default=as_dict)


def _block_text(name: str, block: object) -> str:
    """Return ``"name": {…}`` of one block as the file has it, indented by two."""
    lines = _dump(block).splitlines()
    return "\n".join([f"  {json.dumps(name)}: {lines[0]}", *(f"  {line}" for line in lines[1:])])


def blocks_of(text: str) -> dict[str, str]:
    """Return action id → its block in the text of a lock, as it stands there."""
    blocks = {}
    for block in _BLOCK.finditer(text):
        with suppress(ValueError):
            blocks[str(json.loads(block[1]))] = block[0]
    return blocks


def _block(action: Advertised, lock: Lock) -> dict[str, object]:
    """Return the JSON object of one action, without keys whose entry is empty."""
    block: dict[str, object] = {"input": action.input, "digests": _digests(action)}
    flags = {to_pointer(path): flag for path, flag in lock.flags.get(action.id, {}).items()}
    command = lock.commands.get(action.id)
    optional = {
        "command": " ".join(command) if command else "",
        "method": lock.methods.get(action.id, ""),
        "module": lock.modules.get(action.id, ""),
        "flags": flags,
        "title": action.title,
        "description": action.description,
        "output": action.output,
        # A price is no part of what was generated: where it changes, nothing has to be made anew.
        "marks": {name: mark for name, mark in action.hints.items() if name != "price"},
    }
    return block | {key: entry for key, entry in optional.items() if entry not in ("", None, {})}


def _digests(action: Advertised) -> dict[str, str]:
    """Return the digests that show a change: of both schemas, and of the server's texts."""
    return {
        "schema": digest({"input": action.input, "output": action.output}),
        "text": digest([action.title, action.description]),
    }


def load_lock(text: str) -> Lock:
    """Read what :func:`dump_lock` wrote; raises ``UsageError`` for anything else."""
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT:
            raise UsageError(
                f"the lock has format {document['format']}, this callsheet reads {_FORMAT}",
                hint="use the version of callsheet that wrote it, or delete it and generate anew",
            )
        blocks: dict[str, dict[str, Any]] = document["actions"]
        actions = tuple(_parse_action(name, block) for name, block in blocks.items())
        return Lock(
            Snapshot(str(document["source"]), actions),
            commands={
                name: _command_path(entry) for name, entry in _column(blocks, "command").items()
            },
            options=dict(document["options"]),
            methods={name: str(entry) for name, entry in _column(blocks, "method").items()},
            modules={name: str(entry) for name, entry in _column(blocks, "module").items()},
            flags={name: _parse_flags(entry) for name, entry in _column(blocks, "flags").items()},
            groups={
                tuple(words.split()): {key: str(name) for key, name in names.items()}
                for words, names in document.get("groups", {}).items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
        raise UsageError(
            f"the lock cannot be read: {type(wrong).__name__} ({str(wrong)[:80]})",
            hint="restore it from version control, or delete it and generate anew",
        ) from None


def _column(blocks: Mapping[str, dict[str, Any]], key: str) -> dict[str, Any]:
    """Return action id → the entry under ``key``, where its block has one."""
    return {name: block[key] for name, block in blocks.items() if key in block}


def _command_path(command: str | list[str]) -> tuple[str, ...]:
    """Read a command path, which is a list in locks of the first versions."""
    return tuple(command.split() if isinstance(command, str) else map(str, command))


def _parse_flags(flags: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    return {tuple(parse_pointer(pointer)): str(flag) for pointer, flag in flags.items()}


def _parse_action(name: str, block: dict[str, Any]) -> Advertised:
    schema, output = block["input"], block.get("output")
    if not isinstance(schema, dict | bool | None) or not isinstance(output, dict | bool | None):
        raise TypeError(f"{name}: a schema is an object, true, false or null")
    return Advertised(
        id=name,
        title=str(block.get("title", "")),
        description=str(block.get("description", "")),
        input=schema,
        output=output,
        hints=dict(block.get("marks", {})),
    )
