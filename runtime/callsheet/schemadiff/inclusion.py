"""Prove that every value of the old schema is one of the new, and test single values."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from callsheet.schemadiff.normal_form import kind_of, value_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from callsheet.schemadiff.normal_form import Case, Cases, OpaqueRule
    from callsheet.schemadiff.view import Conjunction


Verdict = bool | None
"""``None`` where an opaque rule decides."""


def passes(
    cases: Cases, case: Case, value: Any, obeyed: frozenset[OpaqueRule] = frozenset()
) -> Verdict:
    """Return whether a value passes one case; ``None`` where opaque rules decide.

    The rules in ``obeyed`` count as passed.
    """
    kind = kind_of(value)
    if kind not in case.kinds:
        return False
    if case.values is not None and value_key(value) not in case.values:
        return False
    verdict = _conjoin(_TESTS[kind](cases, case, value)) if kind in _TESTS else True
    if verdict is True and not case.rules(kind) <= obeyed:
        return None
    return verdict


def is_member(cases: Cases, conjunction: Conjunction, value: Any) -> Verdict:
    """Return whether a value passes a case of a conjunction; ``None`` where opaque rules decide."""
    verdicts = [passes(cases, case, value) for case in cases.of(conjunction)]
    if True in verdicts:
        return True
    return None if None in verdicts else False


def _conjoin(verdicts: Iterable[Verdict]) -> Verdict:
    """Return False if any verdict is, else ``None`` if any is."""
    conjoined: Verdict = True
    for verdict in verdicts:
        if verdict is False:
            return False
        conjoined = conjoined and verdict
    return conjoined


def _test_number(cases: Cases, case: Case, number: Any) -> Iterable[Verdict]:
    limits = case.limits
    yield not (case.integral and number != int(number))
    yield not ("minimum" in limits and number < limits["minimum"])
    yield not ("maximum" in limits and number > limits["maximum"])
    yield not ("exclusiveMinimum" in limits and number <= limits["exclusiveMinimum"])
    yield not ("exclusiveMaximum" in limits and number >= limits["exclusiveMaximum"])
    for multiple in case.multiples:
        exact = number == int(number) and multiple == int(multiple)
        yield int(number) % int(multiple) == 0 if exact else None


def _test_string(cases: Cases, case: Case, text: str) -> Iterable[Verdict]:
    yield _has_size(case, len(text), "minLength", "maxLength")


def _test_array(cases: Cases, case: Case, array: list[Any]) -> Iterable[Verdict]:
    yield _has_size(case, len(array), "minItems", "maxItems")
    if case.unique:
        yield len(set(map(value_key, array))) == len(array)
    for index, element in enumerate(array):
        yield is_member(cases, case.item(index), element)


def _test_object(cases: Cases, case: Case, fields: dict[str, Any]) -> Iterable[Verdict]:
    yield _has_size(case, len(fields), "minProperties", "maxProperties")
    yield case.required <= fields.keys()
    for name, value in fields.items():
        yield is_member(cases, case.field(name), value)


def _has_size(case: Case, size: int, low: str, high: str) -> bool:
    return bool(case.limits.get(low, 0) <= size <= case.limits.get(high, size))


_TESTS: Mapping[str, Callable[..., Iterable[Verdict]]] = {
    "number": _test_number,
    "string": _test_string,
    "array": _test_array,
    "object": _test_object,
}


_MAX_STEPS = 20_000
_INFINITE = float("inf")


class Proof:
    """A proof that one schema lies within another one; yes only where it is certain.

    Recursive schemas are compared by coinduction: a pair that is met again below itself
    holds if everything else about it does, since a value is finite. A pair that fails takes
    back all that was concluded from it.
    """

    def __init__(self, inner: Cases, outer: Cases) -> None:
        self.inner, self.outer = inner, outer
        self._decidable = inner.view.decidable and outer.view.decidable
        self._steps_left = _MAX_STEPS
        self._assumed: dict[tuple[Any, ...], None] = {}
        self._refuted: set[tuple[Any, ...]] = set()

    def is_included(self, inner: Conjunction, outer: Conjunction) -> bool:
        """Tell whether every value of the inner conjunction is one of the outer one."""
        if set(self.outer.view.keys(outer)) <= set(self.inner.view.keys(inner)):
            return True
        if not self._decidable:
            return False
        pair = (self.inner.view.identity(inner), self.outer.view.identity(outer))
        self._steps_left -= 1
        if pair in self._assumed:
            return True
        if pair in self._refuted or self._steps_left < 0:
            return False
        assumptions = len(self._assumed)
        self._assumed[pair] = None
        holds = self._holds(inner, outer)
        if not holds:
            while len(self._assumed) > assumptions:
                self._assumed.popitem()
            self._refuted.add(pair)
        return holds

    def _holds(self, inner: Conjunction, outer: Conjunction) -> bool:
        targets = self.outer.of(outer)
        return all(
            self._is_covered(case, kind, targets)
            for case in self.inner.of(inner)
            for kind in case.kinds
        )

    def _is_covered(self, case: Case, kind: str, targets: tuple[Case, ...]) -> bool:
        if self.inner.is_impossible(case, kind):
            return True
        values = case.finite_values(kind)
        if values is None:
            return any(self._is_within(case, kind, target) for target in targets)
        rules = case.rules(kind)
        return all(
            passes(self.inner, case, value) is False
            or any(passes(self.outer, target, value, rules) is True for target in targets)
            for value in values
        )

    def _is_within(self, case: Case, kind: str, target: Case) -> bool:
        if kind not in target.kinds or target.values is not None:
            return False
        if not target.rules(kind) <= case.rules(kind):
            return False
        if kind == "number":
            return _are_numbers_within(case, target)
        if kind == "array":
            return self._are_arrays_within(case, target)
        if kind == "object":
            return self._are_objects_within(case, target)
        return kind != "string" or _are_sizes_within(
            case.limits, target.limits, "minLength", "maxLength"
        )

    def _are_arrays_within(self, case: Case, target: Case) -> bool:
        longest = self._longest(case)
        limits = {**case.limits, "maxItems": longest}
        if not _are_sizes_within(limits, target.limits, "minItems", "maxItems"):
            return False
        if target.unique and not case.unique and longest > 1:
            return False
        return all(
            index >= longest or self.is_included(case.item(index), target.item(index))
            for index in range(max(case.prefix_length(), target.prefix_length()) + 1)
        )

    def _longest(self, case: Case) -> Any:
        """Return the greatest number of items: none follows where no value passes."""
        impossible = (
            index
            for index in range(case.prefix_length() + 1)
            if self.inner.is_empty(case.item(index))
        )
        return min(case.limits.get("maxItems", _INFINITE), next(impossible, _INFINITE))

    def _are_objects_within(self, case: Case, target: Case) -> bool:
        if not target.required <= case.required:
            return False
        if not self._are_field_counts_within(case, target):
            return False
        return all(
            self.is_included(case.field(name), target.field(name))
            for name in sorted(case.declared() | target.declared())
        ) and self.is_included(case.additional(), target.additional())

    def _are_field_counts_within(self, case: Case, target: Case) -> bool:
        least = max(case.limits.get("minProperties", 0), len(case.required))
        most = case.limits.get("maxProperties", _INFINITE)
        by_pattern = any(fields.by_pattern for fields in case.fields)
        if not by_pattern and self.inner.is_empty(case.additional()):
            most = min(most, len(case.declared()))
        limits = {"minProperties": least, "maxProperties": most}
        return _are_sizes_within(limits, target.limits, "minProperties", "maxProperties")


def _are_sizes_within(
    limits: Mapping[str, Any], target: Mapping[str, Any], low: str, high: str
) -> bool:
    return bool(
        limits.get(low, 0) >= target.get(low, 0)
        and limits.get(high, _INFINITE) <= target.get(high, _INFINITE)
    )


def _are_numbers_within(case: Case, target: Case) -> bool:
    if target.integral and not case.integral and not any(map(_is_whole, case.multiples)):
        return False
    multiples = {*case.multiples, 1} if case.integral else case.multiples
    if not all(any(_divides(step, own) for own in multiples) for step in target.multiples):
        return False
    low, high = bounds(case)
    target_low, target_high = _open_bounds(target.limits)
    return low >= target_low and high <= target_high


def bounds(case: Case) -> tuple[tuple[Any, bool], tuple[Any, bool]]:
    """Return the lowest and the highest number, so ordered that an open bound is further inside.

    The lowest is ``(number, is_open)``, the highest ``(number, is_closed)``; of integers both
    bounds are closed and whole.
    """
    low, high = _open_bounds(case.limits)
    return (_round_up(low), _round_down(high)) if case.integral else (low, high)


def _open_bounds(limits: Mapping[str, Any]) -> tuple[tuple[Any, bool], tuple[Any, bool]]:
    low = max(
        (limits.get("minimum", -_INFINITE), False),
        (limits.get("exclusiveMinimum", -_INFINITE), "exclusiveMinimum" in limits),
    )
    high = min(
        (limits.get("maximum", _INFINITE), True),
        (limits.get("exclusiveMaximum", _INFINITE), "exclusiveMaximum" not in limits),
    )
    return low, high


def _round_up(low: tuple[Any, bool]) -> tuple[Any, bool]:
    number, is_open = low
    if number == -_INFINITE:
        return low
    floor = number.__floor__()
    return (floor + 1 if is_open or floor != number else floor), False


def _round_down(high: tuple[Any, bool]) -> tuple[Any, bool]:
    number, is_closed = high
    if number == _INFINITE:
        return high
    floor = number.__floor__()
    return (floor - 1 if not is_closed and floor == number else floor), True


def _is_whole(number: Any) -> bool:
    return bool(number == int(number))


def _divides(divisor: Any, number: Any) -> bool:
    """Tell whether every multiple of ``number`` is one of ``divisor``.

    Of fractions only equal ones count: validators disagree on their multiples.
    """
    if divisor == number:
        return True
    return _is_whole(divisor) and _is_whole(number) and Fraction(number) % Fraction(divisor) == 0
