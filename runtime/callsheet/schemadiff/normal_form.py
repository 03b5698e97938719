"""Represent a schema as a union of cases, each a conjunction of limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations, product
from math import prod
from typing import TYPE_CHECKING, Any

from callsheet.jsonio import canonical
from callsheet.schema.keywords import UNCHECKED
from callsheet.schema.shape import KINDS, kind_of_value
from callsheet.schemadiff.view import conjoin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet.schemadiff.view import Conjunction, SchemaView


_MAX_CASES = 128
_MAX_NESTED = 2
_OPAQUE: Mapping[str, str] = {
    **dict.fromkeys(("pattern", "format", "contentEncoding", "contentMediaType"), "string"),
    **dict.fromkeys(("contains", "minContains", "maxContains", "unevaluatedItems"), "array"),
    **dict.fromkeys(("propertyNames", "dependentRequired", "dependentSchemas"), "object"),
    **dict.fromkeys(("dependencies", "patternProperties", "unevaluatedProperties"), "object"),
    **dict.fromkeys(("not", "if", UNCHECKED), ""),
}
_TOGETHER: Mapping[str, tuple[str, ...]] = {
    "contains": ("contains", "minContains", "maxContains"),
    "if": ("if", "then", "else"),
    "patternProperties": ("patternProperties", "additionalProperties"),
}
_IN_PLACE = frozenset(("$ref", "allOf", "anyOf", "oneOf", "if", "not", "dependentSchemas"))
_EVALUATING = _IN_PLACE | {"patternProperties"}
_UNEVALUATED = frozenset(("unevaluatedItems", "unevaluatedProperties"))
LOWER = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
UPPER = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one schema object: those it declares, and the schema of additional ones.

    ``additional`` is ``True`` where they are free, or where it depends on their names.
    """

    declared: Mapping[str, Any]
    additional: Any = True
    by_pattern: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """The items of an array in one schema object: schemas of the first ones and of the rest."""

    prefix: tuple[Any, ...]
    rest: Any = True

    def at(self, index: int) -> Any:
        """Return the schema of the item at an index."""
        return self.prefix[index] if index < len(self.prefix) else self.rest


