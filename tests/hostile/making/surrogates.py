"""Half a character (a lone surrogate) in each of the 33 places, and names that differ by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostile.making.places import PLACES, entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXTS = {"high": "\ud800", "low": "a\udfffb", "swapped": "\udc00\ud83d", "last": "x \udbff"}
_HALVES = ("\ud800", "\udfff", "\ufffd", "\udead", "\ud800\ud800")


def _spoiled() -> dict[str, dict[str, Any]]:
    """Return the entries in which several halves stand beside one another."""
    fields = {half: {"type": "string", "enum": ["plain", half]} for half in _HALVES}
    schema = {"type": "object", "properties": fields, "required": list(_HALVES)}
    labels = {"title": "\ud83d", "description": "\udfff", "annotations": {"\ud800": "\udfff"}}
    return {
        "names": entry(schema, outputSchema=schema),
        "everywhere": entry({**schema, **labels, "default": dict.fromkeys(_HALVES)}, **labels),
        "enum": entry({"type": "object", "properties": {"a": {"enum": list(_HALVES)}}}),
        "deep": entry({"type": "object", "properties": {"a": {"items": {"allOf": [schema]}}}}),
    }


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: every kind of half at every place, then several at once."""
    for place, put in PLACES.items():
        for kind, text in _TEXTS.items():
            yield f"{place}-{kind}", {"about": f"{text!a}: {place}", "entry": put(text)}
    for name, spoiled in _spoiled().items():
        yield f"several-{name}", {"about": f"several halves: {name}", "entry": spoiled}
