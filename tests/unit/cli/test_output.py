"""One encoder and four formats, none of which a terminal obeys."""

from __future__ import annotations

import json

import pytest

from callsheet.cli.output import formats as output
from callsheet.text import dumps

HOSTILE = "a\x1b]0;x\x07\u202e\x9b31m\ud800b"


def test_json_is_inert_and_means_the_same() -> None:
    text = dumps({HOSTILE: HOSTILE}, 2)

    assert json.loads(text) == {HOSTILE: HOSTILE}
    assert text.replace("\n", "").isprintable()
    assert text.encode()


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        ({"a": 1}, "json", '{\n  "a": 1\n}\n'),
        ([{"a": 1}, {"b": "é"}], "jsonl", '{"a":1}\n{"b":"é"}\n'),
        ({"a": 1}, "jsonl", '{"a":1}\n'),
        ([{"a": 1}, {"b": "é"}], "ndjson", '{"a":1}\n{"b":"é"}\n'),
        ([{"a": 1}], "csv", "a\n1\n"),
        ("text", "raw", "text\n"),
        ({"a": 1}, "raw", '{"a":1}\n'),
        ([{"a": 1, "b": None}, {"a": 22}], "table", "A   B\n1\n22\n"),
        ({"name": "x", "b": [1]}, "table", "name  x\nb     [1]\n"),
        (["x", 1], "table", "x\n1\n"),
        ([], "table", ""),
    ],
)
def test_formats(value: object, form: str, expected: str) -> None:
    assert output.render(value, form) == expected


def test_tables_hold_no_control_characters() -> None:
    text = output.render([{"a": HOSTILE + "\nnext\tcell"}], "table")

    assert len(text.splitlines()) == 2
    assert text.replace("\n", "").isprintable()


def test_raw_text_is_cleaned_for_a_terminal_alone() -> None:
    assert output.render("a\x1b[1mb", "raw") == "a\x1b[1mb\n"
    assert output.render("a\x1b[1mb", "raw", raw_for_terminal=True) == "ab\n"
