"""Prove that every value of the old schema is one of the new, and test single values."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from callsheet.schemadiff.cases import kind_of, mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet.schemadiff.cases import Case, OpaqueRule
    from callsheet.schemadiff.normal_form import Cases
    from callsheet.schemadiff.view import Conj


Verdict = bool | None


def passes(
    cases: Cases, case: Case, value: Any, granted: frozenset[OpaqueRule] = frozenset()
) -> Verdict:
    """Whether the value passes; the opaque rules in ``granted`` are known to be obeyed."""
    kind = kind_of(value)
    if kind not in case.kinds:
        return False
    if case.values is not None and mark(value) not in case.values:
        return False
    inner = _all(_INNER[kind](cases, case, value)) if kind in _INNER else True
    if inner is True and not case.rules(kind) <= granted:
        return None
    return inner


def member(cases: Cases, conj: Conj, value: Any) -> Verdict:
    """Whether the value passes one of the cases of what applies together."""
    found = [passes(cases, case, value) for case in cases.of(conj)]
    if True in found:
        return True
    return None if None in found else False


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    """No where one says no, else not known where one does not know."""
    held: Verdict = True
    for verdict in verdicts:
        if verdict is False:
            return False
        held = held and verdict
    return held


def _number(cases: Cases, case: Case, value: Any) -> Iterable[Verdict]:
    limits = case.limits
    yield not (case.whole and value != int(value))
    yield not ("minimum" in limits and value < limits["minimum"])
    yield not ("maximum" in limits and value > limits["maximum"])
    yield not ("exclusiveMinimum" in limits and value <= limits["exclusiveMinimum"])
    yield not ("exclusiveMaximum" in limits and value >= limits["exclusiveMaximum"])
    for step in case.steps:
        exact = value == int(value) and step == int(step)
        yield int(value) % int(step) == 0 if exact else None


def _string(cases: Cases, case: Case, value: str) -> Iterable[Verdict]:
    yield _between(case, len(value), "minLength", "maxLength")


def _array(cases: Cases, case: Case, value: list[Any]) -> Iterable[Verdict]:
    yield _between(case, len(value), "minItems", "maxItems")
    if case.unique:
        yield len(set(map(mark, value))) == len(value)
    for index, item in enumerate(value):
        yield member(cases, case.entry(cases.side, index), item)


def _object(cases: Cases, case: Case, value: dict[str, Any]) -> Iterable[Verdict]:
    yield _between(case, len(value), "minProperties", "maxProperties")
    yield case.required <= value.keys()
    for name, item in value.items():
        yield member(cases, case.field(cases.side, name), item)


def _between(case: Case, size: int, low: str, high: str) -> bool:
    return bool(case.limits.get(low, 0) <= size <= case.limits.get(high, size))


_INNER = {"number": _number, "string": _string, "array": _array, "object": _object}


_MOST_STEPS = 20_000
_INFINITE = float("inf")


class Proof:
    """Inclusion of the left side in the right one; says yes only where it is certain.

    Recursive schemas are compared by coinduction: a pair that is met again below itself
    holds if everything else about it does, since a value is finite. A pair that failed takes
    back whatever was concluded from it.
    """

    def __init__(self, left: Cases, right: Cases) -> None:
        self.left, self.right = left, right
        self._known = left.side.known and right.side.known
        self._steps = _MOST_STEPS
        self._assumed: dict[tuple[Any, ...], None] = {}
        self._refuted: set[tuple[Any, ...]] = set()

    def included(self, one: Conj, other: Conj) -> bool:
        """Whether every value that passes ``one`` on the left passes ``other`` on the right."""
        if set(self.right.side.keys(other)) <= set(self.left.side.keys(one)):
            return True
        if not self._known:
            return False
        pair = (self.left.side.mark(one), self.right.side.mark(other))
        self._steps -= 1
        if pair in self._assumed:
            return True
        if pair in self._refuted or self._steps < 0:
            return False
        before = len(self._assumed)
        self._assumed[pair] = None
        held = self._holds(one, other)
        if not held:
            while len(self._assumed) > before:
                self._assumed.popitem()
            self._refuted.add(pair)
        return held

    def _holds(self, one: Conj, other: Conj) -> bool:
        targets = self.right.of(other)
        return all(
            self._covered(case, kind, targets) for case in self.left.of(one) for kind in case.kinds
        )

    def _covered(self, case: Case, kind: str, targets: tuple[Case, ...]) -> bool:
        if self.left.dead(case, kind):
            return True
        listed = case.listed(kind)
        if listed is None:
            return any(self._within(case, kind, target) for target in targets)
        rules = case.rules(kind)
        return all(
            passes(self.left, case, value) is False
            or any(passes(self.right, target, value, rules) is True for target in targets)
            for value in listed
        )

    def _within(self, case: Case, kind: str, target: Case) -> bool:
        if kind not in target.kinds or target.values is not None:
            return False
        if not target.rules(kind) <= case.rules(kind):
            return False
        if kind == "number":
            return numbers_within(case, target)
        if kind == "array":
            return self._arrays(case, target)
        if kind == "object":
            return self._objects(case, target)
        return kind != "string" or _span(case.limits, target.limits, "minLength", "maxLength")

    def _arrays(self, case: Case, target: Case) -> bool:
        most = self._longest(case)
        limits = {**case.limits, "maxItems": most}
        if not _span(limits, target.limits, "minItems", "maxItems"):
            return False
        if target.unique and not case.unique and most > 1:
            return False
        deepest = max(case.depth(), target.depth())
        for index in range(deepest + 1):
            if index >= most:
                break
            left, right = self.left.side, self.right.side
            if not self.included(case.entry(left, index), target.entry(right, index)):
                return False
        return True

    def _longest(self, case: Case) -> Any:
        """How many items there can be: none stands where nothing passes."""
        closed = (
            index
            for index in range(case.depth() + 1)
            if self.left.empty(case.entry(self.left.side, index))
        )
        return min(case.limits.get("maxItems", _INFINITE), next(closed, _INFINITE))

    def _objects(self, case: Case, target: Case) -> bool:
        if not target.required <= case.required or not _counted(case, target, self.left):
            return False
        left, right = self.left.side, self.right.side
        names = sorted(case.names() | target.names())
        pairs = [(case.field(left, name), target.field(right, name)) for name in names]
        pairs.append((case.others(left), target.others(right)))
        return all(self.included(one, other) for one, other in pairs)


def _span(one: Mapping[str, Any], other: Mapping[str, Any], low: str, high: str) -> bool:
    return bool(
        one.get(low, 0) >= other.get(low, 0)
        and one.get(high, _INFINITE) <= other.get(high, _INFINITE)
    )


def _counted(case: Case, target: Case, left: Cases) -> bool:
    least = max(case.limits.get("minProperties", 0), len(case.required))
    most = case.limits.get("maxProperties", _INFINITE)
    if not any(one.depends for one in case.fields) and left.empty(case.others(left.side)):
        most = min(most, len(case.names()))
    limits = target.limits
    return bool(
        least >= limits.get("minProperties", 0) and most <= limits.get("maxProperties", _INFINITE)
    )


def numbers_within(case: Case, target: Case) -> bool:
    """Whether the numbers of one case are among those of another."""
    if target.whole and not case.whole and not any(_whole(step) for step in case.steps):
        return False
    steps = {*case.steps, 1} if case.whole else case.steps
    if not all(any(_divides(step, held) for held in steps) for step in target.steps):
        return False
    low, high = edges(case)
    limits = target.limits
    return (
        low >= (limits.get("minimum", -_INFINITE), False)
        and high <= (limits.get("maximum", _INFINITE), True)
        and low >= (limits.get("exclusiveMinimum", -_INFINITE), "exclusiveMinimum" in limits)
        and high <= (limits.get("exclusiveMaximum", _INFINITE), "exclusiveMaximum" not in limits)
    )


def edges(case: Case) -> tuple[tuple[Any, bool], tuple[Any, bool]]:
    """The lowest and the highest number, in an order where an open end lies further inside.

    The lowest is ``(value, open)``, the highest ``(value, closed)``; of whole numbers the
    ends are closed and whole.
    """
    limits = case.limits
    low = max(
        (limits.get("minimum", -_INFINITE), False),
        (limits.get("exclusiveMinimum", -_INFINITE), "exclusiveMinimum" in limits),
    )
    high = min(
        (limits.get("maximum", _INFINITE), True),
        (limits.get("exclusiveMaximum", _INFINITE), "exclusiveMaximum" not in limits),
    )
    return (_up(low), _down(high)) if case.whole else (low, high)


def _up(low: tuple[Any, bool]) -> tuple[Any, bool]:
    value, is_open = low
    if value == -_INFINITE:
        return low
    floor = value.__floor__()
    return (floor + 1 if is_open or floor != value else floor), False


def _down(high: tuple[Any, bool]) -> tuple[Any, bool]:
    value, closed = high
    if value == _INFINITE:
        return high
    floor = value.__floor__()
    return (floor - 1 if not closed and floor == value else floor), True


def _whole(step: Any) -> bool:
    return bool(step == int(step))


def _divides(step: Any, held: Any) -> bool:
    """Whether every multiple of ``held`` is one of ``step``; of fractions only equal ones count.

    Validators disagree on multiples of fractions.
    """
    if step == held:
        return True
    return _whole(step) and _whole(held) and Fraction(held) % Fraction(step) == 0
