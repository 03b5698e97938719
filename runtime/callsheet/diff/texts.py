"""Texts that match a pattern or a format, for the patterns that people write."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRIES = 6
_MOST_REPEATS = 300
_LETTERS = "a0Zb-_x1"
_FORMATS: Mapping[str, str] = {
    "uri": "https://example.com/x",
    "url": "https://example.com/x",
    "date": "2024-01-31",
    "date-time": "2024-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "a@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}


def texts(rule: Mapping[str, Any]) -> list[str]:
    """A few texts that obey the ``pattern`` or ``format`` of a rule; none where that is hard."""
    if "format" in rule:
        found = _FORMATS.get(str(rule["format"]))
        return [found] if found else []
    pattern = rule.get("pattern")
    return matching(pattern) if isinstance(pattern, str) else []


def matching(pattern: str) -> list[str]:
    """Different texts that the pattern should match, the same in every run."""
    try:
        tree = re._parser.parse(pattern)  # type: ignore[attr-defined] # stable since 3.11
    except (re.error, RecursionError, OverflowError):
        return []
    chance = random.Random(7)  # noqa: S311 - samples, no secrets
    found: dict[str, None] = {}
    for _ in range(_TRIES):
        try:
            text = "".join(_node(str(kind), value, chance) for kind, value in tree)
        except (KeyError, RecursionError):
            return []
        found[text] = None
    return list(found)


def _node(kind: str, value: Any, chance: random.Random) -> str:
    made: str = _MAKERS[kind](value, chance)
    return made


def _sequence(nodes: Any, chance: random.Random) -> str:
    return "".join(_node(str(kind), value, chance) for kind, value in nodes)


def _any_of(choices: Any, chance: random.Random) -> str:
    kind, value = chance.choice(choices)
    if str(kind) == "NEGATE":
        refused = {str(one) for one in choices}
        return "x" if not any("120" in one for one in refused) else "7"
    return _node(str(kind), value, chance)


def _repeated(value: Any, chance: random.Random) -> str:
    low, high, nodes = value
    if int(low) > _MOST_REPEATS:
        raise KeyError(low)
    most = min(int(high), int(low) + 3) if str(high) != "MAXREPEAT" else int(low) + 3
    return "".join(_sequence(nodes, chance) for _ in range(chance.randint(int(low), most)))


def _category(value: Any, chance: random.Random) -> str:
    name = str(value)
    if "DIGIT" in name:
        return "x" if "NOT" in name else chance.choice("0123456789")
    if "SPACE" in name:
        return "x" if "NOT" in name else " "
    return "-" if "NOT" in name else chance.choice("ab1_")


_MAKERS: Mapping[str, Any] = {
    "LITERAL": lambda value, chance: chr(value),
    "NOT_LITERAL": lambda value, chance: "x" if value != ord("x") else "y",
    "ANY": lambda value, chance: chance.choice(_LETTERS),
    "AT": lambda value, chance: "",
    "IN": _any_of,
    "RANGE": lambda value, chance: chr(chance.randint(value[0], min(value[1], value[0] + 30))),
    "CATEGORY": _category,
    "MAX_REPEAT": _repeated,
    "MIN_REPEAT": _repeated,
    "SUBPATTERN": lambda value, chance: _sequence(value[3], chance),
    "BRANCH": lambda value, chance: _sequence(chance.choice(value[1]), chance),
}
