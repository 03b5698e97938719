"""Bodies near the ones that a schema lets through: one value other, one field less or more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ODD: tuple[Any, ...] = (None, True, 0, 1, -1, 0.5, "", "x", "A b", [], {}, ["x"], [1, 1], {"x": 1})
_MOST_VALUES = 60
_MOST_NAMES = 30
_NO_SCHEMAS = frozenset(("enum", "const", "default", "examples"))


def nearby(bodies: Sequence[Any], schemas: Sequence[Any]) -> Iterator[Any]:
    """The bodies, then each with one place changed to what the schemas mention."""
    values, names = _mentioned(schemas)
    yield from bodies
    for body in bodies:
        yield from _changed(body, values, names)


def _mentioned(schemas: Sequence[Any]) -> tuple[list[Any], list[str]]:
    values: list[Any] = list(_ODD)
    names: dict[str, None] = {}
    waiting = list(schemas)
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, list):
            waiting.extend(one)
        if not isinstance(one, dict):
            continue
        values.extend(_literals(one))
        for key, item in one.items():
            if key in {"properties", "required", "dependentRequired"}:
                names |= dict.fromkeys(name for name in item if isinstance(name, str))
            if key not in _NO_SCHEMAS:
                waiting.append(list(item.values()) if key == "properties" else item)
    return values[:_MOST_VALUES], list(names)[:_MOST_NAMES]


def _literals(schema: dict[str, Any]) -> Iterator[Any]:
    listed = schema.get("enum")
    yield from listed if isinstance(listed, list) else ()
    yield from (schema[word] for word in ("const", "default") if word in schema)
    for key, item in schema.items():
        if isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < 1e9:
            if key.endswith("Length") and item < 1_000:
                yield from ("y" * (int(item) + 1), "y" * max(int(item) - 1, 0))
            else:
                yield from (item, item + 1, item - 1)


def _changed(value: Any, values: Sequence[Any], names: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, dict):
        for name in value:
            yield {key: item for key, item in value.items() if key != name}
            for other in _changed(value[name], values, names):
                yield {**value, name: other}
        for name in names:
            if name not in value:
                yield from ({**value, name: other} for other in (1, "x", None))
    elif isinstance(value, list):
        for index, item in enumerate(value[:2]):
            for other in _changed(item, values, names):
                yield [*value[:index], other, *value[index + 1 :]]
        yield from ([*value, other] for other in values)
    yield from values
