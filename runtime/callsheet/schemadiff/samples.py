"""Generate example values and strings."""

from __future__ import annotations

import random
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from callsheet.schemadiff.cases import Case, mark
from callsheet.schemadiff.inclusion import edges, member, passes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callsheet.schemadiff.normal_form import Cases
    from callsheet.schemadiff.view import Conj


_TRIES = 6
_MOST_REPEATS = 300
_LETTERS = "a0Zb-_x1"
_FORMATS: Mapping[str, str] = {
    "uri": "https://example.com/x",
    "url": "https://example.com/x",
    "date": "2024-01-31",
    "date-time": "2024-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "a@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}


def texts(rule: Mapping[str, Any]) -> list[str]:
    """A few texts that obey the ``pattern`` or ``format`` of a rule; none where that is hard."""
    if "format" in rule:
        found = _FORMATS.get(str(rule["format"]))
        return [found] if found else []
    pattern = rule.get("pattern")
    return matching(pattern) if isinstance(pattern, str) else []


def matching(pattern: str) -> list[str]:
    """Different texts that the pattern should match, the same in every run."""
    try:
        tree = re._parser.parse(pattern)  # type: ignore[attr-defined] # stable since 3.11
    except (re.error, RecursionError, OverflowError):
        return []
    chance = random.Random(7)  # noqa: S311 - samples, no secrets
    found: dict[str, None] = {}
    for _ in range(_TRIES):
        try:
            text = "".join(_node(str(kind), value, chance) for kind, value in tree)
        except (KeyError, RecursionError):
            return []
        found[text] = None
    return list(found)


def _node(kind: str, value: Any, chance: random.Random) -> str:
    made: str = _MAKERS[kind](value, chance)
    return made


def _sequence(nodes: Any, chance: random.Random) -> str:
    return "".join(_node(str(kind), value, chance) for kind, value in nodes)


def _any_of(choices: Any, chance: random.Random) -> str:
    kind, value = chance.choice(choices)
    if str(kind) == "NEGATE":
        refused = {str(one) for one in choices}
        return "x" if not any("120" in one for one in refused) else "7"
    return _node(str(kind), value, chance)


def _repeated(value: Any, chance: random.Random) -> str:
    low, high, nodes = value
    if int(low) > _MOST_REPEATS:
        raise KeyError(low)
    most = min(int(high), int(low) + 3) if str(high) != "MAXREPEAT" else int(low) + 3
    return "".join(_sequence(nodes, chance) for _ in range(chance.randint(int(low), most)))


def _category(value: Any, chance: random.Random) -> str:
    name = str(value)
    if "DIGIT" in name:
        return "x" if "NOT" in name else chance.choice("0123456789")
    if "SPACE" in name:
        return "x" if "NOT" in name else " "
    return "-" if "NOT" in name else chance.choice("ab1_")


_MAKERS: Mapping[str, Any] = {
    "LITERAL": lambda value, chance: chr(value),
    "NOT_LITERAL": lambda value, chance: "x" if value != ord("x") else "y",
    "ANY": lambda value, chance: chance.choice(_LETTERS),
    "AT": lambda value, chance: "",
    "IN": _any_of,
    "RANGE": lambda value, chance: chr(chance.randint(value[0], min(value[1], value[0] + 30))),
    "CATEGORY": _category,
    "MAX_REPEAT": _repeated,
    "MIN_REPEAT": _repeated,
    "SUBPATTERN": lambda value, chance: _sequence(value[3], chance),
    "BRANCH": lambda value, chance: _sequence(chance.choice(value[1]), chance),
}


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
