"""Words, names, numbers, and strings that hold JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet.protocol.values import expanded, loads, number, unquoted, word, words


@pytest.mark.parametrize(
    ("value", "read", "left"),
    [
        ('{"a": 1}', {"a": 1}, 1),
        (" [1]\n", [1], 1),
        (json.dumps('{"a": 1}'), {"a": 1}, 0),
        (json.dumps(json.dumps("[1]")), json.dumps(json.dumps("[1]")), 2),
        ('"text"', '"text"', 2),
        ("{broken", "{broken", 2),
        ("7", "7", 2),
        ("[" * 100_000, "[" * 100_000, 2),
        ({"a": "{}"}, {"a": "{}"}, 2),
    ],
)
def test_unquoted(value: Any, read: Any, left: int) -> None:
    assert unquoted(value) == (read, left)


def test_expanded_reads_twice_on_any_way() -> None:
    data = {"a": json.dumps({"b": json.dumps({"c": "[1]"})}), "d": ['{"e": 1}', "{"]}

    assert expanded(data) == {"a": {"b": {"c": "[1]"}}, "d": [{"e": 1}, "{"]}


def test_loads_raises_one_kind_of_error() -> None:
    for text in ("[" * 100_000, "nope", b"\xff", "1" * 5000):
        with pytest.raises(ValueError, match=r"."):
            loads(text)


def test_words_and_numbers() -> None:
    assert words("coverImage_url-2") == ("cover", "image", "url", "2")
    assert [word(v) for v in ("In-Progress ", "IN_PROGRESS", 7, True, None, 1.5)] == [
        *("inprogress", "inprogress", "7", "", "", "")
    ]
    assert [number(v) for v in ("1.5%", 2, True, "x", 10**400, float("inf"), None)] == [
        *(1.5, 2.0, None, None, None, None, None)
    ]
