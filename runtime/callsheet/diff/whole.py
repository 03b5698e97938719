"""Changes of an action as a whole: its price, its promises, its name, its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.canon import canonical
from callsheet.diff.schemas import example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet.diff.change import Change
    from callsheet.diff.named import Names
    from callsheet.spec import Advertised


def whole_changes(old: Advertised, new: Advertised, names: Names) -> Iterator[Change]:
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


def _renamed_flags(old: Advertised, names: Names) -> Iterator[Change]:
    held = {one.path: one.flag for one in names.before.params if one.flag}
    for one in names.after.params:
        was = held.get(one.path, one.flag)
        if one.flag and was != one.flag:
            words = f"calls `--{was}` now `--{one.flag}`"
            yield names.whole("flag-renamed", "breaking", words, example(old.input))


def _texts(old: Advertised, new: Advertised, names: Names) -> Iterator[Change]:
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
