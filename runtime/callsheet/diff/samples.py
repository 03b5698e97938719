"""Makes values that a schema probably lets through; a judge has the last word on them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from callsheet.diff.cases import Case, mark
from callsheet.diff.membership import member, passes
from callsheet.diff.proof import edges
from callsheet.diff.texts import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callsheet.diff.normal import Cases
    from callsheet.diff.sides import Conj

MOST = 12
_DEEPEST = 6
_MOST_CALLS = 3_000
_MOST_IN_ALL = 30_000
_LONGEST = 100_000
_KINDS = ("string", "number", "boolean", "array", "object", "null")


class Samples:
    """Values for one side, those first that the other side takes too."""

    def __init__(self, cases: Cases, other: Cases) -> None:
        self.cases, self.other = cases, other
        self._left = _MOST_CALLS
        self._all = _MOST_IN_ALL

    def rest(self) -> bool:
        """Allow as many steps again, while there are some: a schema may branch without measure."""
        self._all -= _MOST_CALLS - max(self._left, 0)
        self._left = min(_MOST_CALLS, max(self._all, 0))
        return self._left > 0

    def of(self, conj: Conj, twin: Conj | None = None, depth: int = 0) -> list[Any]:
        """Up to 12 different values; ``twin`` is what binds them on the other side."""
        found: dict[str, Any] = {}
        self._left -= 1
        if self._left < 0:
            return []
        for case in self.cases.of(conj):
            for value in self.of_case(case, conj, twin, depth=depth):
                found.setdefault(mark(value), value)
        values = list(found.values())
        if twin is not None:
            values.sort(key=lambda value: member(self.other, twin, value) is not True)
        return values[:MOST]

    def of_case(
        self, case: Case, conj: Conj, twin: Conj | None = None, *, depth: int = 0
    ) -> list[Any]:
        """Values of one case, in an order that begins with what the schema itself mentions."""
        hints = [value for schema in conj if isinstance(schema, dict) for value in _hints(schema)]
        if case.values is not None:
            made: Iterable[Any] = case.values.values()
        else:
            kinds = [kind for kind in _KINDS if kind in case.kinds]
            made = (value for kind in kinds for value in self._kind(kind, case, twin, depth))
        fit = (value for value in (*hints, *made) if passes(self.cases, case, value) is not False)
        return list(islice(fit, MOST))

    def _kind(self, kind: str, case: Case, twin: Conj | None, depth: int) -> Iterable[Any]:
        if kind == "string":
            return _strings(case)
        if kind == "number":
            return _numbers(case)
        if kind == "array":
            return self._arrays(case, depth)
        return self._objects(case, twin, depth) if kind == "object" else case.listed(kind) or ()

    def _arrays(self, case: Case, depth: int) -> Iterator[list[Any]]:
        if not case.limits.get("minItems"):
            yield []
        if depth < _DEEPEST:
            for item in self.of(case.entry(self.cases.side, 0), None, depth + 1)[:2]:
                made = self.filled(case, [item], depth + 1)
                if made is not None:
                    yield made

    def filled(self, case: Case, start: list[Any], depth: int = 0) -> list[Any] | None:
        """An array that begins so, with as many items as it must have; ``None``: not found."""
        made = list(start)
        least = case.limits.get("minItems", 0)
        if least > _LONGEST or len(start) > case.limits.get("maxItems", len(start)):
            return None
        while len(made) < least:
            options = self.of(case.entry(self.cases.side, len(made)), None, depth + 1)
            if case.unique:
                options = [one for one in options if mark(one) not in set(map(mark, made))]
                options = options or _numbered(len(made))
            if not options:
                return None
            made.append(options[0])
        return made

    def _objects(self, case: Case, twin: Conj | None, depth: int) -> Iterator[dict[str, Any]]:
        made = self.base(case, twin, depth=depth)
        if made is None:
            return
        yield made
        names = sorted(case.names() - made.keys())[:3] if depth < 2 else []
        for name in names:
            for value in self.of(case.field(self.cases.side, name), None, depth + 1)[:1]:
                yield {**made, name: value}

    def base(
        self, case: Case, twin: Conj | None, *, without: str = "", depth: int = 0
    ) -> dict[str, Any] | None:
        """An object with what it must have on either side; ``None`` where none was found."""
        if depth > _DEEPEST:
            return None
        made: dict[str, Any] = {}
        others = self.other.of(twin) if twin is not None else ()
        wished = frozenset[str]().union(*(one.required for one in others))
        for name in sorted((case.required | wished) - {without}):
            there = [one.field(self.other.side, name) for one in others if "object" in one.kinds]
            mine = case.field(self.cases.side, name)
            options = self.of(mine, there[0] if there else None, depth + 1)
            if options:
                made[name] = options[0]
            elif name in case.required:
                return None
        number = 0
        while len(made) < min(case.limits.get("minProperties", 0), 50):
            number += 1
            made[f"field_{number}"] = (self.of(case.others(self.cases.side)) or [1])[0]
        return made


def _hints(schema: dict[str, Any]) -> list[Any]:
    examples = schema.get("examples")
    found = list(examples) if isinstance(examples, list) else []
    return [*found[:4], *([schema["default"]] if "default" in schema else [])]


def _strings(case: Case) -> Iterator[str]:
    for rule in sorted(case.rules("string"), key=lambda one: one.key):
        if isinstance(rule.schema, dict):
            yield from texts(rule.schema)
    least = case.limits.get("minLength", 0)
    most = case.limits.get("maxLength", max(least, 8))
    if least > _LONGEST:
        return
    yield "x" * max(least, min(1, most))
    yield "x" * least
    if most <= _LONGEST:
        yield "x" * most
    yield from ("1", "a b", "é")


def _numbers(case: Case) -> Iterator[Any]:
    (low, _), (high, _) = edges(case)
    ends = [end for end in (low, high) if abs(end) != float("inf")]
    for step in sorted(case.steps):
        yield from (step, 0, -step, step * 7)
        yield from ((end // step + shift) * step for end in ends for shift in (0, 1, -1))
    yield from (1, 0, *ends)
    for end in ends:
        yield from (end + 1, end - 1, end + 0.5, end - 0.5)
    yield from (2, -1, 0.5, 10**6 + 7)


def _numbered(count: int) -> list[Any]:
    return [f"x{count}", count + 100]
