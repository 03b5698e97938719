"""Decide where each action stands, with every name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from callsheet.actions.naming import command_path
from callsheet_codegen import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from callsheet.actions.resolve import ActionResolver
    from callsheet.catalog.lock import Lock
    from callsheet.config.overlay import Overlay
    from callsheet.spec import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The actions as lists show them, and where each of them stands; keys are action ids.

    ``stems`` are the names of an action's files, ``classes`` how its model classes begin.
    """

    listings: Mapping[str, Action]
    groups: Mapping[Path, GroupLocation]
    constants: Mapping[str, ConstantLocation]
    stems: Mapping[str, str]
    classes: Mapping[str, str]

    def by_first_word(self) -> dict[str, list[str]]:
        """Return first word of a command → ids of the actions in its module, by constant name."""
        actions: dict[str, list[str]] = {}
        for name, location in sorted(self.constants.items(), key=lambda row: row[1][::2]):
            actions.setdefault(location.first_word, []).append(name)
        return actions

    def group_names(self) -> dict[Path, dict[str, str]]:
        """Return group path → its ``module``, ``class`` and ``attribute``, as the lock has them."""
        return {
            path: {"module": group.module, "class": group.cls, "attribute": group.attribute}
            for path, group in self.groups.items()
        }

    def method_names(self) -> dict[str, str]:
        """Return action id → the name of its method, as the lock has it."""
        return {
            name: method for group in self.groups.values() for name, method in group.methods.items()
        }


def outline(resolver: ActionResolver, overlay: Overlay, names: AssignedNames) -> Outline:
    """Return the names and places of every action; ``names`` are those of the lock, which stay."""
    listings = {name: resolver.listing_of(name) for name in sorted(resolver.entries)}
    paths = library_paths(listings.values(), overlay)
    stems = module_stems(paths, names)
    return Outline(
        listings=listings,
        groups=locate_groups(paths, names, overlay.methods),
        constants=locate_constants(paths),
        stems=stems,
        classes=class_prefixes(stems),
    )


def reusable_names(lock: Lock | None, overlay: Overlay) -> AssignedNames:
    """Return the names of a lock that stay: those whose configuration has not changed since."""
    if lock is None:
        return AssignedNames()
    before = _locked_overlay(lock, overlay)
    ids = {action.id for action in lock.snapshot.actions}
    same = {name for name in ids if before.command(name) == overlay.command(name)}
    named = {name for name in ids if before.methods.get(name) == overlay.methods.get(name)}
    return AssignedNames(
        commands={name: path for name, path in lock.commands.items() if name in same},
        methods={name: word for name, word in lock.methods.items() if name in same & named},
        modules={name: stem for name, stem in lock.modules.items() if name in same},
        flags={
            name: _flags(flags, before.of(name), overlay.of(name))
            for name, flags in lock.flags.items()
        },
        groups=lock.groups,
    )


def _locked_overlay(lock: Lock, overlay: Overlay) -> Overlay:
    """Return the overlay that the lock was made with; ``overlay`` where that cannot be read."""
    from callsheet.errors import UsageError
    from callsheet_codegen.config import parse_overlay

    recorded = lock.options.get("overlay")
    try:
        return parse_overlay(recorded) if isinstance(recorded, dict) else overlay
    except UsageError:
        return overlay


def _flags(
    flags: Mapping[tuple[str, ...], str], before: Overlay, now: Overlay
) -> dict[tuple[str, ...], str]:
    """Return the flags that stay: those whose path has the same aliases before and now."""

    def is_same(path: tuple[str, ...]) -> bool:
        wires = (".".join(path[:end]) for end in range(1, len(path) + 1))
        return all(before.alias(wire) == now.alias(wire) for wire in wires)

    if before.aliases == now.aliases:
        return dict(flags)
    return {path: flag for path, flag in flags.items() if is_same(path)}


Path = tuple[str, ...]
_CLASS_END = "Actions"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLocation:
    """Names of one group's module, class and property, with its methods and children."""

    path: Path
    module: str
    cls: str
    attribute: str
    methods: Mapping[str, str]
    children: tuple[Path, ...]


class ConstantLocation(NamedTuple):
    """Module and name of an ``Action`` literal; each first word of a command has its module."""

    first_word: str
    module: str
    constant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedNames:
    """Names that stay, as the lock holds them; see ``snapshot.Lock``."""

    commands: Mapping[str, Path] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, Mapping[tuple[str, ...], str]] = field(default_factory=dict)
    groups: Mapping[Path, Mapping[str, str]] = field(default_factory=dict)


_NONE = AssignedNames()


def library_paths(actions: Iterable[Action], overlay: Overlay) -> dict[str, Path]:
    """Return action id → its path in the library: the words of its groups, then of its method.

    That is its command. An action without one stands where the configuration or its id says.
    """
    strip = overlay.strip_prefixes
    return {
        action.id: action.command or overlay.command(action.id) or command_path(action.id, strip)
        for action in actions
    }


