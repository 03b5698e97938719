"""An action whose fields have the names that break other programs, and limits of every kind."""

from __future__ import annotations

from typing import Any

LINK = "https://docs.example.com/" + "a-long-path-" * 9 + "?x=1&y=2"
TEXT = {"type": "string"}
NAMES = ("raw", "Query", "help", "input", "out", "json", "timeout", "format", "host", "profile")
STRANGE = ("__class__", "größe", "猫", "a b", "dry-run", "-x", "a/b", "field_0")
ODD: dict[str, Any] = {
    "id": "shop.odd",
    "title": "Odd names",
    "description": f'Takes odd names.\n\nSee {LINK} and `{{"a": 1, "b": 2}}` for more.',
    "cost": 0,
    "readOnly": True,
    "input": {
        "type": "object",
        "required": ["about", "size"],
        "properties": {
            **{name: {"type": ["string", "null"]} for name in (*NAMES, *STRANGE)},
            "about": {**TEXT, "description": "What to look for", "minLength": 2},
            "size": {"enum": ["small", "medium", "big"], "default": "medium"},
            "count": {"type": "integer", "minimum": 1, "maximum": 10},
            "focal": {"enum": [35, 50, 85]},
            "note": {"anyOf": [TEXT, {"type": "null"}]},
            "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "camera": {
                "type": "object",
                "required": ["pan"],
                "properties": {"pan": {"type": "number", "minimum": -1, "maximum": 1}},
            },
            "tags": {"type": "array", "items": {"enum": ["a", "b", "c"]}},
        },
        "examples": [{"about": "sea shells", "size": "big", "count": 3}],
    },
}
NEEDED = ("--about", "sea", "--size", "big")
