"""Generate example values and strings."""

from __future__ import annotations

import random
import re
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from callsheet.schemadiff.inclusion import bounds, is_member, passes
from callsheet.schemadiff.normal_form import Case, value_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callsheet.schemadiff.normal_form import Cases
    from callsheet.schemadiff.view import Conjunction


_TRIES = 6
_MAX_REPEATS = 300
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


def _texts_for(rule: Mapping[str, Any]) -> list[str]:
    """Return a few texts that obey the ``pattern`` or ``format`` of a rule, if that is easy."""
    if "format" in rule:
        text = _FORMATS.get(str(rule["format"]))
        return [text] if text else []
    pattern = rule.get("pattern")
    return texts_matching(pattern) if isinstance(pattern, str) else []


def texts_matching(pattern: str) -> list[str]:
    """Return different texts that the pattern should match, the same in every run."""
    try:
        tree = re._parser.parse(pattern)  # type: ignore[attr-defined] # stable since 3.11
    except (re.error, RecursionError, OverflowError):
        return []
    chance = random.Random(7)  # noqa: S311 - samples, no secrets
    try:
        return list(dict.fromkeys(_sequence(tree, chance) for _ in range(_TRIES)))
    except (KeyError, RecursionError):
        return []


def _sequence(nodes: Any, chance: random.Random) -> str:
    return "".join(_node(node, chance) for node in nodes)


def _node(node: Any, chance: random.Random) -> str:
    """Return a text for one node of the parser's tree; raise ``KeyError`` for a hard one."""
    opcode, argument = node
    text: str = _GENERATORS[str(opcode)](argument, chance)
    return text


def _any_of(choices: Any, chance: random.Random) -> str:
    choice = chance.choice(choices)
    if str(choice[0]) == "NEGATE":
        excludes_x = any("120" in str(other) for other in choices)
        return "7" if excludes_x else "x"
    return _node(choice, chance)


def _repeat(argument: Any, chance: random.Random) -> str:
    low, high, nodes = argument
    if int(low) > _MAX_REPEATS:
        raise KeyError(low)
    most = min(int(high), int(low) + 3) if str(high) != "MAXREPEAT" else int(low) + 3
    return "".join(_sequence(nodes, chance) for _ in range(chance.randint(int(low), most)))


def _category(argument: Any, chance: random.Random) -> str:
    name = str(argument)
    if "DIGIT" in name:
        return "x" if "NOT" in name else chance.choice("0123456789")
    if "SPACE" in name:
        return "x" if "NOT" in name else " "
    return "-" if "NOT" in name else chance.choice("ab1_")


def _in_range(argument: tuple[int, int], chance: random.Random) -> str:
    low, high = argument
    return chr(chance.randint(low, min(high, low + 30)))


_GENERATORS: Mapping[str, Any] = {
    "LITERAL": lambda argument, chance: chr(argument),
    "NOT_LITERAL": lambda argument, chance: "x" if argument != ord("x") else "y",
    "ANY": lambda argument, chance: chance.choice(_LETTERS),
    "AT": lambda argument, chance: "",
    "IN": _any_of,
    "RANGE": _in_range,
    "CATEGORY": _category,
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "SUBPATTERN": lambda argument, chance: _sequence(argument[3], chance),
    "BRANCH": lambda argument, chance: _sequence(chance.choice(argument[1]), chance),
}


MAX_SAMPLES = 12
_DEEPEST = 6
_MAX_CALLS = 3_000
_MAX_CALLS_IN_ALL = 30_000
_LONGEST = 100_000
_MAX_FIELDS = 50
_KINDS = ("string", "number", "boolean", "array", "object", "null")


