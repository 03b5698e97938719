"""Flatten a schema into kinds, fields, choices and limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from callsheet.jsonio import json_equal
from callsheet.schema.keywords import LIMITS
from callsheet.schema.references import SchemaRefused, follow
from callsheet.text import word_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


KINDS = frozenset(("null", "boolean", "number", "string", "array", "object"))
"""Every kind of JSON value; `integer` is part of `number`."""
_MOST_STEPS = 2_000
_SHOWN = word_list("""
    title description default examples contentEncoding contentMediaType format
""")
_LOWER = frozenset(
    ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
)
_UPPER = frozenset(
    ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Flattened schema of one value: without ``$ref``, ``allOf`` and unions.

    ``kinds`` are the JSON types that may pass (``number`` includes ``integer``).
    ``choices`` is ``None`` where the values are not listed. ``properties`` and ``items`` are
    schemas still, to be read when wanted. ``shown`` holds the annotations. ``limits`` are
    complete only where the value has a single kind; the validator decides in any case.
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
    """Reader of the subschemas of one admitted root; after 2,000 steps it returns ``ANYTHING``."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MOST_STEPS

    def read(self, schema: object) -> Shape:
        """Read the shape of a schema (or of ``true``, ``false``) that belongs to the root."""
        self._left = _MOST_STEPS
        return self._read(schema)

    def _read(self, schema: object) -> Shape:
        self._left -= 1
        if schema is False:
            return NOTHING
        if not isinstance(schema, dict) or self._left < 0:
            return ANYTHING
        shape = _own_shape(schema)
        for part in self._parts(schema):
            shape = intersect(shape, part)
        for conditional in self._conditional_shapes(schema):
            fields = {n: part for n, part in conditional.properties.items() if part is not False}
            shape = replace(shape, properties={**fields, **shape.properties})
        return shape

    def _parts(self, schema: Mapping[str, Any]) -> Iterable[Shape]:
        if "$ref" in schema:
            yield self._read_ref(str(schema["$ref"]))
        for part in schema.get("allOf", ()):
            yield self._read(part)
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                yield unite([self._read(branch) for branch in schema[key]])

    def _read_ref(self, ref: str) -> Shape:
        try:
            return self._read(follow(ref, self._root))
        except (SchemaRefused, RecursionError):
            return ANYTHING

    def _conditional_shapes(self, schema: Mapping[str, Any]) -> Iterable[Shape]:
        """Yield shapes that apply under a condition: their fields exist, nothing else is sure."""
        for key in ("then", "else"):
            if key in schema and "if" in schema:
                yield self._read(schema[key])
        for key in ("dependentSchemas", "dependencies"):
            for part in schema.get(key, {}).values():
                if not isinstance(part, list):
                    yield self._read(part)


def _own_shape(schema: Mapping[str, Any]) -> Shape:
    """Read the shape of a schema's own keywords, without links and unions."""
    items = schema.get("items")
    if "prefixItems" in schema or isinstance(items, list):
        items = True
    kinds, choices = _kinds(schema.get("type")), _listed(schema)
    if choices is not None:
        kinds = _common_kinds(kinds, _without_integer(frozenset(map(kind_of_value, choices))))
    return Shape(
        kinds=kinds,
        choices=choices,
        properties=dict(schema.get("properties", {})),
        required=frozenset(schema.get("required", ())),
        items=items,
        limits={key: schema[key] for key in schema if key in LIMITS},
        shown={key: schema[key] for key in _SHOWN if key in schema},
    )


def _kinds(types: object) -> frozenset[str]:
    if isinstance(types, str):
        types = [types]
    if not isinstance(types, list):
        return KINDS
    return _without_integer(with_integer(KINDS).intersection(types))


def kind_of_value(document: object) -> str:
    """Return the kind of a JSON value; ``1`` is an ``integer``, ``1.0`` is not."""
    for kind, types in _TYPES:
        if isinstance(document, types):
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


