"""The Python names that a change touches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.naming import command_path
from callsheet_codegen import names
from callsheet_codegen.tree import places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.diff import Change
    from callsheet.overlay import Overlay
    from callsheet.snapshot import Lock
    from callsheet_codegen.tree import Place


def methods(changes: Sequence[Change], locks: Sequence[Lock], overlay: Overlay) -> dict[str, str]:
    """Action id → its method as it stands behind a client: ``video.generate``.

    The first lock's names hold; those of actions that it lacks are the ones they would get.
    """
    paths = {one.action: one.command for one in changes if one.command}
    for lock in locks:
        for entry in lock.snapshot.actions:
            words = lock.commands.get(entry.id)
            paths.setdefault(entry.id, words or command_path(entry.id, overlay.strip_prefixes))
    found = places(paths)
    wanted = {one.action for one in changes}
    return {
        name: ".".join([*_attributes(path[:-1], found), found[path[:-1]].methods[name]])
        for name, path in paths.items()
        if name in wanted
    }


def _attributes(group: tuple[str, ...], found: Mapping[tuple[str, ...], Place]) -> list[str]:
    ends = range(1, len(group) + 1) if group else [0]
    return [found[group[:end]].attribute for end in ends]


def names_of(change: Change) -> tuple[str, ...]:
    """The keyword arguments of the method, or the attributes of the reply's model."""
    steps = (field.replace("[]", "").split(".") for field in change.fields)
    return tuple(".".join(names.fields([step])[step] for step in one if step) for one in steps)
