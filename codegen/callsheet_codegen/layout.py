"""Decide where each action stands, with every name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from callsheet.actions.naming import command_path
from callsheet_codegen import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from callsheet.actions.resolve import ActionResolver
    from callsheet.catalog.snapshot import Lock
    from callsheet.config.overlay import Overlay
    from callsheet.spec import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The actions as lists show them, and where each of them stands."""

    faces: Mapping[str, Action]
    places: Mapping[Path, GroupLocation]
    homes: Mapping[str, ConstantLocation]
    stems: Mapping[str, str]
    classes: Mapping[str, str]

    def words(self) -> dict[str, list[str]]:
        """First word of the commands → the actions in its module, in order."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.homes, key=lambda name: (self.homes[name][0], self.homes[name][2])):
            found.setdefault(self.homes[name].word, []).append(name)
        return found

    def groups(self) -> dict[Path, dict[str, str]]:
        """The names of each group, for the lock."""
        return {
            path: {"module": one.module, "class": one.cls, "attribute": one.attribute}
            for path, one in self.places.items()
        }

    def methods(self) -> dict[str, str]:
        """The name of each method, for the lock."""
        return {name: word for one in self.places.values() for name, word in one.methods.items()}


def outline(whole: ActionResolver, overlay: Overlay, given: AssignedNames) -> Outline:
    """Name everything; what was given before stays."""
    faces = {name: whole.listing_of(name) for name in sorted(whole.entries)}
    paths = library_paths(faces.values(), overlay)
    stems = module_stems(paths, given)
    return Outline(
        faces=faces,
        places=places(paths, given, overlay.methods),
        homes=homes(paths),
        stems=stems,
        classes=classes(stems),
    )


def given_by(lock: Lock | None, overlay: Overlay) -> AssignedNames:
    """The names of a lock that stay: all of which the configuration says what it said then."""
    if lock is None:
        return AssignedNames()
    before = _overlay_of(lock, overlay)
    ids = {action.id for action in lock.snapshot.actions}
    kept = {name for name in ids if before.command(name) == overlay.command(name)}
    named = {name for name in ids if before.methods.get(name) == overlay.methods.get(name)}
    return AssignedNames(
        commands={name: path for name, path in lock.commands.items() if name in kept},
        methods={name: word for name, word in lock.methods.items() if name in kept & named},
        modules={name: stem for name, stem in lock.modules.items() if name in kept},
        flags={
            name: _flags(flags, before.of(name), overlay.of(name))
            for name, flags in lock.flags.items()
        },
        groups=lock.groups,
    )


def _overlay_of(lock: Lock, overlay: Overlay) -> Overlay:
    """The configuration that the lock was made with; one that cannot be read counts as today's."""
    from callsheet.errors import UsageError
    from callsheet_codegen.config import parse_overlay

    said = lock.options.get("overlay")
    try:
        return parse_overlay(said) if isinstance(said, dict) else overlay
    except UsageError:
        return overlay


def _flags(
    flags: Mapping[tuple[str, ...], str], before: Overlay, now: Overlay
) -> dict[tuple[str, ...], str]:
    """The flags that stay: those that no alias, of this time or of the last, has to do with."""

    def free(path: tuple[str, ...]) -> bool:
        wires = (".".join(path[:end]) for end in range(1, len(path) + 1))
        return all(before.alias(wire) == now.alias(wire) for wire in wires)

    if before.aliases == now.aliases:
        return dict(flags)
    return {path: flag for path, flag in flags.items() if free(path)}


Path = tuple[str, ...]
_CLASS_END = "Actions"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLocation:
    """The place of one group: names for its module, class and property, and what is in it."""

    path: Path
    module: str
    cls: str
    attribute: str
    methods: Mapping[str, str]
    children: tuple[Path, ...]


class ConstantLocation(NamedTuple):
    """Where the ``Action`` literal of an action stands: one module a first word."""

    word: str
    module: str
    constant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedNames:
    """The names that stay, as the lock holds them; see ``snapshot.Lock``."""

    commands: Mapping[str, Path] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, Mapping[tuple[str, ...], str]] = field(default_factory=dict)
    groups: Mapping[Path, Mapping[str, str]] = field(default_factory=dict)


_NONE = AssignedNames()


def library_paths(actions: Iterable[Action], overlay: Overlay) -> dict[str, Path]:
    """Action id → the words under which the library offers it: groups first, the method last.

    That is its command. An action without one stands where the configuration or its id says.
    """
    strip = overlay.strip_prefixes
    return {
        one.id: one.command or overlay.command(one.id) or command_path(one.id, strip)
        for one in actions
    }


