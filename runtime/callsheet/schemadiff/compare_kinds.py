"""Compare numbers, strings, arrays and objects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from callsheet.schemadiff import phrases
from callsheet.schemadiff.cases import UPPER, Case, mark
from callsheet.schemadiff.counterexample import EXTRA, MISSING
from callsheet.schemadiff.difference import Attempt, Notebook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.schemadiff.difference import Attempts, Steps
    from callsheet.schemadiff.normal_form import Cases
    from callsheet.schemadiff.samples import Samples
    from callsheet.schemadiff.view import Conj


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


_LIMITS = {
    "string": ("minLength", "maxLength"),
    "number": ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_LONGEST = 200_000
_MOST_ITEMS = 2_000


class KindsWalk(ObjectsWalk):
    """The part of a walk that looks at values of one kind."""

    def variants(self, kind: str, mine: list[Case], theirs: list[Case], steps: Steps) -> None:
        """Find out which case became which; those without a partner are told together."""
        old = [case for case in mine if case not in theirs or len(mine) == len(theirs) == 1]
        new = [case for case in theirs if case not in mine or len(mine) == len(theirs) == 1]
        if kind == "object" and len(old) + len(new) > 2:
            old, new = self._tagged(old, new, steps)
        if len(old) == len(new):
            for one, other in zip(old, new, strict=True):
                self._compare(kind, one, other, steps)
        elif old or new:
            self._alternatives(old, new, steps)

    def _tagged(
        self, old: list[Case], new: list[Case], steps: Steps
    ) -> tuple[list[Case], list[Case]]:
        """Compare those that carry the same tag, or need the same fields.

        What has no partner is given back.
        """
        theirs = {tag: case for case in new for tag in _tags(self.new, case)}
        kept = []
        taken = set[int]()
        for case in old:
            twin = next((theirs[tag] for tag in _tags(self.old, case) if tag in theirs), None)
            if twin is None or id(twin) in taken:
                kept.append(case)
                continue
            taken.add(id(twin))
            self._compare("object", case, twin, steps)
        return kept, [case for case in new if id(case) not in taken]

    def _alternatives(self, old: list[Case], new: list[Case], steps: Steps) -> None:
        less = _samples(self.was, old, steps) if old else None
        more = _samples(self.now, new, steps) if new else None
        lost, come = (_named(*side) for side in ((self.old, old), (self.new, new)))
        if old and new:
            words = f"takes other alternatives{f' ({come} instead of {lost})' if lost else ''}"
        elif old:
            words = f"lost an alternative{f' ({lost})' if lost else ''}"
        else:
            words = f"has an alternative more{f' ({come})' if come else ''}"
        self.tell("alternatives", steps, words, less=less, more=more)

    def _compare(self, kind: str, one: Case, other: Case, steps: Steps) -> None:
        for key in _LIMITS[kind]:
            self._limit(kind, key, (one, other), steps)
        if kind == "number":
            self._numbers(one, other, steps)
        elif kind == "array":
            self._arrays(one, other, steps)
        elif kind == "object":
            self.objects(one, other, steps)

    def _limit(self, kind: str, key: str, cases: tuple[Case, Case], steps: Steps) -> None:
        old, new = (case.limits.get(key) for case in cases)
        if key.startswith("min") and key != "minimum":
            old, new = old or None, new or None
        if old == new:
            return
        tighter = new is not None and (old is None or (new < old) == (key in UPPER))
        samples, side = (self.was, cases[0]) if tighter else (self.now, cases[1])
        bound = new if tighter else old
        tries = (Attempt(steps, tuple(_around(kind, bound, side, samples))), Attempt(steps))
        words = phrases.limit(key, old, new)
        self.tell("limit", steps, words, **{"less" if tighter else "more": tries})

    def _numbers(self, one: Case, other: Case, steps: Steps) -> None:
        tries = self.any_at(steps)
        if other.whole and not one.whole:
            halves = (Attempt(steps, (0.5, 1.5, 2.5)), *tries)
            self.tell("whole", steps, "takes only whole numbers now", less=halves)
        elif one.whole and not other.whole:
            self.tell("whole", steps, "takes fractions too", more=tries)
        if {mark(step) for step in one.steps} == {mark(step) for step in other.steps}:
            return
        less = tries if other.steps - one.steps else None
        more = tries if one.steps - other.steps else None
        now = " and ".join(phrases.shown(step) for step in sorted(other.steps))
        words = f"takes only multiples of {now} now" if now else "takes any multiple now"
        self.tell("step", steps, words, less=less, more=more)

    def _arrays(self, one: Case, other: Case, steps: Steps) -> None:
        if one.unique != other.unique:
            words = "may not hold the same item twice now" if other.unique else "may repeat items"
            samples, case = (self.was, one) if other.unique else (self.now, other)
            tries = (Attempt(steps, tuple(_twice(samples, case))),)
            self.tell("unique", steps, words, **{"less" if other.unique else "more": tries})
        for index in range(max(one.depth(), other.depth()) + 1):
            mine, theirs = one.entry(self.old.side, index), other.entry(self.new.side, index)
            self.pair(mine, theirs, (*steps, index))


def _tags(cases: Cases, case: Case) -> list[tuple[str, str]]:
    """Required fields that have a single value."""
    found = []
    for name in sorted(case.required):
        inner = cases.of(case.field(cases.side, name))
        if len(inner) == 1 and inner[0].values is not None and len(inner[0].values) == 1:
            found.append((name, next(iter(inner[0].values))))
    return found or [("", mark(sorted(case.required)))]


def _named(cases: Cases, found: list[Case]) -> str:
    tags = [tag for case in found for tag in _tags(cases, case)[:1]]
    return ", ".join(f"{name}: {value}" for name, value in tags if name)


def _samples(samples: Samples, cases: list[Case], steps: Steps) -> Attempts:
    values = [value for case in cases for value in samples.of_case(case, ())[:4]]
    return (Attempt(steps, tuple(values)), Attempt(steps))


def _around(kind: str, bound: Any, case: Case, samples: Samples) -> Iterable[Any]:
    """Values of a case close to a limit, on either side of it."""
    if kind == "number":
        inner = (bound, bound + 1, bound - 1, bound + 0.5, bound - 0.5)
        yield from (value for value in inner if not (case.whole and value != int(value)))
        for step in case.steps:
            yield from ((bound // step + shift) * step for shift in (-1, 0, 1))
        return
    for size in (bound + 1, bound - 1, bound):
        if size < 0 or size > (_LONGEST if kind == "string" else _MOST_ITEMS):
            continue
        if kind == "string":
            yield "x" * size
        elif kind == "array":
            yield from _sized(case, size, samples)
        else:
            made = samples.base(case, None) or {}
            more = {f"{EXTRA}_{number}": 1 for number in range(size - len(made))}
            named = {
                name: (samples.of(case.field(samples.cases.side, name)) or [None])[0]
                for name in sorted(case.names() - made.keys())[: max(size - len(made), 0)]
            }
            yield from ({**made, **more}, {**made, **named})


def _sized(case: Case, size: int, samples: Samples) -> Iterable[Any]:
    wanted = replace(case, limits={**case.limits, "minItems": size})
    made = samples.filled(wanted, [])
    if made is not None:
        yield made


def _twice(samples: Samples, case: Case) -> Iterable[Any]:
    for item in samples.of(case.entry(samples.cases.side, 0))[:3]:
        made = samples.filled(replace(case, unique=False), [item, item])
        if made is not None:
            yield made
