"""Comma lists part where a link or path begins, and limits are told in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.cli.given import param

from callsheet.cli.input import values

if TYPE_CHECKING:
    from callsheet.spec import Param

LINKS = param("x", "array", items="string")
MARKED = param("x", "array", items="string", comma=True)
CHOICES = param("x", "array", items="string", choices=("a", "b"))
NUMBERS = param("x", "array", items="number")


@pytest.mark.parametrize(
    ("subject", "text", "items"),
    [
        (LINKS, "https://a,https://b", ["https://a", "https://b"]),
        (LINKS, "https://a/?q=1,2,3,https://b", ["https://a/?q=1,2,3", "https://b"]),
        (LINKS, "here.png,https://b", ["here.png", "https://b"]),
        (LINKS, "https://b,here.png", ["https://b", "here.png"]),
        (LINKS, "a, b", ["a, b"]),
        (LINKS, "data:image/png;base64,AA==,https://b", ["data:image/png;base64,AA==,https://b"]),
        (LINKS, "", [""]),
        (MARKED, "a,b", ["a", "b"]),
        (MARKED, "https://a,b", ["https://a,b"]),
        (CHOICES, "a,b", ["a", "b"]),
        (NUMBERS, "1,2.5", ["1", "2.5"]),
    ],
)
def test_lists_part(subject: Param, text: str, items: list[str]) -> None:
    assert values.ValueReader(subject, lambda path: path == "here.png").split(text) == items


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"minimum": 3, "maximum": 12}, "allowed: 3 to 12"),
        ({"minimum": 0}, "allowed: 0 or more"),
        ({"maxLength": 5}, "allowed: up to 5 characters"),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, "allowed: 0 to 1 (both excluded)"),
        ({"minItems": 1, "maxItems": 2}, "allowed: 1 to 2 items"),
        ({"pattern": "x"}, ""),
    ],
)
def test_limits_in_words(limits: dict[str, object], words: str) -> None:
    assert values.allowed(param("x", "number", limits=limits)) == words
