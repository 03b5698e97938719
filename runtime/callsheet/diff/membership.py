"""Whether a value passes a case: yes, no, or not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.diff.cases import kind_of, mark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.diff.cases import Case, Opaque
    from callsheet.diff.normal import Cases
    from callsheet.diff.sides import Conj

Verdict = bool | None


def passes(
    cases: Cases, case: Case, value: Any, granted: frozenset[Opaque] = frozenset()
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
