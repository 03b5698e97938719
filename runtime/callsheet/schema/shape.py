"""Flatten a schema into kinds, fields, choices and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from callsheet.jsonio import json_equal
from callsheet.schema.keywords import LIMITS
from callsheet.schema.references import SchemaRefused, follow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


KINDS = frozenset(("null", "boolean", "number", "string", "array", "object"))
"""Every kind of JSON value; `integer` is part of `number`."""
_MOST_STEPS = 2_000
_SHOWN = (
    *("title", "description", "default", "examples", "contentEncoding", "contentMediaType"),
    "format",
)
_LOWER = frozenset(
    ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
)
_UPPER = frozenset(
    ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One value's schema without ``$ref``, ``allOf`` and unions.

    ``kinds`` are the JSON types that may pass (``number`` includes ``integer``).
    ``choices`` is ``None`` where the values are not listed. ``properties`` and ``items`` are
    schemas still, to be read when wanted. ``shown`` holds the annotations. ``limits`` are
    complete only where the value has a single kind; the judge decides in any case.
    """

    kinds: frozenset[str] = KINDS
    choices: tuple[Any, ...] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Any = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)


ANYTHING = Shape()
NOTHING = Shape(kinds=frozenset())


class ShapeReader:
    """Reads the subschemas of one admitted root; past 2,000 steps everything is "anything"."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MOST_STEPS

    def read(self, schema: object) -> Shape:
        """The shape of a schema (or of ``true``, ``false``) that belongs to the root."""
        self._left = _MOST_STEPS
        return self._read(schema)

    def _read(self, schema: object) -> Shape:
        self._left -= 1
        if schema is False:
            return NOTHING
        if not isinstance(schema, dict) or self._left < 0:
            return ANYTHING
        shape = _own(schema)
        for part in self._parts(schema):
            shape = intersect(shape, part)
        for maybe in self._maybes(schema):
            shape = _with_maybe(shape, maybe)
        return shape

    def _parts(self, schema: Mapping[str, Any]) -> Iterable[Shape]:
        if "$ref" in schema:
            yield self._linked(str(schema["$ref"]))
        for part in schema.get("allOf", ()):
            yield self._read(part)
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                yield unite([self._read(branch) for branch in schema[key]])

    def _linked(self, ref: str) -> Shape:
        try:
            return self._read(follow(ref, self._root))
        except (SchemaRefused, RecursionError):
            return ANYTHING

    def _maybes(self, schema: Mapping[str, Any]) -> Iterable[Shape]:
        """Shapes that apply under a condition: their fields exist, nothing else is sure."""
        for key in ("then", "else"):
            if key in schema and "if" in schema:
                yield self._read(schema[key])
        for key in ("dependentSchemas", "dependencies"):
            for part in schema.get(key, {}).values():
                if not isinstance(part, list):
                    yield self._read(part)


def _own(schema: Mapping[str, Any]) -> Shape:
    """The shape of a schema's own keywords, links and unions left aside."""
    items = schema.get("items")
    if "prefixItems" in schema or isinstance(items, list):
        items = True
    kinds, choices = _kinds(schema.get("type")), _listed(schema)
    if choices is not None:
        kinds = _common(kinds, _norm(frozenset(map(kind_of_value, choices))))
    return Shape(
        kinds=kinds,
        choices=choices,
        properties=dict(schema.get("properties", {})),
        required=frozenset(schema.get("required", ())),
        items=items,
        limits={key: schema[key] for key in schema if key in LIMITS},
        shown={key: schema[key] for key in _SHOWN if key in schema},
    )


def _kinds(said: object) -> frozenset[str]:
    if isinstance(said, str):
        said = [said]
    if not isinstance(said, list):
        return KINDS
    return _norm(with_integer(KINDS).intersection(said))


def kind_of_value(value: object) -> str:
    """The kind of a JSON value; a whole number is an ``integer``, one with a point is not."""
    for kind, types in _TYPES:
        if isinstance(value, types):
            return kind
    return "array"


_TYPES: tuple[tuple[str, type | tuple[type, ...]], ...] = (
    ("null", type(None)),
    ("boolean", bool),
    ("integer", int),
    ("number", float),
    ("string", str),
    ("object", dict),
)


