"""Every name of the package, decided before a single parameter is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callsheet_codegen import tree
from callsheet_codegen.tree import Given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.overlay import Overlay
    from callsheet.snapshot import Lock
    from callsheet.spec import Action
    from callsheet.surface.assembly import Assembly
    from callsheet_codegen.tree import Home, Path, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The actions as lists show them, and where each of them stands."""

    faces: Mapping[str, Action]
    places: Mapping[Path, Place]
    homes: Mapping[str, Home]
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


def outline(whole: Assembly, overlay: Overlay, given: Given) -> Outline:
    """Name everything; what was given before stays."""
    faces = {name: whole.face(name) for name in sorted(whole.entries)}
    paths = tree.library_paths(faces.values(), overlay)
    stems = tree.stems(paths, given)
    return Outline(
        faces=faces,
        places=tree.places(paths, given, overlay.methods),
        homes=tree.homes(paths),
        stems=stems,
        classes=tree.classes(stems),
    )


def given_by(lock: Lock | None, overlay: Overlay) -> Given:
    """The names of a lock that stay: all of which the configuration says what it said then."""
    if lock is None:
        return Given()
    before = _overlay_of(lock, overlay)
    ids = {action.id for action in lock.snapshot.actions}
    kept = {name for name in ids if before.command(name) == overlay.command(name)}
    named = {name for name in ids if before.methods.get(name) == overlay.methods.get(name)}
    return Given(
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

    said = lock.options.get("overlay")
    try:
        return type(overlay).parse(said) if isinstance(said, dict) else overlay
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
