"""Represent a conjunction of limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from callsheet.jsonio import canonical
from callsheet.schema.shape import KINDS, kind_of_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.schemadiff.view import Conj, SchemaView


LOWER = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
UPPER = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))


@dataclass(frozen=True, slots=True)
class Fields:
    """What one schema object says of fields: those it declares, and all others.

    ``others`` is ``True`` where nothing is asked of them, or where it depends on their names.
    """

    named: Mapping[str, Any]
    others: Any = True
    depends: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """What one schema object says of an array's items: the first ones, and the rest."""

    first: tuple[Any, ...]
    rest: Any = True


@dataclass(frozen=True, slots=True)
class OpaqueRule:
    """A rule that is compared as a whole: it is the same on both sides, or nothing is known.

    ``kind`` is the only kind of value that it binds, empty for every kind.
    """

    kind: str
    word: str
    key: str
    schema: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A conjunction: a value passes when it has one of the kinds and obeys every other field.

    ``values`` holds the values where they are listed, each by its :func:`mark`. ``whole`` binds
    numbers alone, as ``steps`` (``multipleOf``) does; ``limits`` holds the limits of JSON Schema.
    """

    kinds: frozenset[str] = KINDS
    values: Mapping[str, Any] | None = None
    whole: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)
    steps: frozenset[Any] = frozenset()
    unique: bool = False
    required: frozenset[str] = frozenset()
    fields: tuple[Fields, ...] = ()
    entries: tuple[Items, ...] = ()
    opaque: frozenset[OpaqueRule] = frozenset()

    def rules(self, kind: str) -> frozenset[OpaqueRule]:
        """The opaque rules that bind a kind of value."""
        return frozenset(one for one in self.opaque if one.kind in {"", kind})

    def listed(self, kind: str) -> tuple[Any, ...] | None:
        """The values of a kind where there are finitely many."""
        if self.values is not None:
            return tuple(one for one in self.values.values() if kind_of(one) == kind)
        return _FEW.get(kind)

    def names(self) -> frozenset[str]:
        """Every declared field."""
        return frozenset(name for one in self.fields for name in one.named)

    def field(self, side: SchemaView, name: str) -> Conj:
        """What binds the value of a field."""
        return side.conj(*(one.named.get(name, one.others) for one in self.fields))

    def others(self, side: SchemaView) -> Conj:
        """What binds the value of every field that nobody declares."""
        return side.conj(*(one.others for one in self.fields))

    def entry(self, side: SchemaView, index: int) -> Conj:
        """What binds the item at an index."""
        found = (one.first[index] if index < len(one.first) else one.rest for one in self.entries)
        return side.conj(*found)

    def depth(self) -> int:
        """How many items have rules of their own."""
        return max((len(one.first) for one in self.entries), default=0)


_FEW: Mapping[str, tuple[Any, ...]] = {"null": (None,), "boolean": (False, True)}


def kind_of(value: object) -> str:
    """The kind of a JSON value, where every number is a ``number``."""
    kind = kind_of_value(value)
    return "number" if kind == "integer" else kind


def mark(value: object) -> str:
    """One text for equal JSON values: 1 and 1.0 are equal, 1 and true are not."""
    return canonical(_plain(value))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def both(one: Case, other: Case) -> Case:
    """What passes two cases."""
    values = one.values
    if values is None or other.values is None:
        values = other.values if values is None else values
    else:
        values = {name: values[name] for name in values if name in other.values}
    kinds = one.kinds & other.kinds
    if values is not None:
        kinds &= frozenset(map(kind_of, values.values()))
    return replace(
        one,
        kinds=kinds,
        values=values,
        whole=one.whole or other.whole,
        limits=_tighter(one.limits, other.limits),
        steps=one.steps | other.steps,
        unique=one.unique or other.unique,
        required=one.required | other.required,
        fields=one.fields + other.fields,
        entries=one.entries + other.entries,
        opaque=one.opaque | other.opaque,
    )


def _tighter(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    made = {**one, **other}
    for key in one.keys() & other.keys():
        made[key] = (max if key in LOWER else min)(one[key], other[key])
    return made
