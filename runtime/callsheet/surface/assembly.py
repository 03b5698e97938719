"""The catalogue as commands: families paired, names given, parameters made, problems told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from callsheet.naming import command_path, settle
from callsheet.params import fields, named, union
from callsheet.schema.admission import admit_noted
from callsheet.schema.pointers import SchemaRefused
from callsheet.snapshot import digest
from callsheet.spec import Action, Advertised, Family, Param, Role
from callsheet.surface.families import AND_WAIT, pair
from callsheet.surface.marks import is_free
from callsheet.surface.media import media_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.overlay import Overlay

_SUMMARY = 72
_ALONE: tuple[Role, Family] = ("", Family())
_UNTYPED = "the action takes --input alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something about one action that its owner should know; the action stays reachable."""

    code: str
    action: str
    message: str
    level: Literal["note", "warning"] = "warning"
    pointer: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Surface:
    """Every advertised action, ordered by id; ``groups`` maps a group's words to its summary."""

    actions: tuple[Action, ...]
    problems: tuple[Problem, ...]
    groups: Mapping[tuple[str, ...], str]

    @cached_property
    def by_id(self) -> Mapping[str, Action]:
        """The actions by their ids."""
        return {action.id: action for action in self.actions}

    @cached_property
    def by_command(self) -> Mapping[tuple[str, ...], Action]:
        """The actions that have a command, by its words."""
        return {action.command: action for action in self.actions if action.command}


def surface(
    advertised: Sequence[Advertised],
    overlay: Overlay,
    given: Mapping[str, tuple[str, ...]] | None = None,
) -> Surface:
    """Read a catalogue; the same for any order of its entries.

    ``given`` holds the command paths of the lock: they stay, whatever is new. Actions that the
    overlay leaves out are left out; of two entries with one id the first in canonical order
    is taken.
    """
    builder = _Builder(advertised, overlay, given or {})
    actions = tuple(builder.action(name) for name in sorted(builder.entries))
    problems = sorted(builder.problems, key=lambda one: (one.action, one.code, one.message))
    return Surface(actions, tuple(problems), _groups(actions))


class _Builder:
    """The entries of one catalogue and what was found out about them."""

    def __init__(
        self,
        advertised: Sequence[Advertised],
        overlay: Overlay,
        given: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.overlay = overlay
        self.problems: list[Problem] = []
        self.entries = self._entries(advertised)
        self.schemas = {name: self._admitted(entry) for name, entry in self.entries.items()}
        self.families = pair(self.schemas, overlay)
        self.commands = self._commands(given)

    def _entries(self, advertised: Sequence[Advertised]) -> dict[str, Advertised]:
        found: dict[str, Advertised] = {}
        for entry in sorted(advertised, key=lambda one: (one.id, digest(one.input), one.title)):
            if entry.id in found:
                self._tell("twice", entry.id, "the server lists this id more than once")
            elif self.overlay.admits(entry.id):
                found[entry.id] = entry
        return found

    def _tell(self, code: str, action: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(code=code, action=action, message=message, hint=hint))

    def _admitted(self, entry: Advertised) -> dict[str, Any] | None:
        if entry.input is None:
            self._tell("no-schema", entry.id, "the server sent no JSON Schema", _UNTYPED)
            return None
        try:
            schema, notes = admit_noted(entry.input)
        except SchemaRefused as refused:
            self.problems.append(
                Problem(
                    code="schema-refused",
                    action=entry.id,
                    message=f"its schema is not used: {refused.reason}",
                    pointer=refused.pointer,
                    hint=_UNTYPED,
                )
            )
            return None
        for note in notes:
            self._tell("left-out", entry.id, note)
        return schema

    def _commands(self, given: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        wanted: dict[str, tuple[str, ...]] = {}
        kept: dict[str, tuple[str, ...]] = {}
        for name in self.entries:
            role, family = self.families.get(name, _ALONE)
            twin = family.create if role == "wait" else family.wait if role == "create" else ""
            old = given.get(name) or (given.get(twin) if role == "create" else None)
            if role == "wait" and twin and old in {None, given.get(twin, old)}:
                continue
            if old:
                kept[name] = old
            wanted[name] = self._path(name, alone=role == "wait" and not twin)
        paths, told = settle(wanted, kept)
        for name, why in told.items():
            self._tell("renamed" if name in paths else "call-only", name, why)
        return paths

    def _path(self, name: str, *, alone: bool) -> tuple[str, ...]:
        bare = name.removesuffix(AND_WAIT)
        shorter = alone and bare not in self.entries and not bare.endswith(".")
        return command_path(bare if shorter else name, self.overlay.strip_prefixes)

    def action(self, name: str) -> Action:
        """One action, whole."""
        entry = self.entries[name]
        role, family = self.families.get(name, _ALONE)
        return Action(
            id=name,
            command=self.commands.get(name, ()),
            summary=summary_of(entry),
            doc=entry.description or entry.title,
            params=self._params(name, role, family),
            paid=not (role == "query" or self.overlay.is_free(name) or is_free(entry.marks)),
            idempotent=entry.marks.get("idempotency") is True,
            role=role,
            family=family if role else None,
            media=self._media(name, role, family),
            digest="" if entry.input is None else digest(entry.input),
            typed=self.schemas[name] is not None,
        )

    def _params(self, name: str, role: Role, family: Family) -> tuple[Param, ...]:
        found = fields(self.schemas[name] or {})
        if role == "create" and family.wait:
            found = union(found, fields(self.schemas[family.wait] or {}))
        blocking = role in {"create", "wait"}
        return named(found, action_id=name, overlay=self.overlay, family=blocking)

    def _media(self, name: str, role: Role, family: Family) -> tuple[str, ...]:
        """A family's media stand in the reply that ends the job, so every member is read."""
        members = (name, family.wait, family.query) if role else (name,)
        outputs = [self.entries[member].output for member in members if member in self.entries]
        return media_fields(outputs, self.overlay.media, name)


def summary_of(entry: Advertised) -> str:
    """The first sentence of the description, or the title, in at most 72 characters."""
    text = entry.description.strip() or entry.title.strip()
    line = " ".join(text.splitlines()[0].split()) if text else ""
    for end in (". ", "。"):
        line = line.partition(end)[0]
    line = line.removesuffix(".")
    if len(line) <= _SUMMARY:
        return line
    return line[: _SUMMARY - 1].rpartition(" ")[0].rstrip(" ,;:") + "…"


def _groups(actions: Sequence[Action]) -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for action in actions:
        segments = action.id.split(".")
        for end in range(1, len(action.command)):
            left = len(segments) - len(action.command) + end
            prefix = ".".join(segments[: max(left, 1)])
            found.setdefault(action.command[:end], f"Actions under {prefix}")
    return dict(sorted(found.items()))