def locate_groups(
    paths: Mapping[str, Path],
    assigned: AssignedNames = _NONE,
    configured: Mapping[str, str] | None = None,
) -> dict[Path, GroupLocation]:
    """Name every group with its methods, parents before children; ``()`` is the root group.

    ``paths`` are those of ``library_paths``; an action of one word is in the root group.
    ``assigned`` names stay. ``configured`` maps action ids to the configured method names.
    """
    groups = {path[:end] for path in paths.values() for end in range(len(path))}
    groups -= {()} if not any(len(path) == 1 for path in paths.values()) else set()
    ordered = sorted(groups)
    key = {path: ".".join(path) for path in ordered}
    former = {
        part: {
            key[p]: assigned.groups[p][part] for p in ordered if part in assigned.groups.get(p, ())
        }
        for part in ("module", "class", "attribute")
    }
    modules = _stems({key[p]: "_".join(p) or "root" for p in ordered}, former["module"])
    wishes = ((key[p], names.pascal("_".join(p) or "root")) for p in ordered)
    stripped = {path: name.removesuffix(_CLASS_END) for path, name in former["class"].items()}
    classes = names.assign(wishes, joint="", former=stripped)
    attributes = _attributes(ordered, {p: former["attribute"].get(key[p], "") for p in ordered})
    words: dict[Path, dict[str, str]] = {path: {} for path in ordered}
    for name, path in paths.items():
        words[path[:-1]][name] = (configured or {}).get(name, path[-1])
    return {
        path: _locate_group(
            path, words[path], assigned.methods, (modules[name], classes[name], attributes)
        )
        for path, name in key.items()
    }


def _attributes(ordered: Sequence[Path], former: Mapping[Path, str]) -> dict[Path, str]:
    """Return group → the property by which its parent reaches it; ``former`` names stay."""
    attributes: dict[Path, str] = {}
    for parent in {path[:-1] for path in ordered if path} | {()}:
        below = [path for path in ordered if path[:-1] == parent and path != ()]
        wishes = [(path[-1], names.snake(path[-1], fallback="group")) for path in below]
        stay = {path[-1]: former[path] for path in below}
        if parent == () and () in former:
            wishes.append(("", "root"))
            stay[""] = former[()]
        reserved = names.CLIENT_RESERVED if parent == () else names.METHOD_RESERVED
        assigned = names.assign(wishes, reserved, former=stay)
        attributes |= {path: assigned[path[-1]] for path in below}
        if "" in assigned:
            attributes[()] = assigned[""]
    return attributes


def _locate_group(
    path: Path,
    words: Mapping[str, str],
    former: Mapping[str, str],
    assigned: tuple[str, str, Mapping[Path, str]],
) -> GroupLocation:
    """Name the methods of one group.

    ``words`` maps action ids to wished names, ``former`` to those that stay; ``assigned`` are
    the group's module and class (without its end), and the properties of all groups.
    """
    module, cls, attributes = assigned
    children = tuple(sorted(p for p in attributes if p and p[:-1] == path and path))
    reserved = names.METHOD_RESERVED | {attributes[child] for child in children}
    wishes = ((name, names.snake(word, fallback="action")) for name, word in words.items())
    return GroupLocation(
        path=path,
        module=module,
        cls=f"{cls}{_CLASS_END}",
        attribute=attributes[path],
        methods=names.assign(wishes, reserved, former=former),
        children=children,
    )


def locate_constants(paths: Mapping[str, Path]) -> dict[str, ConstantLocation]:
    """Return action id → where its ``Action`` literal is; ``paths`` are of ``library_paths``."""
    by_first_word: dict[str, dict[str, Path]] = {}
    for name, path in paths.items():
        by_first_word.setdefault(path[0], {})[name] = path
    modules = _stems({word: word for word in by_first_word}, fallback="group")
    constants: dict[str, ConstantLocation] = {}
    for word, actions in by_first_word.items():
        wishes = ((i, names.snake("_".join(p[1:] or p)).upper()) for i, p in actions.items())
        assigned = names.assign(wishes, names.CONSTANT_RESERVED)
        constants |= {i: ConstantLocation(word, modules[word], assigned[i]) for i in actions}
    return constants


def module_stems(paths: Mapping[str, Path], assigned: AssignedNames = _NONE) -> dict[str, str]:
    """Return action id → the name of its files, distinct also where case does not count."""
    return _stems({name: "_".join(path) for name, path in paths.items()}, assigned.modules)


def _stems(
    texts: Mapping[str, str], former: Mapping[str, str] = _NONE.modules, fallback: str = "field"
) -> dict[str, str]:
    """Return key → a distinct file stem for its text; ``former`` stems stay where they are safe."""
    wishes = ((key, names.stem(names.snake(t, fallback=fallback))) for key, t in texts.items())
    safe = {key: name for key, name in former.items() if names.stem(name) == name}
    return names.assign(wishes, former=safe)


def class_prefixes(stems: Mapping[str, str]) -> dict[str, str]:
    """Return action id → the beginning of the names of its model classes."""
    return names.assign(((name, names.pascal(stem)) for name, stem in stems.items()), joint="")
