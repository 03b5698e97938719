"""Words, names, numbers, and strings that hold JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet.protocol.values import expand, loads, number, parse_nested, word, words


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1]\n", [1]),
        (json.dumps('{"a": 1}'), {"a": 1}),
        (json.dumps(json.dumps("[1]")), json.dumps(json.dumps("[1]"))),
        ('"text"', '"text"'),
        ("{broken", "{broken"),
        ("7", "7"),
        ("[" * 100_000, "[" * 100_000),
        ({"a": "{}"}, {"a": "{}"}),
    ],
)
def test_strings_of_json_are_parsed(text: Any, parsed: Any) -> None:
    assert parse_nested(text) == parsed


def test_expand_parses_twice_on_any_path() -> None:
    data = {"a": json.dumps({"b": json.dumps({"c": "[1]"})}), "d": ['{"e": 1}', "{"]}

    assert expand(data) == {"a": {"b": {"c": "[1]"}}, "d": [{"e": 1}, "{"]}


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
