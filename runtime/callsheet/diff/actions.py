"""What changed between two snapshots, action by action, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.canon import digest
from callsheet.diff.change import Change, in_order
from callsheet.diff.named import Names
from callsheet.diff.schemas import compare, example
from callsheet.diff.whole import whole_changes
from callsheet.overlay import Overlay
from callsheet.surface.assembly import surface

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.snapshot import Snapshot
    from callsheet.spec import Action, Advertised

Commands = dict[str, tuple[str, ...]]


def diff(
    old: Snapshot,
    new: Snapshot,
    *,
    overlay: Overlay | None = None,
    program: str = "ads",
    given: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Change, ...]:
    """The changes from one snapshot to the other, what breaks callers first.

    ``given`` holds the command paths of the old lock. Actions with equal digests are not
    looked at, nor are those that the overlay leaves out.
    """
    overlay = overlay or Overlay()
    sides = [
        {one.id: one for one in reversed(snapshot.actions) if overlay.admits(one.id)}
        for snapshot in (old, new)
    ]
    touched = {name for name in {*sides[0], *sides[1]} if _differs(sides, name)}
    if not touched:
        return ()
    before, after = _surfaces(sides, touched, overlay, dict(given or {}))
    changes = [
        change
        for name in touched
        for change in _action(
            (sides[0].get(name), sides[1].get(name)),
            (before.get(name), after.get(name)),
            program,
        )
    ]
    return in_order(changes)


def _differs(sides: list[dict[str, Advertised]], name: str) -> bool:
    one, other = (side.get(name) for side in sides)
    return one is None or other is None or _print(one) != _print(other)


def _print(one: Advertised) -> str:
    return digest([one.title, one.description, one.input, one.output, one.marks])


def _surfaces(
    sides: list[dict[str, Advertised]],
    touched: set[str],
    overlay: Overlay,
    given: Commands,
) -> tuple[dict[str, Action], dict[str, Action]]:
    """Commands and flags of what changed, read with its group: families stand within one."""
    groups = {name.rpartition(".")[0] for name in touched}
    near = [
        [one for name, one in side.items() if name.rpartition(".")[0] in groups] for side in sides
    ]
    before = surface(near[0], overlay, given)
    kept = {action.id: action.command for action in before.actions if action.command}
    after = surface(near[1], overlay, {**kept, **given})
    return dict(before.by_id), dict(after.by_id)


def _action(
    advertised: tuple[Advertised | None, Advertised | None],
    actions: tuple[Action | None, Action | None],
    program: str,
) -> Iterator[Change]:
    (old, new), (before, after) = advertised, actions
    if new is None or after is None:
        if before is not None and old is not None:
            yield Names(before, before, program).gone(example(old.input))
    elif old is None or before is None:
        yield Names(after, after, program).come()
    else:
        names = Names(before, after, program)
        yield from whole_changes(old, new, names)
        for judged in compare(old.input, new.input):
            yield names.change(judged)
        for judged in compare(old.output, new.output, output=True):
            yield names.change(judged, output=True)
