"""Twenty patterns on which a backtracking engine takes for ever, and what they are tried on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostile.making.places import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_A = "a" * 30 + "!"
CATASTROPHIC: tuple[tuple[str, str], ...] = (
    ("^(a+)+$", _A),
    ("^(a*)*$", _A),
    ("^(a|a)*$", _A),
    ("^(a|aa)+$", _A),
    ("^(a|a?)+$", _A),
    ("^(.*)*$", "\n" * 30 + "!"),
    ("^([a-zA-Z]+)*$", _A),
    (r"^(\w+\s?)*$", "word " * 12 + "!"),
    (r"^(\d+)*x$", "1" * 30),
    ("(x+x+)+y", "x" * 30),
    ("^(([a-z])+.)+[A-Z]([a-z])+$", _A),
    (r"^([\w.-]+)+@([\w.-]+)+$", "a.b-c" * 8 + "@"),
    (r"^(?:(?:a+)+)+$", _A),
    ("^((a+)|(b+))*c$", "ab" * 20),
    (r"^\s*(\S+\s*)*$", "x " * 30 + "\x00"),
    ("(.*a){25}", _A),
    ("^(a{1,30}){1,30}$", _A),
    (r"^(?=(a+))\1*$", _A),
    (r"^(?<!b)(a+)+$", _A),
    (r"^(\p{L}+)+\d$", "é" * 30),
)


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: the pattern on a field, names and items; ``body`` is to be judged."""
    for number, (pattern, text) in enumerate(CATASTROPHIC):
        bound = {"type": "string", "pattern": pattern}
        schema = {
            "type": "object",
            "properties": {"one": bound, "many": {"type": "array", "items": bound}},
            "patternProperties": {pattern: {"type": "boolean"}},
            "propertyNames": {"anyOf": [{"pattern": pattern}, {"minLength": 1}]},
        }
        body = {"one": text, "many": [text] * 3, text: 1}
        yield f"pattern-{number:02}", {"about": pattern, "entry": entry(schema), "body": body}
