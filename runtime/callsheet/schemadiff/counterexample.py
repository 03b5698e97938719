"""Search for a value that shows a break."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from callsheet.schema.references import without
from callsheet.schemadiff.cases import Case
from callsheet.schemadiff.difference import Attempt, Counterexample, Steps
from callsheet.schemadiff.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callsheet.schema.validator import Validator
    from callsheet.schemadiff.normal_form import Cases
    from callsheet.schemadiff.view import Conj


_ODD: tuple[Any, ...] = (None, True, 0, 1, -1, 0.5, "", "x", "A b", [], {}, ["x"], [1, 1], {"x": 1})
_MOST_VALUES = 60
_MOST_NAMES = 30
_NO_SCHEMAS = frozenset(("enum", "const", "default", "examples"))


def nearby(bodies: Sequence[Any], schemas: Sequence[Any]) -> Iterator[Any]:
    """The bodies, then each with one place changed to what the schemas mention."""
    values, names = _mentioned(schemas)
    yield from bodies
    for body in bodies:
        yield from _changed(body, values, names)


def _mentioned(schemas: Sequence[Any]) -> tuple[list[Any], list[str]]:
    values: list[Any] = list(_ODD)
    names: dict[str, None] = {}
    waiting = list(schemas)
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, list):
            waiting.extend(one)
        if not isinstance(one, dict):
            continue
        values.extend(_literals(one))
        for key, item in one.items():
            if key in {"properties", "required", "dependentRequired"}:
                names |= dict.fromkeys(name for name in item if isinstance(name, str))
            if key not in _NO_SCHEMAS:
                waiting.append(list(item.values()) if key == "properties" else item)
    return values[:_MOST_VALUES], list(names)[:_MOST_NAMES]


def _literals(schema: dict[str, Any]) -> Iterator[Any]:
    listed = schema.get("enum")
    yield from listed if isinstance(listed, list) else ()
    yield from (schema[word] for word in ("const", "default") if word in schema)
    for key, item in schema.items():
        if isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < 1e9:
            if key.endswith("Length") and item < 1_000:
                yield from ("y" * (int(item) + 1), "y" * max(int(item) - 1, 0))
            else:
                yield from (item, item + 1, item - 1)


def _changed(value: Any, values: Sequence[Any], names: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, dict):
        for name in value:
            yield {key: item for key, item in value.items() if key != name}
            for other in _changed(value[name], values, names):
                yield {**value, name: other}
        for name in names:
            if name not in value:
                yield from ({**value, name: other} for other in (1, "x", None))
    elif isinstance(value, list):
        for index, item in enumerate(value[:2]):
            for other in _changed(item, values, names):
                yield [*value[:index], other, *value[index + 1 :]]
        yield from ([*value, other] for other in values)
    yield from values


_MOST_TRIES = 60
_MOST_CASES = 8
_MOST_NEARBY = 6_000


class Missing:
    """Stands for a field that is left out."""


MISSING: Final = Missing()
EXTRA = "undeclared_field"
"""The name of a field that no schema declares."""


class Search:
    """Looks for values that the left side allows and the right side refuses."""

    def __init__(self, left: Cases, right: Cases) -> None:
        self.left, self.right = left, right
        self.samples = Samples(left, right)
        self._judges: tuple[Validator, Validator] | None = None
        self._unjudged = False

    def find(self, attempts: tuple[Attempt, ...]) -> Counterexample | None:
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
                    return Counterexample(body)
        return None

    def roam(self) -> Counterexample | None:
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
                return Counterexample(body)
        return None

    def sample(self) -> Counterexample | None:
        """Any body that the left side allows."""
        self.samples.rest()
        judges = self._both()
        root = self.left.side.conj(self.left.side.root)
        if judges is None:
            return None
        found = (one for one in self.samples.of(root, self._right_root()) if judges[0].allows(one))
        return next((Counterexample(one) for one in found), None)

    def _right_root(self) -> Conj:
        return self.right.side.conj(self.right.side.root)

    def _both(self) -> tuple[Validator, Validator] | None:
        if self._judges is None and not self._unjudged:
            from callsheet.schema import validator

            raws = (_asserting(self.left.side.raw), _asserting(self.right.side.raw))
            try:
                self._judges = (validator.compile(raws[0]), validator.compile(raws[1]))
            except validator.UnusableSchema:
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
