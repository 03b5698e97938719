"""Limit the size and the cost of a schema."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from callsheet.jsonio import escape_step
from callsheet.schema.keywords import IN_PLACE, NAMED, ONE, SEVERAL
from callsheet.schema.references import Draft, SchemaRefused, follow

if TYPE_CHECKING:
    import jsonschema_rs


MOST_DEPTH = 64
MOST_NODES = 50_000
MOST_PROPERTIES = 2_000
MOST_CHOICES = 2_000
MOST_TEXT = 100_000
MOST_PATTERN = 2_000
MOST_BITS = 1_100
MOST_UNION = 1_024
MOST_WEIGHT = 20_000


def check_size(raw: object) -> None:
    """Raise ``SchemaRefused`` where JSON is deeper, wider or longer than a schema may be.

    Depth 64, 50,000 values, 2,000 properties or choices, texts of 100,000 characters,
    patterns of 2,000, numbers that a double can hold, no lone surrogate.
    """
    left = MOST_NODES
    waiting: list[tuple[object, str, str, int]] = [(raw, "", "", 0)]
    while waiting:
        value, key, where, depth = waiting.pop()
        left -= 1
        if left < 0:
            raise SchemaRefused(f"more than {MOST_NODES} values", "")
        if depth > MOST_DEPTH:
            raise SchemaRefused(f"nested deeper than {MOST_DEPTH}", where)
        _bounded_value(value, key, where)
        for name, item in _inside(value):
            waiting.append((item, name, f"{where}/{escape_step(name[:80])}", depth + 1))


def _inside(value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [(str(name), item) for name, item in value.items()]
    if isinstance(value, list | tuple):
        return [(str(index), item) for index, item in enumerate(value)]
    return []


def _bounded_value(value: object, key: str, where: str) -> None:
    if isinstance(value, dict):
        if len(value) > MOST_PROPERTIES:
            raise SchemaRefused(f"more than {MOST_PROPERTIES} properties", where)
        for name in value:
            _text(name, "pattern" if key == "patternProperties" else "", where)
    elif isinstance(value, list):
        if len(value) > MOST_CHOICES:
            raise SchemaRefused(f"more than {MOST_CHOICES} entries", where)
    elif isinstance(value, str):
        _text(value, key, where)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise SchemaRefused("a number that JSON does not have", where)
    elif isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise SchemaRefused("a number with too many digits", where)


def _text(value: str, key: str, where: str) -> None:
    most = MOST_PATTERN if key == "pattern" else MOST_TEXT
    if len(value) > most:
        raise SchemaRefused(f"a text longer than {most} characters", where)
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise SchemaRefused("a text with half a character (lone surrogate)", where)


def check_cost(root: dict[str, Any]) -> None:
    """Raise ``SchemaRefused`` where checking one value could take without measure.

    ``root`` is an admitted schema. Counted are the schemas that apply to one and the same
    value, through ``$ref`` and unions, each as often as it is reached; and the product of the
    widths of unions inside one another.
    """
    try:
        _Scale(root).run()
    except RecursionError:
        raise SchemaRefused("a chain of $ref without measure", "") from None


class _Scale:
    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self.known: dict[int, int] = {}
        self.open: set[int] = set()

    def run(self) -> None:
        waiting: list[tuple[object, int]] = [(self.root, 1)]
        while waiting:
            schema, width = waiting.pop()
            if not isinstance(schema, dict):
                continue
            if width > MOST_UNION:
                raise SchemaRefused(f"unions inside unions make over {MOST_UNION} variants", "")
            self._weight(schema)
            waiting.extend((child, width * wide) for child, wide in _children(schema))

    def _weight(self, schema: object) -> int:
        if not isinstance(schema, dict):
            return 1
        mark = id(schema)
        if mark in self.open:
            raise SchemaRefused("a schema applies itself to the same value without end", "")
        if mark not in self.known:
            self.open.add(mark)
            self.known[mark] = 1 + sum(self._weight(item) for item in self._beside(schema))
            self.open.discard(mark)
        if self.known[mark] > MOST_WEIGHT:
            raise SchemaRefused(f"more than {MOST_WEIGHT} schemas apply to one value", "")
        return self.known[mark]

    def _beside(self, schema: dict[str, Any]) -> list[object]:
        found = [item for key in IN_PLACE & schema.keys() for item in _under(key, schema[key])]
        if "$ref" in schema:
            found.append(follow(str(schema["$ref"]), self.root))
        return found


def _under(key: str, value: Any) -> list[object]:
    if key in NAMED:
        return list(value.values())
    return list(value) if isinstance(value, list) else [value]


def _children(schema: dict[str, Any]) -> list[tuple[object, int]]:
    """Each subschema with the number of variants that its keyword makes; null is none."""
    found: list[tuple[object, int]] = []
    for key, value in schema.items():
        if key in NAMED or key in SEVERAL or key in ONE:
            items = _under(key, value)
            wide = sum(1 for item in items if item != {"type": "null"})
            union = key in {"anyOf", "oneOf"} and wide > 0
            found.extend((item, wide if union else 1) for item in items)
    return found


_PATTERN_BYTES = 1_000_000


def is_possible(pattern: str) -> bool:
    """Whether the linear-time engine takes a pattern."""
    try:
        linear_validator({"pattern": pattern}, "2020-12")
    except ValueError:
        return False
    return True


def linear_validator(schema: dict[str, Any] | bool, draft: Draft) -> jsonschema_rs.Validator:
    """The linear-time validator of a schema; ``ValueError`` where it cannot be compiled."""
    import jsonschema_rs as rs

    classes: dict[Draft, type[rs.Validator]] = {
        "draft-04": rs.Draft4Validator,
        "draft-06": rs.Draft6Validator,
        "draft-07": rs.Draft7Validator,
        "2019-09": rs.Draft201909Validator,
        "2020-12": rs.Draft202012Validator,
    }
    limits = rs.RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES)
    return classes[draft](schema, pattern_options=limits, retriever=_refuse, validate_formats=False)


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri[:120]} is not fetched")
