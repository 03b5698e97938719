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
    remaining = MOST_NODES
    waiting: list[tuple[object, str, str, int]] = [(raw, "", "", 0)]
    while waiting:
        node, key, pointer, depth = waiting.pop()
        remaining -= 1
        if remaining < 0:
            raise SchemaRefused(f"more than {MOST_NODES} values", "")
        if depth > MOST_DEPTH:
            raise SchemaRefused(f"nested deeper than {MOST_DEPTH}", pointer)
        _check_value(node, key, pointer)
        for name, inner in _entries(node):
            waiting.append((inner, name, f"{pointer}/{escape_step(name[:80])}", depth + 1))


def _entries(node: object) -> list[tuple[str, object]]:
    if isinstance(node, dict):
        return [(str(name), inner) for name, inner in node.items()]
    if isinstance(node, list | tuple):
        return [(str(index), inner) for index, inner in enumerate(node)]
    return []


def _check_value(node: object, key: str, pointer: str) -> None:
    if isinstance(node, dict):
        if len(node) > MOST_PROPERTIES:
            raise SchemaRefused(f"more than {MOST_PROPERTIES} properties", pointer)
        for name in node:
            _check_text(name, "pattern" if key == "patternProperties" else "", pointer)
    elif isinstance(node, list):
        if len(node) > MOST_CHOICES:
            raise SchemaRefused(f"more than {MOST_CHOICES} entries", pointer)
    elif isinstance(node, str):
        _check_text(node, key, pointer)
    elif isinstance(node, float):
        if not math.isfinite(node):
            raise SchemaRefused("a number that JSON does not have", pointer)
    elif isinstance(node, int) and node.bit_length() > MOST_BITS:
        raise SchemaRefused("a number with too many digits", pointer)


def _check_text(text: str, key: str, pointer: str) -> None:
    most = MOST_PATTERN if key == "pattern" else MOST_TEXT
    if len(text) > most:
        raise SchemaRefused(f"a text longer than {most} characters", pointer)
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise SchemaRefused("a text with half a character (lone surrogate)", pointer)


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
            self.known[mark] = 1 + sum(
                self._weight(applied) for applied in self._applied_in_place(schema)
            )
            self.open.discard(mark)
        if self.known[mark] > MOST_WEIGHT:
            raise SchemaRefused(f"more than {MOST_WEIGHT} schemas apply to one value", "")
        return self.known[mark]

    def _applied_in_place(self, schema: dict[str, Any]) -> list[object]:
        schemas = [
            inner for key in IN_PLACE & schema.keys() for inner in _schemas_under(key, schema[key])
        ]
        if "$ref" in schema:
            schemas.append(follow(str(schema["$ref"]), self.root))
        return schemas


def _schemas_under(key: str, content: Any) -> list[object]:
    if key in NAMED:
        return list(content.values())
    return list(content) if isinstance(content, list) else [content]


def _children(schema: dict[str, Any]) -> list[tuple[object, int]]:
    """Return each subschema with the number of variants that its keyword makes besides null."""
    children: list[tuple[object, int]] = []
    for key, content in schema.items():
        if key in NAMED or key in SEVERAL or key in ONE:
            schemas = _schemas_under(key, content)
            width = sum(1 for child in schemas if child != {"type": "null"})
            union = key in {"anyOf", "oneOf"} and width > 0
            children.extend((child, width if union else 1) for child in schemas)
    return children


_PATTERN_BYTES = 1_000_000


def is_possible(pattern: str) -> bool:
    """Tell whether the linear-time engine takes a pattern."""
    try:
        linear_validator({"pattern": pattern}, "2020-12")
    except ValueError:
        return False
    return True


def linear_validator(schema: dict[str, Any] | bool, draft: Draft) -> jsonschema_rs.Validator:
    """Compile the linear-time validator of a schema; raise ``ValueError`` where that fails."""
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
