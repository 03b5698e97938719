"""Finds a body that shows a difference, and lets the real judges confirm it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from callsheet.diff.cases import Case
from callsheet.diff.change import Witness
from callsheet.diff.nearby import nearby
from callsheet.diff.samples import Samples
from callsheet.schema.dialect import without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callsheet.diff.normal import Cases
    from callsheet.diff.sides import Conj
    from callsheet.judge.verdict import Judge

Steps = tuple[str | int, ...]
_MOST_TRIES = 60
_MOST_CASES = 8
_MOST_NEARBY = 6_000


class Missing:
    """Stands for a field that is left out."""


MISSING: Final = Missing()
EXTRA = "undeclared_field"
"""The name of a field that no schema declares."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Values to try at a place in the body; ``None`` tries samples of what may stand there."""

    steps: Steps
    values: tuple[Any, ...] | None = None


class Search:
    """Looks for values that the left side allows and the right side refuses."""

    def __init__(self, left: Cases, right: Cases) -> None:
        self.left, self.right = left, right
        self.samples = Samples(left, right)
        self._judges: tuple[Judge, Judge] | None = None
        self._unjudged = False

    def find(self, attempts: tuple[Attempt, ...]) -> Witness | None:
        """The first body that both judges confirm; ``None`` where none was found."""
        judges = self._both()
        if judges is None or judges[0].notes:  # a looser left judge could allow too much
            return None
        for attempt in attempts:
            if not self.samples.rest():
                return None
            roots = (self.left.side.conj(self.left.side.root), self._right_root())
            bodies = self._at(roots, attempt.steps, attempt.values, 0)
            for body in islice(bodies, _MOST_TRIES):
                if judges[0].allows(body) and not judges[1].allows(body):
                    return Witness(body)
        return None

    def roam(self) -> Witness | None:
        """A body that both judges confirm, looked for near everything that either side allows."""
        judges = self._both()
        if judges is None or judges[0].notes:
            return None
        self.samples.rest()
        here, there = self.left.side.conj(self.left.side.root), self._right_root()
        starts = [*self.samples.of(here, there), *Samples(self.right, self.left).of(there, here)]
        schemas = (self.left.side.root, self.right.side.root)
        for body in islice(nearby(starts, schemas), _MOST_NEARBY):
            if judges[0].allows(body) and not judges[1].allows(body):
                return Witness(body)
        return None

    def sample(self) -> Witness | None:
        """Any body that the left side allows."""
        self.samples.rest()
        judges = self._both()
        root = self.left.side.conj(self.left.side.root)
        if judges is None:
            return None
        found = (one for one in self.samples.of(root, self._right_root()) if judges[0].allows(one))
        return next((Witness(one) for one in found), None)

    def _right_root(self) -> Conj:
        return self.right.side.conj(self.right.side.root)

    def _both(self) -> tuple[Judge, Judge] | None:
        if self._judges is None and not self._unjudged:
            from callsheet.judge import verdict

            raws = (_asserting(self.left.side.raw), _asserting(self.right.side.raw))
            try:
                self._judges = (verdict.compile(raws[0]), verdict.compile(raws[1]))
            except verdict.Unjudged:
                self._unjudged = True
        return self._judges

    def _at(
        self, pair: tuple[Conj, Conj], steps: Steps, values: tuple[Any, ...] | None, depth: int
    ) -> Iterator[Any]:
        """Whole values with each of ``values`` at a place in them."""
        mine, twin = pair
        if not steps:
            yield from self.samples.of(mine, twin) if values is None else values
            return
        cases = self.left.of(mine)[:_MOST_CASES]
        make: Callable[..., Iterator[Any]] = (
            self._items if isinstance(steps[0], int) else self._fields
        )
        for case in cases:
            yield from make(case, twin, steps, values, depth)

    def _fields(
        self, case: Case, twin: Conj, steps: Any, values: tuple[Any, ...] | None, depth: int
    ) -> Iterator[Any]:
        name = steps[0]
        made = (
            self.samples.base(case, twin, without=name, depth=depth)
            if _is(case, "object")
            else None
        )
        if made is None:
            return
        if values == (MISSING,) and len(steps) == 1:
            yield made
            return
        mine = case.field(self.left.side, name)
        for other in self._twins(twin, "object"):
            pair = (mine, other.field(self.right.side, name))
            for value in self._at(pair, steps[1:], values, depth + 1):
                yield {**made, name: value}

    def _items(
        self, case: Case, twin: Conj, steps: Any, values: tuple[Any, ...] | None, depth: int
    ) -> Iterator[Any]:
        if not _is(case, "array"):
            return
        index = steps[0]
        start = self.samples.filled(case, [], depth) or []
        while len(start) < index:
            more = self.samples.of(case.entry(self.left.side, len(start)))
            if not more:
                return
            start.append(more[0])
        mine = case.entry(self.left.side, index)
        for other in self._twins(twin, "array"):
            pair = (mine, other.entry(self.right.side, index))
            for value in self._at(pair, steps[1:], values, depth + 1):
                yield [*start[:index], value, *start[index + 1 :]]

    def _twins(self, twin: Conj, kind: str) -> list[Case]:
        return [one for one in self.right.of(twin) if _is(one, kind)][:2] or [Case()]


def _is(case: Case, kind: str) -> bool:
    return kind in case.kinds and case.values is None


def _asserting(schema: Any) -> Any:
    """A schema without the keywords of which validators disagree whether they refuse anything."""
    return without(without(schema, "contentEncoding"), "contentMediaType")
