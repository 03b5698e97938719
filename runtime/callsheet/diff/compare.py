"""Compare two snapshots and list their changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from callsheet.actions.resolve import ActionResolver
from callsheet.config.overlay import Overlay
from callsheet.diff.change import Change, in_order
from callsheet.diff.wording import ChangeNames
from callsheet.jsonio import canonical, digest
from callsheet.schemadiff.classify import compare, example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet.catalog.snapshot import Snapshot
    from callsheet.spec import Action, Advertised


def whole_changes(old: Advertised, new: Advertised, names: ChangeNames) -> Iterator[Change]:
    """What changed besides the schemas.

    What becomes paid breaks its callers: they would spend without having been asked; so does
    a command or a flag that is called otherwise. The witness is any body of before.
    """
    before, after = names.before, names.after
    if before.command != after.command:
        words = f"was called {names.was} before"
        yield names.whole("renamed", "breaking", words, example(old.input))
    yield from _renamed_flags(old, names)
    if after.paid and not before.paid:
        yield names.whole("paid", "breaking", "may cost money now", example(old.input))
    elif before.paid and not after.paid:
        yield names.whole("free", "additive", "is free now")
    if before.idempotent and not after.idempotent:
        words = "no longer says that it honours an idempotency key"
        yield names.whole("idempotency", "unproved", words)
    elif after.idempotent and not before.idempotent:
        yield names.whole("idempotency", "additive", "honours an idempotency key now")
    yield from _texts(old, new, names)


def _renamed_flags(old: Advertised, names: ChangeNames) -> Iterator[Change]:
    held = {one.path: one.flag for one in names.before.params if one.flag}
    for one in names.after.params:
        was = held.get(one.path, one.flag)
        if one.flag and was != one.flag:
            words = f"calls `--{was}` now `--{one.flag}`"
            yield names.whole("flag-renamed", "breaking", words, example(old.input))


def _texts(old: Advertised, new: Advertised, names: ChangeNames) -> Iterator[Change]:
    marks = [dict(side.marks) for side in (old, new)]
    states = [side.pop("deprecated", None) not in {None, False} for side in marks]
    if states[0] != states[1]:
        words = "is deprecated now" if states[1] else "is no longer deprecated"
        yield names.whole("deprecated", "text", words)
    if (old.title, old.description) != (new.title, new.description):
        yield names.whole("text", "text", "is described otherwise")
    costs = [canonical(side) for side in marks]
    told = (
        names.before.paid != names.after.paid or names.before.idempotent != names.after.idempotent
    )
    if costs[0] != costs[1] and not told:
        yield names.whole("marks", "text", "is marked otherwise")


Commands = Mapping[str, tuple[str, ...]]
Flags = Mapping[str, Mapping[tuple[str, ...], str]]


class LockedNames(NamedTuple):
    """The names that a lock gave: command paths and flags by action."""

    commands: Commands
    flags: Flags


_NONE = LockedNames({}, {})


def diff(
    old: Snapshot,
    new: Snapshot,
    *,
    overlay: Overlay | None = None,
    program: str = "ads",
    given: Commands | None = None,
    flags: Flags | None = None,
    now: LockedNames = _NONE,
) -> tuple[Change, ...]:
    """The changes from one snapshot to the other, what breaks callers first.

    ``given`` holds the command paths of the old lock and ``flags`` its flags, ``now`` both of
    the new one where it is a lock too; what has no name there keeps its old one. Actions with
    equal digests are not looked at, nor are those that the overlay leaves out.
    """
    overlay = overlay or Overlay()
    sides = [
        {one.id: one for one in reversed(snapshot.actions) if overlay.admits(one.id)}
        for snapshot in (old, new)
    ]
    touched = [name for name in sorted({*sides[0], *sides[1]}) if _differs(sides, name)]
    if not touched:
        return ()
    near = [_near(side, touched) for side in sides]
    before = ActionResolver(near[0], overlay, given or {}, flags or {})
    kept = {**before.commands, **(given or {}), **now.commands}
    after = ActionResolver(near[1], overlay, kept, {**(flags or {}), **now.flags})
    changes: list[Change] = []
    for name in touched:
        pair = sides[0].get(name), sides[1].get(name)
        actions = (
            before.action(name) if pair[0] else None,
            after.action(name) if pair[1] else None,
        )
        changes.extend(_action(pair, actions, program))
    return in_order(changes)


def _near(side: Mapping[str, Advertised], touched: Sequence[str]) -> list[Advertised]:
    """What changed, with its groups: families stand within one."""
    groups = {name.rpartition(".")[0] for name in touched}
    return [one for name, one in side.items() if name.rpartition(".")[0] in groups]


def _differs(sides: list[dict[str, Advertised]], name: str) -> bool:
    one, other = (side.get(name) for side in sides)
    return one is None or other is None or _print(one) != _print(other)


def _print(one: Advertised) -> str:
    return digest([one.title, one.description, one.input, one.output, one.marks])


def _action(
    advertised: tuple[Advertised | None, Advertised | None],
    actions: tuple[Action | None, Action | None],
    program: str,
) -> Iterator[Change]:
    (old, new), (before, after) = advertised, actions
    if old is not None and before is not None and (new is None or after is None):
        yield ChangeNames(before, before, program).gone(example(old.input))
    elif after is not None and before is None:
        yield ChangeNames(after, after, program).come()
    elif old and new and before and after:
        names = ChangeNames(before, after, program)
        yield from whole_changes(old, new, names)
        for judged in compare(old.input, new.input):
            yield names.change(judged)
        for judged in compare(old.output, new.output, output=True):
            yield names.change(judged, output=True)
