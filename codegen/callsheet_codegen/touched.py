"""The Python names that a change touches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.naming import command_path
from callsheet_codegen import names as naming
from callsheet_codegen.tree import places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.diff import Change
    from callsheet.overlay import Overlay
    from callsheet.snapshot import Lock
    from callsheet_codegen.tree import Place


def methods(changes: Sequence[Change], locks: Sequence[Lock], overlay: Overlay) -> dict[str, str]:
    """Action id → its method as it stands behind a client: ``video.generate``.

    What the first lock names holds; for other actions it is the name that they would get.
    """
    paths = {one.action: one.command for one in changes if one.command}
    for lock in locks:
        for entry in lock.snapshot.actions:
            words = lock.commands.get(entry.id)
            paths.setdefault(entry.id, words or command_path(entry.id, overlay.strip_prefixes))
    found = places(paths)
    attributes = {group: place.attribute for group, place in found.items()}
    given: dict[str, str] = {}
    for lock in reversed(locks):
        attributes |= {words: names["attribute"] for words, names in lock.groups.items()}
        given |= lock.methods
    return {
        name: ".".join(
            [
                *_attributes(paths[name][:-1], attributes),
                given.get(name) or _made(name, paths, found),
            ]
        )
        for name in {one.action for one in changes}
    }


def _made(name: str, paths: Mapping[str, tuple[str, ...]], found: Mapping[Any, Place]) -> str:
    return found[paths[name][:-1]].methods[name]


def _attributes(group: tuple[str, ...], attributes: Mapping[tuple[str, ...], str]) -> list[str]:
    ends = range(1, len(group) + 1) if group else [0]
    return [attributes[group[:end]] for end in ends]


def names_of(change: Change) -> tuple[str, ...]:
    """The keyword arguments of the method, or the attributes of the reply's model."""
    steps = (field.replace("[]", "").split(".") for field in change.fields)
    return tuple(".".join(naming.fields([step])[step] for step in one if step) for one in steps)
