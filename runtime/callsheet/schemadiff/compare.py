"""Walk two schemas side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.schemadiff import phrases
from callsheet.schemadiff.cases import kind_of, value_key
from callsheet.schemadiff.compare_kinds import compare_variants
from callsheet.schemadiff.difference import Attempt, any_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.errors import Pointer
    from callsheet.schemadiff.cases import Case, OpaqueRule
    from callsheet.schemadiff.difference import Comparison
    from callsheet.schemadiff.view import Conjunction


_TEXTS = ("title", "description", "examples", "readOnly", "writeOnly")


def find_differences(comparison: Comparison) -> None:
    """Add every difference; that of a shared schema where it is least deep."""
    comparison.enqueue(comparison.old.view.root, comparison.new.view.root, ())
    while comparison.pending:
        comparison.old_samples.renew_budget()
        comparison.new_samples.renew_budget()
        _compare_conjunctions(comparison, *comparison.pending.popleft())


def _compare_conjunctions(
    comparison: Comparison, old: Conjunction, new: Conjunction, pointer: Pointer
) -> None:
    if comparison.old.view.text(old) == comparison.new.view.text(new):
        return
    _compare_annotations(comparison, old, new, pointer)
    old_cases, new_cases = comparison.old.of(old), comparison.new.of(new)
    if comparison.old.view.keys(old) != comparison.new.view.keys(new):
        _compare_kinds(comparison, old_cases, new_cases, pointer)
        _compare_opaque_rules(comparison, old_cases, new_cases, pointer)
    for kind in ("string", "number", "array", "object"):
        old_variants = [case for case in old_cases if kind in case.kinds and case.values is None]
        new_variants = [case for case in new_cases if kind in case.kinds and case.values is None]
        if old_variants and new_variants:
            compare_variants(comparison, kind, old_variants, new_variants, pointer)


def _compare_annotations(
    comparison: Comparison, old: Conjunction, new: Conjunction, pointer: Pointer
) -> None:
    before, after = comparison.old.view.annotations(old), comparison.new.view.annotations(new)
    if _differ(before, after, "default") or ("default" in before) != ("default" in after):
        phrase = phrases.default(before, after)
        comparison.add("default", pointer, phrase, severity="additive")
    if bool(before.get("deprecated")) != bool(after.get("deprecated")):
        phrase = "is now deprecated" if after.get("deprecated") else "is no longer deprecated"
        comparison.add("deprecated", pointer, phrase, severity="text")
    if any(_differ(before, after, keyword) for keyword in _TEXTS):
        comparison.add("text", pointer, phrases.DESCRIBED, severity="text")


def _differ(before: dict[str, Any], after: dict[str, Any], keyword: str) -> bool:
    return value_key(before.get(keyword)) != value_key(after.get(keyword))


def _compare_kinds(
    comparison: Comparison,
    old_cases: tuple[Case, ...],
    new_cases: tuple[Case, ...],
    pointer: Pointer,
) -> None:
    """Add which kinds and which listed values come and go."""
    old, new = _open_kinds(old_cases), _open_kinds(new_cases)
    old_values, new_values = _listed_values(old_cases, old), _listed_values(new_cases, new)
    lost, gained = old - new, new - old
    attempts = any_value(pointer)
    if lost and gained and not (old & new or old_values or new_values):
        phrase = f"takes {_kind_names(gained, new_cases)} instead of {_kind_names(lost, old_cases)}"
        comparison.add("kind", pointer, phrase, losses=attempts, gains=attempts)
        return
    only = [value for value in new_values.values() if kind_of(value) in lost]
    if only:
        phrase = f"now takes only {phrases.enumerate_values(only)}"
        comparison.add("values-lost", pointer, phrase, losses=attempts)
    lost -= set(map(kind_of, only))
    if lost:
        phrase = f"no longer takes {_kind_names(lost, old_cases)}"
        comparison.add("kind-lost", pointer, phrase, losses=attempts)
    opened = gained & set(map(kind_of, old_values.values()))
    if opened:
        phrase = f"now takes any {_kind_names(opened, new_cases)}"
        comparison.add("values-new", pointer, phrase, gains=attempts)
    if gained - opened:
        phrase = f"now also takes {_kind_names(gained - opened, new_cases)}"
        comparison.add("kind-new", pointer, phrase, gains=attempts)
    _add_values(comparison, pointer, lost=_only_in(old_values, new_values, new))
    _add_values(comparison, pointer, gained=_only_in(new_values, old_values, old))


def _add_values(
    comparison: Comparison, pointer: Pointer, lost: Sequence[Any] = (), gained: Sequence[Any] = ()
) -> None:
    if lost:
        phrase = f"no longer takes {phrases.enumerate_values(lost)}"
        comparison.add("values-lost", pointer, phrase, losses=(Attempt(pointer, tuple(lost)),))
    if gained:
        phrase = f"now also takes {phrases.enumerate_values(gained)}"
        comparison.add("values-new", pointer, phrase, gains=(Attempt(pointer, tuple(gained)),))


def _compare_opaque_rules(
    comparison: Comparison,
    old_cases: tuple[Case, ...],
    new_cases: tuple[Case, ...],
    pointer: Pointer,
) -> None:
    old_rules, new_rules = _opaque_rules(old_cases), _opaque_rules(new_cases)
    removed = [rule for rule in old_rules if rule not in new_rules]
    attempts = any_value(pointer)
    for rule in new_rules:
        if rule in old_rules:
            continue
        twin = next((other for other in removed if other.keyword == rule.keyword), None)
        if twin is not None:
            removed.remove(twin)
        phrase = phrases.rule(rule.keyword, _rule_value(twin), _rule_value(rule))
        gains = None if twin is None else attempts
        comparison.add("rule", pointer, phrase, losses=attempts, gains=gains)
    for rule in removed:
        phrase = phrases.rule(rule.keyword, _rule_value(rule), None)
        comparison.add("rule", pointer, phrase, gains=attempts)


def _opaque_rules(cases: tuple[Case, ...]) -> list[OpaqueRule]:
    """Return the rules of the cases, each once, in an order that is the same in every run."""
    rules = (
        rule
        for case in cases
        for rule in sorted(case.opaque, key=lambda rule: (rule.keyword, rule.key))
    )
    return list(dict.fromkeys(rules))


def _rule_value(rule: OpaqueRule | None) -> Any:
    if rule is None:
        return None
    return rule.schema.get(rule.keyword) if isinstance(rule.schema, dict) else rule.schema


def _kind_names(kinds: frozenset[str], cases: tuple[Case, ...]) -> str:
    numeric = [case for case in cases if "number" in case.kinds]
    integral = numeric and all(case.integral for case in numeric)
    return phrases.kinds("integer" if integral and kind == "number" else kind for kind in kinds)


def _open_kinds(cases: tuple[Case, ...]) -> frozenset[str]:
    """Return the kinds of which any value may come, and null, of which there is but one."""
    kinds = {kind for case in cases if case.values is None for kind in case.kinds}
    if any(case.values is not None and value_key(None) in case.values for case in cases):
        kinds.add("null")
    return frozenset(kinds)


def _listed_values(cases: tuple[Case, ...], open_kinds: frozenset[str]) -> dict[str, Any]:
    """Return the listed values by key, without those of open kinds."""
    return {
        key: value
        for case in cases
        for key, value in (case.values or {}).items()
        if kind_of(value) in case.kinds and kind_of(value) not in open_kinds
    }


def _only_in(
    values: dict[str, Any], others: dict[str, Any], open_kinds: frozenset[str]
) -> list[Any]:
    """Return the listed values that the other side neither lists nor takes by kind."""
    return [
        value
        for key, value in values.items()
        if key not in others and kind_of(value) not in open_kinds
    ]
