"""Walk two schemas side by side, and compare what they say of each kind of value."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from callsheet.schemadiff import phrases
from callsheet.schemadiff.counterexample import EXTRA, MISSING
from callsheet.schemadiff.difference import Attempt, any_value
from callsheet.schemadiff.normal_form import UPPER, Case, kind_of, value_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.errors import Pointer
    from callsheet.schemadiff.difference import Attempts, Comparison
    from callsheet.schemadiff.normal_form import Cases, OpaqueRule
    from callsheet.schemadiff.samples import Samples
    from callsheet.schemadiff.view import Conjunction


_TEXTS = ("title", "description", "examples", "readOnly", "writeOnly")
UNDECLARED_VALUES: tuple[Any, ...] = ("x", 1, None, [], {}, True, 0.5)
"""Values that an undeclared field may have had."""

_LIMITS = {
    "string": ("minLength", "maxLength"),
    "number": ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_LONGEST_TEXT = 200_000
_MAX_ITEMS = 2_000


def find_differences(comparison: Comparison) -> None:
    """Add every difference to ``comparison``; those of a shared schema where it is least deep."""
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


def compare_variants(
    comparison: Comparison, kind: str, old: list[Case], new: list[Case], pointer: Pointer
) -> None:
    """Pair the cases of one kind and compare each pair; report those without a partner."""
    if not len(old) == len(new) == 1:
        old, new = (
            [case for case in old if case not in new],
            [case for case in new if case not in old],
        )
    if kind == "object" and len(old) + len(new) > 2:
        old, new = _compare_tagged(comparison, old, new, pointer)
    if len(old) == len(new):
        for before, after in zip(old, new, strict=True):
            _compare_cases(comparison, kind, before, after, pointer)
    else:
        _add_alternatives(comparison, old, new, pointer)


def _compare_tagged(
    comparison: Comparison, old: list[Case], new: list[Case], pointer: Pointer
) -> tuple[list[Case], list[Case]]:
    """Compare objects that carry the same tag, or need the same fields; return the others."""
    by_tag = {tag: case for case in new for tag in _tags(comparison.new, case)}
    unpaired = []
    paired = set[int]()
    for case in old:
        twins = (by_tag[tag] for tag in _tags(comparison.old, case) if tag in by_tag)
        twin = next(twins, None)
        if twin is None or id(twin) in paired:
            unpaired.append(case)
            continue
        paired.add(id(twin))
        _compare_cases(comparison, "object", case, twin, pointer)
    return unpaired, [case for case in new if id(case) not in paired]


def _tags(cases: Cases, case: Case) -> list[tuple[str, str]]:
    """List the required fields that have a single value, with it."""
    tags = []
    for name in sorted(case.required):
        inner = cases.of(case.field(name))
        if len(inner) == 1 and inner[0].values is not None and len(inner[0].values) == 1:
            tags.append((name, next(iter(inner[0].values))))
    return tags or [("", value_key(sorted(case.required)))]


def _add_alternatives(
    comparison: Comparison, old: list[Case], new: list[Case], pointer: Pointer
) -> None:
    losses = _samples(comparison.old_samples, old, pointer) if old else None
    gains = _samples(comparison.new_samples, new, pointer) if new else None
    lost, gained = _tag_names(comparison.old, old), _tag_names(comparison.new, new)
    if old and new:
        phrase = f"has different alternatives{f' ({gained} instead of {lost})' if lost else ''}"
    elif old:
        phrase = f"lost an alternative{f' ({lost})' if lost else ''}"
    else:
        phrase = f"has a new alternative{f' ({gained})' if gained else ''}"
    comparison.add("alternatives", pointer, phrase, losses=losses, gains=gains)


def _tag_names(cases: Cases, unpaired: list[Case]) -> str:
    tags = [tag for case in unpaired for tag in _tags(cases, case)[:1]]
    return ", ".join(f"{name}: {value}" for name, value in tags if name)


def _samples(samples: Samples, cases: list[Case], pointer: Pointer) -> Attempts:
    values = [value for case in cases for value in samples.of_case(case, ())[:4]]
    return (Attempt(pointer, tuple(values)), Attempt(pointer))


def _compare_cases(
    comparison: Comparison, kind: str, old: Case, new: Case, pointer: Pointer
) -> None:
    for keyword in _LIMITS[kind]:
        _compare_limit(comparison, keyword, old, new, pointer)
    if kind == "number":
        compare_numbers(comparison, old, new, pointer)
    elif kind == "array":
        compare_arrays(comparison, old, new, pointer)
    elif kind == "object":
        compare_objects(comparison, old, new, pointer)


def _compare_limit(
    comparison: Comparison, keyword: str, old: Case, new: Case, pointer: Pointer
) -> None:
    before, after = old.limits.get(keyword), new.limits.get(keyword)
    if keyword.startswith("min") and keyword != "minimum":
        before, after = before or None, after or None
    if before == after:
        return
    phrase = phrases.limit(keyword, before, after)
    if after is not None and (before is None or (after < before) == (keyword in UPPER)):
        near = tuple(_near_limit(comparison.old_samples, keyword, after, old))
        losses = (Attempt(pointer, near), Attempt(pointer))
        comparison.add("limit", pointer, phrase, losses=losses)
    else:
        near = tuple(_near_limit(comparison.new_samples, keyword, before, new))
        comparison.add("limit", pointer, phrase, gains=(Attempt(pointer, near), Attempt(pointer)))


def _near_limit(samples: Samples, keyword: str, bound: Any, case: Case) -> Iterable[Any]:
    """Yield values of a case close to a limit, on either side of it."""
    if keyword in _LIMITS["number"]:
        numbers = (bound, bound + 1, bound - 1, bound + 0.5, bound - 0.5)
        yield from (number for number in numbers if not (case.integral and number != int(number)))
        for step in case.multiples:
            yield from ((bound // step + shift) * step for shift in (-1, 0, 1))
        return
    for size in (bound + 1, bound - 1, bound):
        if size < 0 or size > (_LONGEST_TEXT if keyword.endswith("Length") else _MAX_ITEMS):
            continue
        if keyword.endswith("Length"):
            yield "x" * size
        elif keyword.endswith("Items"):
            sized = replace(case, limits={**case.limits, "minItems": size})
            array = samples.fill_array(sized, [])
            yield from () if array is None else (array,)
        else:
            yield from _objects_of_size(samples, case, size)


def _objects_of_size(samples: Samples, case: Case, size: int) -> Iterable[dict[str, Any]]:
    """Yield an object filled up with undeclared fields, and one with declared fields."""
    required = samples.build_object(case, None) or {}
    lacking = max(size - len(required), 0)
    undeclared = {f"{EXTRA}_{number}": 1 for number in range(lacking)}
    declared = {
        name: (samples.of(case.field(name)) or [None])[0]
        for name in sorted(case.declared() - required.keys())[:lacking]
    }
    yield from ({**required, **undeclared}, {**required, **declared})


def compare_numbers(comparison: Comparison, old: Case, new: Case, pointer: Pointer) -> None:
    """Record differences in what numbers must be besides their limits: whole, or multiples."""
    attempts = any_value(pointer)
    if new.integral and not old.integral:
        losses = (Attempt(pointer, (0.5, 1.5, 2.5)), *attempts)
        comparison.add("whole", pointer, "now takes only whole numbers", losses=losses)
    elif old.integral and not new.integral:
        comparison.add("whole", pointer, "now also takes fractions", gains=attempts)
    if set(map(value_key, old.multiples)) == set(map(value_key, new.multiples)):
        return
    comparison.add(
        "step",
        pointer,
        phrases.multiples(new.multiples),
        losses=attempts if new.multiples - old.multiples else None,
        gains=attempts if old.multiples - new.multiples else None,
    )


def compare_arrays(comparison: Comparison, old: Case, new: Case, pointer: Pointer) -> None:
    """Record a difference in ``uniqueItems``, and enqueue the items of the arrays."""
    if new.unique and not old.unique:
        losses = (Attempt(pointer, tuple(_with_repeated_item(comparison.old_samples, old))),)
        comparison.add("unique", pointer, "may no longer repeat items", losses=losses)
    elif old.unique and not new.unique:
        gains = (Attempt(pointer, tuple(_with_repeated_item(comparison.new_samples, new))),)
        comparison.add("unique", pointer, "may now repeat items", gains=gains)
    for index in range(max(old.prefix_length(), new.prefix_length()) + 1):
        comparison.enqueue(old.item(index), new.item(index), (*pointer, index))


def _with_repeated_item(samples: Samples, case: Case) -> Iterable[Any]:
    for element in samples.of(case.item(0))[:3]:
        array = samples.fill_array(replace(case, unique=False), [element, element])
        if array is not None:
            yield array


def compare_objects(comparison: Comparison, old: Case, new: Case, pointer: Pointer) -> None:
    """Compare the fields of objects, and enqueue those that both sides declare."""
    before, after = _possible_fields(comparison.old, old), _possible_fields(comparison.new, new)
    for name in sorted(old.declared() | new.declared() | old.required | new.required):
        inner = (*pointer, name)
        if name in before and name not in after:
            _add_removed_field(comparison, old, inner)
        elif name in after and name not in before:
            _add_new_field(comparison, old, new, inner)
        else:
            _compare_required(comparison, old, new, inner)
            if name in before:
                comparison.enqueue(old.field(name), new.field(name), inner)
    _compare_additional(comparison, old, new, pointer)


def _possible_fields(cases: Cases, case: Case) -> frozenset[str]:
    """Return the declared fields that some value may have."""
    names = case.declared()
    return frozenset(name for name in names if not cases.is_empty(case.field(name)))


def _compare_required(comparison: Comparison, old: Case, new: Case, pointer: Pointer) -> None:
    name = pointer[-1]
    missing = (Attempt(pointer, (MISSING,)),)
    if name in new.required and name not in old.required:
        comparison.add("required", pointer, "is now required", losses=missing)
    elif name in old.required and name not in new.required:
        comparison.add("optional", pointer, "is no longer required", gains=missing)


def _add_removed_field(comparison: Comparison, old: Case, pointer: Pointer) -> None:
    gains = (Attempt(pointer, (MISSING,)),) if pointer[-1] in old.required else ()
    losses = any_value(pointer)
    comparison.add("field-gone", pointer, "is gone", kind="removed", losses=losses, gains=gains)


def _add_new_field(comparison: Comparison, old: Case, new: Case, pointer: Pointer) -> None:
    name = str(pointer[-1])
    is_required = name in new.required
    losses: Attempts | None = (Attempt(pointer, (MISSING,)),) if is_required else None
    gains: Attempts | None = None
    before, after = old.field(name), new.field(name)
    if comparison.old.is_empty(before):
        comparison.newly_allowed.append(pointer)
    else:
        if not comparison.forward.is_included(before, after):
            if before or is_required:
                losses = (*(losses or ()), Attempt(pointer))
            else:
                comparison.newly_validated.append(pointer)
        if not comparison.backward.is_included(after, before):
            gains = any_value(pointer)
    phrase = "is new and required" if is_required else "is new"
    comparison.add("field-new", pointer, phrase, kind="added", losses=losses, gains=gains)


def _compare_additional(comparison: Comparison, old: Case, new: Case, pointer: Pointer) -> None:
    """Record differences in what fields may be that neither side declares, or enqueue them."""
    if any(fields.by_pattern for fields in (*old.fields, *new.fields)):
        return  # rules about names by pattern are compared as a whole
    before, after = old.additional(), new.additional()
    was_closed, is_closed = comparison.old.is_empty(before), comparison.new.is_empty(after)
    inner = (*pointer, EXTRA)
    attempts = (Attempt(inner, UNDECLARED_VALUES), Attempt(inner))
    if is_closed and not was_closed:
        comparison.add("closed", pointer, "now refuses undeclared fields", losses=attempts)
    elif was_closed and not is_closed:
        comparison.add("opened", pointer, "now takes undeclared fields", gains=attempts)
    elif was_closed:
        return
    elif after and not before:
        comparison.add("others", pointer, "now restricts undeclared fields", losses=attempts)
    elif before and not after:
        comparison.add("others", pointer, "no longer restricts undeclared fields", gains=attempts)
    else:
        comparison.enqueue(before, after, inner)
