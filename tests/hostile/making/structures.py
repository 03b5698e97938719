"""Schemas with a junk value for a keyword, and twelve that are too much."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hostile.making.places import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = {"type": "string"}
_JUNK: tuple[Any, ...] = (None, True, False, 0, -1, 1.5, "", "x", [], [1], {}, {"a": 1})
_KEYWORDS = (
    *("type", "properties", "required", "items", "anyOf", "allOf", "enum", "$ref", "$defs"),
    *("additionalProperties", "if", "minimum"),
)


def _with(**schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": _TEXT}, **schema}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: each keyword with each kind of junk."""
    for keyword in _KEYWORDS:
        for number, junk in enumerate(_JUNK):
            inner = _with(properties={"a": {keyword: junk}})
            about = f"{keyword}: {json.dumps(junk)}"
            both = entry({**_with(), keyword: junk}, outputSchema=inner)
            yield f"{keyword.strip('$').lower()}-{number:02}", {"about": about, "entry": both}


def _nested(depth: int, keyword: str) -> Any:
    schema: Any = _TEXT
    for level in range(depth):
        other = {"type": "object", "properties": {f"p{level}": _TEXT}}
        schema = {keyword: [schema, other]}
    return schema


def _doubling(levels: int) -> dict[str, Any]:
    parts = {
        f"l{level}": {"allOf": [{"$ref": f"#/$defs/l{level + 1}"}] * 2} for level in range(levels)
    }
    return {**_with(), "$ref": "#/$defs/l0", "$defs": {**parts, f"l{levels}": _TEXT}}


def _text(body: str) -> dict[str, Any]:
    return {"id": "hostile.act", "schema_text": f'{{"type":"object","properties":{{{body}}}}}'}


def bombs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: what is too deep, too wide, too long, or no JSON at all.

    An entry with ``schema_text`` has its schema as text, since no JSON library writes it.
    """
    entries: dict[str, dict[str, Any]] = {
        "deep-arrays": _text('"a":' + '{"items":' * 5_000 + "{}" + "}" * 5_000),
        "deep-objects": _text('"a":' + '{"properties":{"a":' * 2_000 + "{}" + "}}" * 2_000),
        "3000-properties": entry({"properties": {f"p{n}": _TEXT for n in range(3_000)}}),
        "5000-enum-members": entry(_with(enum=[f"m{n}" for n in range(5_000)])),
        "reference-bomb": entry(_doubling(40)),
        "all-of-chain": entry(_nested(60, "allOf")),
        "nested-any-of": entry(_nested(30, "anyOf")),
        "4000-digits": _text(f'"a":{{"maximum":{"9" * 4_000}}},"b":{{"minimum":{"9" * 9_000}}}'),
        "pattern-bomb": entry(_with(properties={"a": {"pattern": "(((a{99}){99}){99}){99}"}})),
        "not-a-number": _text('"a":{"maximum":NaN,"minimum":-Infinity,"multipleOf":1e999}'),
        "half-a-character": _text('"a":{"title":"\\ud800","enum":["\\udfff"]},"\\udead":{}'),
    }
    for name, bomb in entries.items():
        yield name, {"about": name.replace("-", " "), "entry": bomb}
    twice = _text('"a":{"type":"string"},"a":{"type":"integer"}')
    yield "repeated-key", {"about": "repeated key", "entry": twice}