def _listed(schema: Mapping[str, Any]) -> tuple[Any, ...] | None:
    if "const" in schema:
        return (schema["const"],)
    return tuple(schema["enum"]) if "enum" in schema else None


def intersect(left: Shape, right: Shape) -> Shape:
    """What passes both shapes."""
    properties = dict(left.properties)
    for name, schema in right.properties.items():
        known = properties.get(name)
        properties[name] = schema if known in (None, schema) else {"allOf": [known, schema]}
    return Shape(
        kinds=_common(left.kinds, right.kinds),
        choices=_common_choices(left.choices, right.choices),
        properties=properties,
        required=left.required | right.required,
        items=_first(left.items, right.items),
        limits=_tighter(left.limits, right.limits),
        shown={**right.shown, **left.shown},
    )


def _first(left: Any, right: Any) -> Any:
    if left is None or right is None or left == right:
        return right if left is None else left
    return {"allOf": [left, right]}


def with_integer(kinds: frozenset[str]) -> frozenset[str]:
    """The kinds with ``integer`` said beside ``number``, which includes it."""
    return kinds | {"integer"} if "number" in kinds else kinds


def _common(left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
    return _norm(with_integer(left) & with_integer(right))


def _norm(kinds: frozenset[str]) -> frozenset[str]:
    return kinds - {"integer"} if "number" in kinds else kinds


def _common_choices(
    left: tuple[Any, ...] | None, right: tuple[Any, ...] | None
) -> tuple[Any, ...] | None:
    if left is None or right is None:
        return right if left is None else left
    return tuple(one for one in left if any(json_equal(one, other) for other in right))


def _tighter(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    limits = {**left, **right}
    for key in left.keys() & right.keys():
        if key in _LOWER:
            limits[key] = max(left[key], right[key])
        elif key in _UPPER:
            limits[key] = min(left[key], right[key])
        elif left[key] != right[key]:
            del limits[key]
    return limits


def unite(branches: list[Shape]) -> Shape:
    """What passes one of the shapes; details survive where a single branch has a say in them."""
    alive = [branch for branch in branches if branch.kinds]
    solid = [branch for branch in alive if branch.kinds != {"null"}]
    if len(solid) == 1:
        return _nullable(solid[0]) if len(alive) > 1 else solid[0]
    kinds = frozenset[str]().union(*(branch.kinds for branch in alive))
    objects = [branch for branch in solid if branch.kinds == {"object"} or branch.properties]
    arrays = [branch for branch in solid if "array" in branch.kinds]
    return Shape(
        kinds=_norm(kinds),
        choices=_all_choices(alive),
        properties=_variants(objects),
        required=_needed(solid),
        items=arrays[0].items if len(arrays) == 1 else None,
    )


def _nullable(shape: Shape) -> Shape:
    choices = None if shape.choices is None else (*shape.choices, None)
    return Shape(
        kinds=shape.kinds | {"null"},
        choices=choices,
        properties=shape.properties,
        required=shape.required,
        items=shape.items,
        limits=shape.limits,
        shown=shape.shown,
    )


def _all_choices(branches: list[Shape]) -> tuple[Any, ...] | None:
    found: list[Any] = []
    for branch in branches:
        listed = (None,) if branch.kinds == {"null"} else branch.choices
        if listed is None:
            return None
        found.extend(one for one in listed if not any(json_equal(one, other) for other in found))
    return tuple(found) if branches else None


def _variants(objects: list[Shape]) -> dict[str, Any]:
    """The fields of all branches; one with several meanings becomes a union of them."""
    found: dict[str, list[Any]] = {}
    for branch in objects:
        for name, schema in branch.properties.items():
            known = found.setdefault(name, [])
            if schema not in known:
                known.append(schema)
    return {name: all_[0] if len(all_) == 1 else {"anyOf": all_} for name, all_ in found.items()}


def _needed(solid: list[Shape]) -> frozenset[str]:
    if not solid:
        return frozenset()
    return frozenset.intersection(*(branch.required for branch in solid))


def _with_maybe(shape: Shape, maybe: Shape) -> Shape:
    new = {name: schema for name, schema in maybe.properties.items() if schema is not False}
    return Shape(
        kinds=shape.kinds,
        choices=shape.choices,
        properties={**new, **shape.properties},
        required=shape.required,
        items=shape.items,
        limits=shape.limits,
        shown=shape.shown,
    )