def intersect(first: Shape, second: Shape) -> Shape:
    """Return the shape of what passes both shapes."""
    properties = dict(first.properties)
    for name, schema in second.properties.items():
        property_schema = properties.get(name)
        properties[name] = (
            schema if property_schema in (None, schema) else {"allOf": [property_schema, schema]}
        )
    return Shape(
        kinds=_common_kinds(first.kinds, second.kinds),
        choices=_common_choices(first.choices, second.choices),
        properties=properties,
        required=first.required | second.required,
        items=_both_items(first.items, second.items),
        limits=_tighter_limits(first.limits, second.limits),
        shown={**second.shown, **first.shown},
    )


def _both_items(first: Any, second: Any) -> Any:
    if first is None or second is None or first == second:
        return second if first is None else first
    return {"allOf": [first, second]}


def with_integer(kinds: frozenset[str]) -> frozenset[str]:
    """Add ``integer`` beside ``number``, which includes it."""
    return kinds | {"integer"} if "number" in kinds else kinds


def _common_kinds(first: frozenset[str], second: frozenset[str]) -> frozenset[str]:
    return _without_integer(with_integer(first) & with_integer(second))


def _without_integer(kinds: frozenset[str]) -> frozenset[str]:
    return kinds - {"integer"} if "number" in kinds else kinds


def _common_choices(
    first: tuple[Any, ...] | None, second: tuple[Any, ...] | None
) -> tuple[Any, ...] | None:
    if first is None or second is None:
        return second if first is None else first
    return tuple(choice for choice in first if any(json_equal(choice, other) for other in second))


def _tighter_limits(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    limits = {**first, **second}
    for key in first.keys() & second.keys():
        if key in _LOWER:
            limits[key] = max(first[key], second[key])
        elif key in _UPPER:
            limits[key] = min(first[key], second[key])
        elif first[key] != second[key]:
            del limits[key]
    return limits


def unite(branches: list[Shape]) -> Shape:
    """Return the shape of what passes one of the shapes; a detail survives if one branch has it."""
    alive = [branch for branch in branches if branch.kinds]
    solid = [branch for branch in alive if branch.kinds != {"null"}]
    if len(solid) == 1:
        return _nullable(solid[0]) if len(alive) > 1 else solid[0]
    kinds = frozenset[str]().union(*(branch.kinds for branch in alive))
    objects = [branch for branch in solid if branch.kinds == {"object"} or branch.properties]
    arrays = [branch for branch in solid if "array" in branch.kinds]
    return Shape(
        kinds=_without_integer(kinds),
        choices=_all_choices(alive),
        properties=_merge_fields(objects),
        required=frozenset.intersection(*(b.required for b in solid)) if solid else frozenset(),
        items=arrays[0].items if len(arrays) == 1 else None,
    )


def _nullable(shape: Shape) -> Shape:
    choices = None if shape.choices is None else (*shape.choices, None)
    return replace(shape, kinds=shape.kinds | {"null"}, choices=choices)


def _all_choices(branches: list[Shape]) -> tuple[Any, ...] | None:
    choices: list[Any] = []
    for branch in branches:
        branch_choices = (None,) if branch.kinds == {"null"} else branch.choices
        if branch_choices is None:
            return None
        choices.extend(
            choice
            for choice in branch_choices
            if not any(json_equal(choice, other) for other in choices)
        )
    return tuple(choices) if branches else None


def _merge_fields(objects: list[Shape]) -> dict[str, Any]:
    """Merge the fields of all branches; one with several meanings becomes a union of them."""
    by_name: dict[str, list[Any]] = {}
    for branch in objects:
        for name, schema in branch.properties.items():
            schemas = by_name.setdefault(name, [])
            if schema not in schemas:
                schemas.append(schema)
    return {
        name: schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        for name, schemas in by_name.items()
    }
