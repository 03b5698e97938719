"""Turn catalogue entries into named actions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from callsheet.actions.families import (
    create_id_of,
    find_families,
    is_free,
    media_fields,
    with_meanings,
)
from callsheet.actions.naming import assign_commands, command_path
from callsheet.actions.params import merge_params, read_params, with_flags
from callsheet.jsonio import digest
from callsheet.schema.admission import AdmissionCache
from callsheet.schema.limits import to_sound_text
from callsheet.schema.references import SchemaRefused
from callsheet.spec import Action, Advertised, Family, Param, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callsheet.config.overlay import Overlay


_SUMMARY = 72
_NO_FAMILY: tuple[Role, Family] = ("", Family())
_UNTYPED = "the action takes --input alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem with one action, for the owner of the package; the action stays reachable."""

    code: str
    action: str
    message: str
    level: Literal["note", "warning"] = "warning"
    pointer: str = ""
    hint: str = ""


@dataclass(frozen=True)
class ActionSet:
    """Every advertised action, ordered by id; ``groups`` maps a group's words to its summary."""

    actions: tuple[Action, ...]
    problems: tuple[Problem, ...]
    groups: Mapping[tuple[str, ...], str]

    @cached_property
    def by_id(self) -> Mapping[str, Action]:
        """Return id → action."""
        return {action.id: action for action in self.actions}

    @cached_property
    def by_command(self) -> Mapping[tuple[str, ...], Action]:
        """Return the words of a command → its action."""
        return {action.command: action for action in self.actions if action.command}


def resolve_actions(
    advertised: Sequence[Advertised],
    overlay: Overlay,
    commands: Mapping[str, tuple[str, ...]] | None = None,
    flags: Mapping[str, Mapping[tuple[str, ...], str]] | None = None,
) -> ActionSet:
    """Turn catalogue entries into named actions; the same for any order of the entries.

    ``commands`` holds the command paths of the lock, ``flags`` its flags by action and wire path:
    these stay. Actions that the overlay excludes are left out; of two entries with one id the
    first in canonical order is taken.
    """
    resolver = ActionResolver(advertised, overlay, commands or {}, flags or {})
    actions = tuple(resolver.action(name) for name in sorted(resolver.entries))
    problems = sorted(
        resolver.problems, key=lambda problem: (problem.action, problem.code, problem.message)
    )
    return ActionSet(actions, tuple(problems), _groups(actions))


