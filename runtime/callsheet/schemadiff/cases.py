"""Represent a conjunction of limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from callsheet.jsonio import canonical
from callsheet.schema.shape import KINDS, kind_of_value
from callsheet.schemadiff.view import conjoin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.schemadiff.view import Conjunction


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

    ``kind`` is the only kind of value that it binds, empty for every kind.
    """

    kind: str
    keyword: str
    key: str
    schema: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A conjunction: a value passes when it has one of the kinds and obeys every other field.

    ``values`` holds the listed values, if any, by their :func:`value_key`. ``integral`` binds
    numbers alone, as ``multiples`` (of ``multipleOf``) does; ``limits`` are JSON Schema's.
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
        """Return the opaque rules that bind a kind of value."""
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