class Samples:
    """Values for one side, those first that the other side takes too."""

    def __init__(self, cases: Cases, other: Cases) -> None:
        self.cases, self.other = cases, other
        self._calls_left = _MAX_CALLS
        self._calls_left_in_all = _MAX_CALLS_IN_ALL

    def renew_budget(self) -> bool:
        """Allow as many calls again; tell whether any are left, since a schema may branch a lot."""
        self._calls_left_in_all -= _MAX_CALLS - max(self._calls_left, 0)
        self._calls_left = min(_MAX_CALLS, max(self._calls_left_in_all, 0))
        return self._calls_left > 0

    def of(
        self, conjunction: Conjunction, other: Conjunction | None = None, depth: int = 0
    ) -> list[Any]:
        """Return up to 12 different values; ``other`` applies on the other side."""
        samples: dict[str, Any] = {}
        self._calls_left -= 1
        if self._calls_left < 0:
            return []
        for case in self.cases.of(conjunction):
            for value in self.of_case(case, conjunction, other, depth=depth):
                samples.setdefault(value_key(value), value)
        values = list(samples.values())
        if other is not None:
            values.sort(key=lambda value: is_member(self.other, other, value) is not True)
        return values[:MAX_SAMPLES]

    def of_case(
        self,
        case: Case,
        conjunction: Conjunction,
        other: Conjunction | None = None,
        *,
        depth: int = 0,
    ) -> list[Any]:
        """Return values of one case, first those that the schemas themselves mention."""
        mentioned = [
            value
            for schema in conjunction
            if isinstance(schema, dict)
            for value in _examples(schema)
        ]
        if case.values is not None:
            generated: Iterable[Any] = case.values.values()
        else:
            kinds = [kind for kind in _KINDS if kind in case.kinds]
            generated = (value for kind in kinds for value in self._kind(kind, case, other, depth))
        candidates = chain(mentioned, generated)
        fitting = (value for value in candidates if passes(self.cases, case, value) is not False)
        return list(islice(fitting, MAX_SAMPLES))

    def _kind(self, kind: str, case: Case, other: Conjunction | None, depth: int) -> Iterable[Any]:
        if kind == "string":
            return _strings(case)
        if kind == "number":
            return _numbers(case)
        if kind == "array":
            return self._arrays(case, depth)
        if kind == "object":
            return self._objects(case, other, depth)
        return case.finite_values(kind) or ()

    def _arrays(self, case: Case, depth: int) -> Iterator[list[Any]]:
        if not case.limits.get("minItems"):
            yield []
        if depth < _DEEPEST:
            for first in self.of(case.item(0), None, depth + 1)[:2]:
                array = self.fill_array(case, [first], depth + 1)
                if array is not None:
                    yield array

    def fill_array(self, case: Case, start: list[Any], depth: int = 0) -> list[Any] | None:
        """Append the items that the case requires; return ``None`` where there are none."""
        array = list(start)
        least = case.limits.get("minItems", 0)
        if least > _LONGEST or len(start) > case.limits.get("maxItems", len(start)):
            return None
        while len(array) < least:
            options = self.of(case.item(len(array)), None, depth + 1)
            if case.unique:
                used = set(map(value_key, array))
                options = [option for option in options if value_key(option) not in used]
                options = options or [f"x{len(array)}"]
            if not options:
                return None
            array.append(options[0])
        return array

    def _objects(
        self, case: Case, other: Conjunction | None, depth: int
    ) -> Iterator[dict[str, Any]]:
        required = self.build_object(case, other, depth=depth)
        if required is None:
            return
        yield required
        names = sorted(case.declared() - required.keys())[:3] if depth < 2 else []
        for name in names:
            for value in self.of(case.field(name), None, depth + 1)[:1]:
                yield {**required, name: value}

    def build_object(
        self, case: Case, other: Conjunction | None, *, omit: str = "", depth: int = 0
    ) -> dict[str, Any] | None:
        """Build an object with the required fields of both sides; ``None`` where one has no value.

        The field ``omit`` is left out.
        """
        if depth > _DEEPEST:
            return None
        built: dict[str, Any] = {}
        targets = self.other.of(other) if other is not None else ()
        wanted = frozenset[str]().union(*(target.required for target in targets))
        objects = [target for target in targets if "object" in target.kinds]
        for name in sorted((case.required | wanted) - {omit}):
            theirs = objects[0].field(name) if objects else None
            options = self.of(case.field(name), theirs, depth + 1)
            if options:
                built[name] = options[0]
            elif name in case.required:
                return None
        number = 0
        while len(built) < min(case.limits.get("minProperties", 0), _MAX_FIELDS):
            number += 1
            built[f"field_{number}"] = (self.of(case.additional()) or [1])[0]
        return built


def _examples(schema: dict[str, Any]) -> list[Any]:
    examples = schema.get("examples")
    listed = list(examples[:4]) if isinstance(examples, list) else []
    return [*listed, *([schema["default"]] if "default" in schema else [])]


def _strings(case: Case) -> Iterator[str]:
    for rule in sorted(case.rules("string"), key=lambda rule: rule.key):
        if isinstance(rule.schema, dict):
            yield from _texts_for(rule.schema)
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
    (low, _), (high, _) = bounds(case)
    finite = [bound for bound in (low, high) if abs(bound) != float("inf")]
    for step in sorted(case.multiples):
        yield from (step, 0, -step, step * 7)
        yield from ((bound // step + shift) * step for bound in finite for shift in (0, 1, -1))
    yield from (1, 0, *finite)
    for bound in finite:
        yield from (bound + 1, bound - 1, bound + 0.5, bound - 0.5)
    yield from (2, -1, 0.5, 10**6 + 7)
