"""Write a body to fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.schema.references import SchemaRefused, follow
from callsheet.schema.shape import KINDS, Shape, ShapeReader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


_WHOLE = 3
_DEEPEST = 8
_ORDER = ("object", "array", "string", "integer", "number", "boolean")


def skeleton(schema: Mapping[str, Any], hidden: Collection[str] = ()) -> dict[str, Any]:
    """Write a body for an admitted schema, required fields first, without ``hidden`` ones.

    Objects are whole to depth 3 and hold what is required below; of a union the first branch.
    """
    body = _Maker(schema).value(schema, 0)
    fields = body.items() if isinstance(body, dict) else ()
    return {name: field for name, field in fields if name not in hidden}


class _Maker:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.reader = ShapeReader(root)

    def value(self, schema: Any, depth: int) -> Any:
        """Return what stands for a value of the schema."""
        shape = self.reader.read(self._branch(schema))
        if depth and "default" in shape.shown:
            return shape.shown["default"]
        examples = shape.shown.get("examples")
        if depth and isinstance(examples, list) and examples:
            return examples[0]
        if shape.choices:
            return shape.choices[0]
        kind = _kind(shape)
        if kind == "object":
            return self._object(shape, depth)
        if kind == "array":
            return self._array(shape, depth)
        return _empty(kind, shape.limits)

    def _branch(self, schema: Any, steps: int = 8) -> Any:
        """Return the schema with the first branch of its union that is not null."""
        if not isinstance(schema, dict) or not steps:
            return schema
        if "$ref" in schema and len(schema) == 1:
            try:
                return self._branch(follow(str(schema["$ref"]), self.root), steps - 1)
            except SchemaRefused:
                return schema
        for word in ("oneOf", "anyOf"):
            branches = [branch for branch in schema.get(word, ()) if branch != {"type": "null"}]
            if branches:
                others = {key: limit for key, limit in schema.items() if key != word}
                return {"allOf": [others, self._branch(branches[0], steps - 1)]}
        return schema

    def _object(self, shape: Shape, depth: int) -> dict[str, Any]:
        return {
            name: self.value(shape.properties[name], depth + 1)
            for name in _ordered(shape, deep=depth < _WHOLE)
            if depth < _DEEPEST
        }

    def _array(self, shape: Shape, depth: int) -> list[Any]:
        least = shape.limits.get("minItems", 0)
        inner = self.reader.read(shape.items) if shape.items is not None else Shape()
        is_shown = inner.choices or inner.kinds == {"object"}
        count = max(least if isinstance(least, int) else 0, 1 if is_shown else 0)
        return [self.value(shape.items, depth + 1)] * min(count, 20) if depth < _DEEPEST else []


def _kind(shape: Shape) -> str:
    """Return the kind to show; empty where the schema says nothing of the value."""
    if shape.kinds == KINDS:
        return "object" if shape.properties else "array" if shape.items is not None else ""
    return next((kind for kind in _ORDER if kind in shape.kinds), "")


def _ordered(shape: Shape, *, deep: bool) -> Iterable[str]:
    names = [name for name, schema in shape.properties.items() if schema is not False]
    required = [name for name in names if name in shape.required]
    return [*required, *(name for name in names if deep and name not in shape.required)]


def _empty(kind: str, limits: Mapping[str, Any]) -> Any:
    if kind in {"integer", "number"}:
        low, above = limits.get("minimum", 0), limits.get("exclusiveMinimum", -1)
        return max(0, low, above + 1) if _are_numbers(low, above) else 0
    return {"string": "", "boolean": False}.get(kind)


def _are_numbers(*limits: Any) -> bool:
    return all(isinstance(limit, int | float) and not isinstance(limit, bool) for limit in limits)