def places(
    paths: Mapping[str, Path], given: AssignedNames = _NONE, said: Mapping[str, str] | None = None
) -> dict[Path, GroupLocation]:
    """Every group, parents before children; actions without a group stand in the group ``()``.

    ``said`` holds the names of methods that the configuration gives.
    """
    groups = {path[:end] for path in paths.values() for end in range(len(path))}
    groups -= {()} if not any(len(path) == 1 for path in paths.values()) else set()
    ordered = sorted(groups)
    key = {path: ".".join(path) for path in ordered}
    kept = {
        part: {key[p]: given.groups[p][part] for p in ordered if part in given.groups.get(p, ())}
        for part in ("module", "class", "attribute")
    }
    modules = names.assign(
        ((key[p], names.snake("_".join(p) or "root")) for p in ordered), given=kept["module"]
    )
    wishes = ((key[p], names.pascal("_".join(p) or "root")) for p in ordered)
    ended = {path: name.removesuffix(_CLASS_END) for path, name in kept["class"].items()}
    classes = names.assign(wishes, joint="", given=ended)
    attributes = _attributes(ordered, {p: kept["attribute"].get(key[p], "") for p in ordered})
    inside = _Inside(paths, given.methods, said or {})
    return {
        path: _place(path, inside, (modules[key[path]], classes[key[path]], attributes))
        for path in ordered
    }


def _attributes(ordered: Sequence[Path], given: Mapping[Path, str]) -> dict[Path, str]:
    """The property by which each group is reached from its parent."""
    attributes: dict[Path, str] = {}
    for parent in {path[:-1] for path in ordered if path} | {()}:
        below = [path for path in ordered if path[:-1] == parent and path != ()]
        wishes = [(path[-1], names.snake(path[-1], fallback="group")) for path in below]
        kept = {path[-1]: given[path] for path in below}
        if parent == () and () in given:
            wishes.append(("", "root"))
            kept[""] = given[()]
        reserved = names.CLIENT_RESERVED if parent == () else names.METHOD_RESERVED
        found = names.assign(wishes, reserved, given=kept)
        attributes |= {path: found[path[-1]] for path in below}
        if "" in found:
            attributes[()] = found[""]
    return attributes


class _Inside:
    """The actions of each group, and the names that were given or said for their methods."""

    def __init__(
        self, paths: Mapping[str, Path], given: Mapping[str, str], said: Mapping[str, str]
    ) -> None:
        self.given, self.said = given, said
        self.words: dict[Path, dict[str, str]] = {}
        for name, words in paths.items():
            self.words.setdefault(words[:-1], {})[name] = words[-1]

    def methods(self, path: Path, reserved: AbstractSet[str]) -> dict[str, str]:
        """Action id → the name of its method."""
        inside = self.words.get(path, {})
        wishes = [
            (name, names.snake(self.said.get(name, word), fallback="action"))
            for name, word in inside.items()
        ]
        return names.assign(wishes, reserved, given=self.given)


def _place(
    path: Path, inside: _Inside, named: tuple[str, str, Mapping[Path, str]]
) -> GroupLocation:
    module, cls, attributes = named
    children = tuple(sorted(p for p in attributes if p and p[:-1] == path and path))
    reserved = names.METHOD_RESERVED | {attributes[child] for child in children}
    return GroupLocation(
        path=path,
        module=module,
        cls=f"{cls}{_CLASS_END}",
        attribute=attributes[path],
        methods=inside.methods(path, reserved),
        children=children,
    )


def homes(paths: Mapping[str, Path]) -> dict[str, ConstantLocation]:
    """Action id → the command module of its first word, and its name there."""
    firsts: dict[str, dict[str, Path]] = {}
    for name, path in paths.items():
        firsts.setdefault(path[0], {})[name] = path
    modules = names.assign((word, names.snake(word, fallback="group")) for word in firsts)
    found: dict[str, ConstantLocation] = {}
    for word, inside in firsts.items():
        wishes = ((i, names.snake("_".join(p[1:] or p)).upper()) for i, p in inside.items())
        given = names.assign(wishes, names.CONSTANT_RESERVED)
        found |= {name: ConstantLocation(word, modules[word], given[name]) for name in inside}
    return found


def module_stems(paths: Mapping[str, Path], given: AssignedNames = _NONE) -> dict[str, str]:
    """Action id → the name of its files, distinct whatever the file system thinks of case."""
    wishes = ((name, names.snake("_".join(path))) for name, path in paths.items())
    return names.assign(wishes, given=given.modules)


def classes(stems: Mapping[str, str]) -> dict[str, str]:
    """Action id → what the names of its model classes begin with."""
    return names.assign(((name, names.pascal(stem)) for name, stem in stems.items()), joint="")
