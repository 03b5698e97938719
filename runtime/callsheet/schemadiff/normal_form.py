"""Rewrite a schema as a union of cases."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from callsheet.schema.shape import KINDS
from callsheet.schemadiff.cases import (
    LOWER,
    UPPER,
    Case,
    Fields,
    Items,
    OpaqueRule,
    both,
    kind_of,
    mark,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet.schemadiff.view import Conj, SchemaView


_MOST_CASES = 128
_MOST_NESTED = 2
_OPAQUE: Mapping[str, str] = {
    **dict.fromkeys(("pattern", "format", "contentEncoding", "contentMediaType"), "string"),
    **dict.fromkeys(("contains", "minContains", "maxContains", "unevaluatedItems"), "array"),
    **dict.fromkeys(("propertyNames", "dependentRequired", "dependentSchemas"), "object"),
    **dict.fromkeys(("dependencies", "patternProperties", "unevaluatedProperties"), "object"),
    **dict.fromkeys(("not", "if"), ""),
}
_TOGETHER: Mapping[str, tuple[str, ...]] = {
    "contains": ("contains", "minContains", "maxContains"),
    "if": ("if", "then", "else"),
    "patternProperties": ("patternProperties", "additionalProperties"),
}
_IN_PLACE = frozenset(("$ref", "allOf", "anyOf", "oneOf", "if", "not", "dependentSchemas"))
_APART = _IN_PLACE | {"patternProperties"}
_WHOLE = frozenset(("unevaluatedItems", "unevaluatedProperties"))


class Cases:
    """Gives the cases of what applies together on one side; each is worked out once."""

    def __init__(self, side: SchemaView) -> None:
        self.side = side
        self._nested = 0
        self._known: dict[tuple[int, ...], tuple[Case, ...]] = {}

    def of(self, conj: Conj) -> tuple[Case, ...]:
        """The cases; none where nothing passes.

        Where the schema cannot be taken apart, its rule is kept as opaque: read without
        it, the cases let through more than the schema does and never less.
        """
        mark_ = tuple(map(id, conj))
        found = self._known.get(mark_)
        if found is None:
            found = self._together([self._one(schema) for schema in conj], list(conj))
            if not self._nested:
                self._known[mark_] = found
        return found

    def _together(self, parts: list[tuple[Case, ...]], schema: Any) -> tuple[Case, ...]:
        wide = 1
        for part in parts:
            wide *= max(len(part), 1)
        return self._merged(parts) if wide <= _MOST_CASES else (self._closed(schema, ""),)

    def _merged(self, parts: list[tuple[Case, ...]]) -> tuple[Case, ...]:
        found: tuple[Case, ...] = (Case(),)
        for part in parts:
            found = tuple(
                case for one, other in product(found, part) if (case := both(one, other)).kinds
            )
        return found

    def _one(self, schema: Any) -> tuple[Case, ...]:
        if schema is False or schema == {"not": {}}:
            return ()
        if not isinstance(schema, dict) or not schema:
            return (Case(),)
        return self._together([(self._own(schema),), *self._parts(schema)], schema)

    def _closed(self, schema: Any, word: str) -> Case:
        return Case(opaque=frozenset({OpaqueRule("", word, self.side.key(schema), schema)}))

    def _parts(self, schema: dict[str, Any]) -> Iterable[tuple[Case, ...]]:
        if "$ref" in schema:
            yield self._one(self.side.target(schema))
        for part in schema.get("allOf", ()):
            yield self._one(part)
        if "anyOf" in schema:
            yield _folded(tuple(case for part in schema["anyOf"] for case in self._one(part)))
        if "oneOf" in schema:
            yield self._single(schema["oneOf"])

    def _single(self, branches: list[Any]) -> tuple[Case, ...]:
        """Exactly one of them: their union where no value passes two, else with a rule more."""
        found = [self._one(branch) for branch in branches]
        cases = _folded(tuple(case for part in found for case in part), apart=True)
        if len(cases) == 1 and len(found) > 1:
            return cases
        pairs = ((a, b) for i, part in enumerate(found) for a in part for b in _later(found, i))
        if len(cases) <= _MOST_CASES and all(self.apart(a, b) for a, b in pairs):
            return cases
        rule = self._closed(branches, "oneOf")
        return tuple(both(case, rule) for case in cases)

    def apart(self, one: Case, other: Case, depth: int = 2) -> bool:
        """Whether it is certain that no value passes both."""
        if self._nested >= _MOST_NESTED:
            return False
        self._nested += 1
        together = both(one, other)
        found = all(self.dead(together, kind, depth) for kind in together.kinds)
        self._nested -= 1
        return found

    def dead(self, case: Case, kind: str, depth: int = 2) -> bool:
        """Whether it is certain that no value of a kind passes."""
        if kind not in case.kinds or case.listed(kind) == ():
            return True
        low, high = _SPAN.get(kind, ("", ""))
        if low and case.limits.get(low, 0) > case.limits.get(high, float("inf")):
            return True
        if kind == "number":
            return _no_number(case.limits)
        if kind != "object" or depth <= 0:
            return False
        return any(self.empty(case.field(self.side, name), depth - 1) for name in case.required)

    def empty(self, conj: Conj, depth: int = 2) -> bool:
        """Whether it is certain that no value passes."""
        return all(self.dead(case, kind, depth) for case in self.of(conj) for kind in case.kinds)

    def _own(self, schema: dict[str, Any]) -> Case:
        values = _values(schema)
        kinds, whole = _kinds(schema)
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
            whole=whole,
            limits=limits,
            steps=frozenset([schema["multipleOf"]] if "multipleOf" in schema else []),
            unique=schema.get("uniqueItems") is True,
            required=frozenset(schema.get("required", ())),
            fields=_fields(schema),
            entries=_entries(schema, self.side.draft),
            opaque=frozenset(self._rules(schema)),
        )

    def _rules(self, schema: dict[str, Any]) -> Iterable[OpaqueRule]:
        old = self.side.draft.startswith("draft")
        for word in _OPAQUE.keys() & schema.keys():
            if word in {"minContains", "maxContains"} or (word == "dependencies" and not old):
                continue
            if word == "unevaluatedProperties" and not _APART & schema.keys():
                continue  # it is additionalProperties then, see _fields
            said = {key: schema[key] for key in _TOGETHER.get(word, (word,)) if key in schema}
            if word == "patternProperties" and "additionalProperties" in schema:
                said["properties"] = dict.fromkeys(schema.get("properties", {}), True)
            whole = schema if word in _WHOLE else said
            yield OpaqueRule(_OPAQUE[word], word, self.side.key(whole), whole)


_SPAN = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


def _folded(cases: tuple[Case, ...], *, apart: bool = False) -> tuple[Case, ...]:
    """Cases that only list values as a single one; with ``apart`` if none is listed twice."""
    values = [
        (name, value)
        for case in cases
        for name, value in (case.values or {}).items()
        if kind_of(value) in case.kinds
    ]
    plain = all(case == Case(kinds=case.kinds, values=case.values) for case in cases)
    if not values or not plain or any(case.values is None for case in cases):
        return cases
    kept = dict(values)
    if apart and len(kept) < len(values):
        return cases
    kinds = frozenset(map(kind_of, kept.values()))
    return (Case(kinds=kinds, values=kept),)


def _later(found: list[tuple[Case, ...]], index: int) -> list[Case]:
    return [case for part in found[index + 1 :] for case in part]


def _exact(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _no_number(limits: Mapping[str, Any]) -> bool:
    lows = [limits[key] for key in ("minimum", "exclusiveMinimum") if key in limits]
    highs = [limits[key] for key in ("maximum", "exclusiveMaximum") if key in limits]
    return bool(lows and highs) and max(lows) > min(highs)


def _values(schema: dict[str, Any]) -> dict[str, Any] | None:
    found = {mark(one): one for one in schema["enum"]} if "enum" in schema else None
    if "const" not in schema:
        return found
    wanted = mark(schema["const"])
    return {wanted: schema["const"]} if found is None or wanted in found else {}


def _kinds(schema: dict[str, Any]) -> tuple[frozenset[str], bool]:
    said = schema.get("type")
    if said is None:
        return KINDS, False
    listed = frozenset([said] if isinstance(said, str) else said)
    kinds = frozenset("number" if kind == "integer" else kind for kind in listed) & KINDS
    return kinds, "integer" in listed and "number" not in listed


def _fields(schema: dict[str, Any]) -> tuple[Fields, ...]:
    named = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    if "additionalProperties" not in schema and not _IN_PLACE & schema.keys():
        others = schema.get("unevaluatedProperties", True)
    if "patternProperties" in schema:
        return (Fields(named, True, depends=True),)
    return (Fields(named, others),) if named or others is not True else ()


def _entries(schema: dict[str, Any], draft: str) -> tuple[Items, ...]:
    items = schema.get("items", True)
    if draft == "2020-12":
        first, rest = schema.get("prefixItems", []), items
    elif isinstance(items, list):
        first, rest = items, schema.get("additionalItems", True)
    else:
        first, rest = [], items
    return (Items(tuple(first), rest),) if first or rest is not True else ()