@dataclass(frozen=True, slots=True)
class OpaqueRule:
    """A rule that is compared as a whole: either both sides have it, or nothing is known.

    ``kind`` is the only kind of value that it applies to, empty for every kind.
    """

    kind: str
    keyword: str
    key: str
    schema: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A conjunction: a value passes when it has one of the kinds and obeys every other field.

    ``values`` holds the listed values, if any, by their :func:`value_key`. ``integral`` applies
    to numbers alone, as ``multiples`` (of ``multipleOf``) does; ``limits`` are JSON Schema's.
    """

    kinds: frozenset[str] = KINDS
    values: Mapping[str, Any] | None = None
    integral: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)
    multiples: frozenset[Any] = frozenset()
    unique: bool = False
    required: frozenset[str] = frozenset()
    fields: tuple[Fields, ...] = ()
    items: tuple[Items, ...] = ()
    opaque: frozenset[OpaqueRule] = frozenset()

    def rules(self, kind: str) -> frozenset[OpaqueRule]:
        """Return the opaque rules that apply to a kind of value."""
        return frozenset(rule for rule in self.opaque if rule.kind in {"", kind})

    def finite_values(self, kind: str) -> tuple[Any, ...] | None:
        """Return the values of a kind where there are finitely many, else ``None``."""
        if self.values is not None:
            return tuple(value for value in self.values.values() if kind_of(value) == kind)
        return _FINITE_KINDS.get(kind)

    def declared(self) -> frozenset[str]:
        """Return the names of all declared fields."""
        return frozenset(name for fields in self.fields for name in fields.declared)

    def field(self, name: str) -> Conjunction:
        """Return the schemas of a field."""
        return conjoin(*(each.declared.get(name, each.additional) for each in self.fields))

    def additional(self) -> Conjunction:
        """Return the schemas of every undeclared field."""
        return conjoin(*(each.additional for each in self.fields))

    def item(self, index: int) -> Conjunction:
        """Return the schemas of the item at an index."""
        return conjoin(*(each.at(index) for each in self.items))

    def prefix_length(self) -> int:
        """Return how many items have schemas of their own."""
        return max((len(items.prefix) for items in self.items), default=0)


_FINITE_KINDS: Mapping[str, tuple[Any, ...]] = {"null": (None,), "boolean": (False, True)}


def kind_of(value: object) -> str:
    """Return the kind of a JSON value; every number is a ``number``."""
    kind = kind_of_value(value)
    return "number" if kind == "integer" else kind


def value_key(value: object) -> str:
    """Return one text for equal JSON values: 1 and 1.0 are equal, 1 and true are not."""
    return canonical(_without_points(value))


def _without_points(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_points(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_points(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def intersect(case: Case, other: Case) -> Case:
    """Return the case of the values that pass both cases."""
    values = case.values
    if values is None or other.values is None:
        values = other.values if values is None else values
    else:
        values = {key: values[key] for key in values if key in other.values}
    kinds = case.kinds & other.kinds
    if values is not None:
        kinds &= frozenset(map(kind_of, values.values()))
    return replace(
        case,
        kinds=kinds,
        values=values,
        integral=case.integral or other.integral,
        limits=_tightest(case.limits, other.limits),
        multiples=case.multiples | other.multiples,
        unique=case.unique or other.unique,
        required=case.required | other.required,
        fields=case.fields + other.fields,
        items=case.items + other.items,
        opaque=case.opaque | other.opaque,
    )


def _tightest(limits: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    tightest = {**limits, **other}
    for key in limits.keys() & other.keys():
        tightest[key] = (max if key in LOWER else min)(limits[key], other[key])
    return tightest


class Cases:
    """The cases of each conjunction of one schema, computed once."""

    def __init__(self, view: SchemaView) -> None:
        self.view = view
        self._nested = 0
        self._cached: dict[tuple[int, ...], tuple[Case, ...]] = {}

    def of(self, conjunction: Conjunction) -> tuple[Case, ...]:
        """Return the cases of a conjunction; none where nothing passes.

        A schema that has no such form is kept as an opaque rule: read without it, the cases
        allow more than the schema does and never less.
        """
        key = tuple(map(id, conjunction))
        cases = self._cached.get(key)
        if cases is None:
            parts = [self._of_schema(schema) for schema in conjunction]
            cases = self._intersect(parts, list(conjunction))
            if not self._nested:
                self._cached[key] = cases
        return cases

    def _intersect(self, parts: list[tuple[Case, ...]], schema: Any) -> tuple[Case, ...]:
        if prod(max(len(part), 1) for part in parts) > _MAX_CASES:
            return (self._opaque_case(schema, ""),)
        cases: tuple[Case, ...] = (Case(),)
        for part in parts:
            cases = tuple(case for pair in product(cases, part) if (case := intersect(*pair)).kinds)
        return cases

    def _of_schema(self, schema: Any) -> tuple[Case, ...]:
        if schema is False or schema == {"not": {}}:
            return ()
        if not isinstance(schema, dict) or not schema:
            return (Case(),)
        return self._intersect([(self._own_case(schema),), *self._in_place(schema)], schema)

    def _opaque_case(self, schema: Any, keyword: str) -> Case:
        return Case(opaque=frozenset({OpaqueRule("", keyword, self.view.key(schema), schema)}))

    def _in_place(self, schema: dict[str, Any]) -> Iterable[tuple[Case, ...]]:
        """Yield the cases of each schema that applies to the same value."""
        if "$ref" in schema:
            yield self._of_schema(self.view.resolve(schema))
        for part in schema.get("allOf", ()):
            yield self._of_schema(part)
        if "anyOf" in schema:
            yield _fold(
                tuple(case for branch in schema["anyOf"] for case in self._of_schema(branch))
            )
        if "oneOf" in schema:
            yield self._one_of(schema["oneOf"])

    def _one_of(self, branches: list[Any]) -> tuple[Case, ...]:
        """Return the union of the branches, with an opaque rule unless they are disjoint."""
        parts = [self._of_schema(branch) for branch in branches]
        cases = _fold(tuple(case for part in parts for case in part), disjoint=True)
        if len(cases) == 1 and len(parts) > 1:
            return cases
        pairs = (pair for branches in combinations(parts, 2) for pair in product(*branches))
        if len(cases) <= _MAX_CASES and all(self.are_disjoint(*pair) for pair in pairs):
            return cases
        rule = self._opaque_case(branches, "oneOf")
        return tuple(intersect(case, rule) for case in cases)

    def are_disjoint(self, case: Case, other: Case, depth: int = 2) -> bool:
        """Tell whether it is certain that no value passes both cases."""
        if self._nested >= _MAX_NESTED:
            return False
        self._nested += 1
        common = intersect(case, other)
        disjoint = all(self.is_impossible(common, kind, depth) for kind in common.kinds)
        self._nested -= 1
        return disjoint

    def is_impossible(self, case: Case, kind: str, depth: int = 2) -> bool:
        """Tell whether it is certain that no value of a kind passes."""
        if kind not in case.kinds or case.finite_values(kind) == ():
            return True
        low, high = _SIZES.get(kind, ("", ""))
        if low and case.limits.get(low, 0) > case.limits.get(high, float("inf")):
            return True
        if kind == "number":
            return _has_no_number(case.limits)
        if kind != "object" or depth <= 0:
            return False
        return any(self.is_empty(case.field(name), depth - 1) for name in case.required)

    def is_empty(self, conjunction: Conjunction, depth: int = 2) -> bool:
        """Tell whether it is certain that no value passes."""
        return all(
            self.is_impossible(case, kind, depth)
            for case in self.of(conjunction)
            for kind in case.kinds
        )

    def _own_case(self, schema: dict[str, Any]) -> Case:
        values = _values(schema)
        kinds, integral = _kinds(schema)
        if values is not None:
            kinds &= frozenset(map(kind_of, values.values()))
        limits = {
            key: _exact(schema[key])
            for key in sorted(LOWER | UPPER)
            if key in schema and not isinstance(schema[key], bool)
        }
        return Case(
            kinds=kinds,
            values=values,
            integral=integral,
            limits=limits,
            multiples=frozenset([schema["multipleOf"]] if "multipleOf" in schema else []),
            unique=schema.get("uniqueItems") is True,
            required=frozenset(schema.get("required", ())),
            fields=_fields(schema),
            items=_items(schema, self.view.draft),
            opaque=frozenset(self._opaque_rules(schema)),
        )

    def _opaque_rules(self, schema: dict[str, Any]) -> Iterable[OpaqueRule]:
        old = self.view.draft.startswith("draft")
        for keyword in _OPAQUE.keys() & schema.keys():
            if keyword in {"minContains", "maxContains"} or (keyword == "dependencies" and not old):
                continue
            if keyword == "unevaluatedProperties" and not _EVALUATING & schema.keys():
                continue  # it is additionalProperties then, see _fields
            related = _TOGETHER.get(keyword, (keyword,))
            rule = {key: schema[key] for key in related if key in schema}
            if keyword == "patternProperties" and "additionalProperties" in schema:
                rule["properties"] = dict.fromkeys(schema.get("properties", {}), True)
            if keyword in _UNEVALUATED:
                rule = schema
            yield OpaqueRule(_OPAQUE[keyword], keyword, self.view.key(rule), rule)


_SIZES = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


def _fold(cases: tuple[Case, ...], *, disjoint: bool = False) -> tuple[Case, ...]:
    """Merge cases that only list values; with ``disjoint`` only if no value is listed twice."""
    pairs = [
        (key, value)
        for case in cases
        for key, value in (case.values or {}).items()
        if kind_of(value) in case.kinds
    ]
    plain = all(case == Case(kinds=case.kinds, values=case.values) for case in cases)
    if not pairs or not plain or any(case.values is None for case in cases):
        return cases
    values = dict(pairs)
    if disjoint and len(values) < len(pairs):
        return cases
    kinds = frozenset(map(kind_of, values.values()))
    return (Case(kinds=kinds, values=values),)


def _exact(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _has_no_number(limits: Mapping[str, Any]) -> bool:
    lows = [limits[key] for key in ("minimum", "exclusiveMinimum") if key in limits]
    highs = [limits[key] for key in ("maximum", "exclusiveMaximum") if key in limits]
    return bool(lows and highs) and max(lows) > min(highs)


def _values(schema: dict[str, Any]) -> dict[str, Any] | None:
    listed = {value_key(value): value for value in schema["enum"]} if "enum" in schema else None
    if "const" not in schema:
        return listed
    key = value_key(schema["const"])
    return {key: schema["const"]} if listed is None or key in listed else {}


def _kinds(schema: dict[str, Any]) -> tuple[frozenset[str], bool]:
    """Return the kinds of a schema's values, and whether its numbers are integers."""
    declared = schema.get("type")
    if declared is None:
        return KINDS, False
    types = frozenset([declared] if isinstance(declared, str) else declared)
    kinds = frozenset("number" if name == "integer" else name for name in types) & KINDS
    return kinds, "integer" in types and "number" not in types


def _fields(schema: dict[str, Any]) -> tuple[Fields, ...]:
    declared = schema.get("properties", {})
    additional = schema.get("additionalProperties", True)
    if "additionalProperties" not in schema and not _IN_PLACE & schema.keys():
        additional = schema.get("unevaluatedProperties", True)
    if "patternProperties" in schema:
        return (Fields(declared, True, by_pattern=True),)
    return (Fields(declared, additional),) if declared or additional is not True else ()


def _items(schema: dict[str, Any], draft: str) -> tuple[Items, ...]:
    items = schema.get("items", True)
    if draft == "2020-12":
        prefix, rest = schema.get("prefixItems", []), items
    elif isinstance(items, list):
        prefix, rest = items, schema.get("additionalItems", True)
    else:
        prefix, rest = [], items
    return (Items(tuple(prefix), rest),) if prefix or rest is not True else ()