class LazySchemas(Mapping[str, "dict[str, Any] | None"]):
    """Admitted input schemas by action id, each read, and its problems reported, when first used.

    ``None`` for a schema that is missing or refused.
    """

    def __init__(
        self, entries: Mapping[str, Advertised], admit: AdmissionCache, report: Callable[..., None]
    ) -> None:
        self._entries, self._admit, self._report = entries, admit, report
        self._admitted: dict[str, dict[str, Any] | None] = {}

    def __getitem__(self, name: str) -> dict[str, Any] | None:
        if name not in self._admitted:
            self._admitted[name] = self._admit_input(self._entries[name])
        return self._admitted[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _admit_input(self, entry: Advertised) -> dict[str, Any] | None:
        """Return the admitted input schema, ``None`` without one; report what is not used."""
        if entry.input is None:
            self._report("no-schema", entry.id, "the server sent no JSON Schema", _UNTYPED)
            return None
        try:
            schema, notes = self._admit.with_notes(entry.input)
        except SchemaRefused as refused:
            why = f"its schema is not used: {refused.reason}"
            self._report("schema-refused", entry.id, why, _UNTYPED, refused.pointer)
            return None
        for note in notes:
            self._report("left-out", entry.id, note)
        return schema


class ActionResolver:
    """The entries of one catalogue, their names and families, and each action on demand.

    A schema is read when its action is used, or when it may belong to a family. ``problems``
    grows as schemas are read. ``families``, by id, are those that were worked out before:
    ``commands`` are then the final ones, and no other schema is read.
    """

    def __init__(
        self,
        advertised: Sequence[Advertised] | Mapping[str, Advertised],
        overlay: Overlay,
        commands: Mapping[str, tuple[str, ...]],
        flags: Mapping[str, Mapping[tuple[str, ...], str]],
        families: Mapping[str, tuple[Role, Family]] | None = None,
    ) -> None:
        self.overlay = overlay
        self.problems: list[Problem] = []
        self.flags = flags
        self.entries: Mapping[str, Advertised] = (
            _Described(advertised, overlay)
            if isinstance(advertised, Mapping)
            else self._entries(advertised)
        )
        self.admit = AdmissionCache()
        self.schemas = LazySchemas(self.entries, self.admit, self._report)
        self.families = self._families() if families is None else families
        self.commands = self._commands(commands) if families is None else commands

    def _entries(self, advertised: Sequence[Advertised]) -> dict[str, Advertised]:
        """Return id → entry of the included actions, with configured descriptions.

        Reports an id that is listed twice.
        """
        entries: dict[str, Advertised] = {}
        counts = Counter(entry.id for entry in advertised)
        for entry in sorted(
            advertised, key=lambda other: _rank(other, alone=counts[other.id] == 1)
        ):
            if entry.id in entries:
                self._report("twice", entry.id, "the server lists this id more than once")
            elif self.overlay.admits(entry.id):
                entries[entry.id] = _describe(entry, self.overlay)
        return entries

    def _families(self) -> dict[str, tuple[Role, Family]]:
        """Return action id → (role, family), with the waits and meanings of states filled in."""
        families = find_families(self.schemas, self.overlay, self.entries)
        for name, (role, bare) in families.items():
            family = with_meanings(bare, self.entries)
            families[name] = (role, family)
            wait_ms = self.overlay.wait_ms(family.create or family.wait)
            if wait_ms is not None:
                families[name] = (role, family._replace(timeout_ms=wait_ms))
        return families

    def _report(
        self, code: str, action: str, message: str, hint: str = "", pointer: str = ""
    ) -> None:
        problem = Problem(code=code, action=action, message=message, hint=hint, pointer=pointer)
        self.problems.append(problem)

    def _commands(self, locked: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Return action id → command path; report each that has another than its own, or none."""
        wanted: dict[str, tuple[str, ...]] = {}
        fixed: dict[str, tuple[str, ...]] = {}
        for name in self.entries:
            if self.overlay.is_without_command(name):
                continue
            role, family = self.families.get(name, _NO_FAMILY)
            twin = family.create if role == "wait" else family.wait if role == "create" else ""
            old = locked.get(name) or (locked.get(twin) if role == "create" else None)
            if role == "wait" and twin and old in {None, locked.get(twin, old)}:
                continue
            configured = self.overlay.command(name)
            if configured or old:
                fixed[name] = configured or old or ()
            wanted[name] = configured or self._default_path(name, alone=role == "wait" and not twin)
        paths, reasons = assign_commands(wanted, fixed)
        for name, reason in reasons.items():
            self._report("renamed" if name in paths else "call-only", name, reason)
        return paths

    def _default_path(self, name: str, *, alone: bool) -> tuple[str, ...]:
        """Return the command path by the id, for ``alone`` without its ``and_wait``."""
        bare = create_id_of(name)
        shorter = alone and bare and bare not in self.entries and not bare.endswith(".")
        return command_path(bare if shorter else name, self.overlay.strip_prefixes)

    def listing_of(self, name: str) -> Action:
        """Return one action with command, summary, doc, role, family and cost; no schema is read.

        Raises ``KeyError`` for an id that is not in ``entries``.
        """
        return self.outline(self.entries[name])

    def outline(self, entry: Advertised) -> Action:
        """Return what ``listing_of`` does, of an entry that may be without its schemas."""
        entry = _describe(entry, self.overlay)
        role, family = self.families.get(entry.id, _NO_FAMILY)
        is_query = role == "query" and not family.guessed
        return Action(
            id=entry.id,
            command=self.commands.get(entry.id, ()),
            summary=summary_of(entry),
            doc=to_sound_text(entry.description or entry.title),
            paid=not (is_query or self.overlay.is_free(entry.id) or is_free(entry.hints)),
            role=role,
            family=family if role else None,
        )

    def action(self, name: str) -> Action:
        """Return one action with all but ``module`` and ``result``; reads its schemas.

        Raises ``KeyError`` for an id that is not in ``entries``.
        """
        entry = self.entries[name]
        role, family = self.families.get(name, _NO_FAMILY)
        return self.listing_of(name)._replace(
            params=self._params(name, role, family),
            idempotent=entry.hints.get("idempotency") is True,
            media=self._media(name, role, family),
            digest="" if entry.input is None else digest(entry.input),
            typed=self.schemas[name] is not None,
        )

    def _params(self, name: str, role: Role, family: Family) -> tuple[Param, ...]:
        """Return the parameters of an action with flags, merged with those of its blocking twin."""
        params = read_params(self.schemas[name] or {})
        if role == "create" and family.wait:
            params = merge_params(params, read_params(self.schemas[family.wait] or {}))
        blocking = role in {"create", "wait"}
        flags = self.flags.get(name)
        return with_flags(
            params, action_id=name, overlay=self.overlay, family=blocking, locked=flags
        )

    def _media(self, name: str, role: Role, family: Family) -> tuple[str, ...]:
        """Return the media fields of the action's output, and of those that wait and ask for it."""
        members = (name, family.wait, family.query) if role else (name,)
        outputs = [self.entries[member].output for member in members if member in self.entries]
        return media_fields(outputs, self.overlay.media, name, self.admit)


class _Described(Mapping[str, Advertised]):
    """Entries that are read when they are used, of the included actions, as ``_describe`` does."""

    def __init__(self, entries: Mapping[str, Advertised], overlay: Overlay) -> None:
        self._entries, self._overlay = entries, overlay
        self._included = dict.fromkeys(filter(overlay.admits, entries))

    def __getitem__(self, name: str) -> Advertised:
        if name not in self._included:
            raise KeyError(name)
        return _describe(self._entries[name], self._overlay)

    def __contains__(self, name: object) -> bool:
        return name in self._included

    def __iter__(self) -> Iterator[str]:
        return iter(self._included)

    def __len__(self) -> int:
        return len(self._included)


def _describe(entry: Advertised, overlay: Overlay) -> Advertised:
    """Return an entry with its configured description, if it has one."""
    description = overlay.description(entry.id)
    return entry._replace(description=description) if description else entry


def are_typed(entries: Mapping[str, Advertised]) -> dict[str, bool]:
    """Tell of each action whether its input schema can be used."""
    schemas = LazySchemas(entries, AdmissionCache(), lambda *_: None)
    return {name: schemas[name] is not None for name in entries}


def _rank(entry: Advertised, *, alone: bool) -> tuple[str, str, str]:
    """Return a sort key by id, and by content where an id is listed more than once."""
    return (entry.id, "", "") if alone else (entry.id, digest(entry.input), entry.title)


def summary_of(entry: Advertised) -> str:
    """Return the first sentence of the description, or the title, in at most 72 characters."""
    text = entry.description.strip() or entry.title.strip()
    line = " ".join(text.splitlines()[0].split()) if text else ""
    for end in (". ", "。"):
        line = line.partition(end)[0]
    line = line.removesuffix(".")
    if len(line) <= _SUMMARY:
        return line
    return line[: _SUMMARY - 1].rpartition(" ")[0].rstrip(" ,;:") + "…"


def _groups(actions: Sequence[Action]) -> dict[tuple[str, ...], str]:
    """Return the words of each group → its summary, sorted."""
    groups: dict[tuple[str, ...], str] = {}
    for action in actions:
        segments = action.id.split(".")
        for end in range(1, len(action.command)):
            depth = len(segments) - len(action.command) + end
            prefix = ".".join(segments[: max(depth, 1)])
            groups.setdefault(action.command[:end], f"Actions under {prefix}")
    return dict(sorted(groups.items()))
