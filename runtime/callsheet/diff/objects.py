"""Compares the fields of two objects: which come, go, are required, and what of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.diff.notebook import Notebook
from callsheet.diff.witness import EXTRA, MISSING, Attempt

if TYPE_CHECKING:
    from callsheet.diff.cases import Case
    from callsheet.diff.normal import Cases
    from callsheet.diff.sides import Conj
    from callsheet.diff.witness import Steps

ODD: tuple[Any, ...] = ("x", 1, None, [], {}, True, 0.5)
"""Values that a field which nobody declared may have had."""


class ObjectsWalk(Notebook):
    """The part of a walk that looks at objects."""

    def objects(self, one: Case, other: Case, steps: Steps) -> None:
        """Compare one case on both sides."""
        had, has = _declared(self.old, one), _declared(self.new, other)
        for name in sorted(one.names() | other.names() | one.required | other.required):
            place = (*steps, name)
            if name in had and name in has:
                self._required(one, other, place)
                self.pair(one.field(self.old.side, name), other.field(self.new.side, name), place)
            elif name in had:
                self._gone(one, place)
            elif name in has:
                self._come(one, other, place)
            else:
                self._required(one, other, place)
        self._others(one, other, steps)

    def _required(self, one: Case, other: Case, place: Steps) -> None:
        name = place[-1]
        without = (Attempt(place, (MISSING,)),)
        if name in other.required and name not in one.required:
            self.tell("required", place, "is required now", less=without)
        elif name in one.required and name not in other.required:
            self.tell("optional", place, "is no longer required", more=without)

    def _gone(self, one: Case, place: Steps) -> None:
        without = (Attempt(place, (MISSING,)),) if place[-1] in one.required else ()
        self.tell(
            "field-gone", place, "is gone", kind="removed", less=self.any_at(place), more=without
        )

    def _come(self, one: Case, other: Case, place: Steps) -> None:
        name = str(place[-1])
        needed = name in other.required
        words = "is new and required" if needed else "is new"
        less = (Attempt(place, (MISSING,)),) if needed else None
        before, after = one.field(self.old.side, name), other.field(self.new.side, name)
        if not self.old.empty(before) and not self.forward.included(before, after):
            if before or needed:
                less = (*(less or ()), Attempt(place))
            else:
                self.judged.append(place)
        more = None
        if self.old.empty(before):
            self.unknown.append(place)
        elif not self.backward.included(after, before):
            more = self.any_at(place)
        self.tell("field-new", place, words, kind="added", less=less, more=more)

    def _others(self, one: Case, other: Case, steps: Steps) -> None:
        """What is asked of fields that neither declares."""
        before, after = one.others(self.old.side), other.others(self.new.side)
        if any(part.depends for part in (*one.fields, *other.fields)):
            return  # the rule about names by pattern is compared as a whole
        place = (*steps, EXTRA)
        tries = (Attempt(place, ODD), Attempt(place))
        if self._closed(self.new, after):
            if not self._closed(self.old, before):
                words = "refuses fields that it does not declare now"
                self.tell("closed", steps, words, less=tries)
        elif self._closed(self.old, before):
            words = "takes fields that it does not declare now"
            self.tell("opened", steps, words, more=tries)
        elif not before and after:
            words = "asks something of fields that it does not declare now"
            self.tell("others", steps, words, less=tries)
        elif before and not after:
            words = "asks nothing of fields that it does not declare any more"
            self.tell("others", steps, words, more=tries)
        else:
            self.pair(before, after, place)

    def _closed(self, cases: Cases, others: Conj) -> bool:
        return cases.empty(others)


def _declared(cases: Cases, case: Case) -> frozenset[str]:
    """The fields that are declared and may be there."""
    return frozenset(name for name in case.names() if not cases.empty(case.field(cases.side, name)))
