"""Check that differences read as plain sentences after the name of a value."""

from __future__ import annotations

import pytest

from callsheet.schemadiff import phrases


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        (phrases.limit("maxLength", 5, None), "no longer has a maximum length (was 5)"),
        (phrases.limit("minItems", None, 2), "now holds at least 2 items"),
        (phrases.limit("exclusiveMaximum", 1, 0.5), "is now below 0.5 (was 1)"),
        (phrases.rule("pattern", "^a", "^b"), "must now match ^b (was ^a)"),
        (phrases.rule("contentEncoding", "base64", None), "no longer has an encoding (was base64)"),
        (phrases.rule("not", None, {}), "has a new rule `not`"),
        (phrases.rule("if", {}, True), "has a different rule `if`"),
        (phrases.rule("if", {}, None), "no longer has a rule `if`"),
        (phrases.rule("", True, None), "is composed differently"),
        (phrases.multiples({4, 2}), "now takes only multiples of 2 and 4"),
        (phrases.multiples(()), "no longer has to be a multiple"),
        (
            phrases.default({"default": "a"}, {"default": ""}),
            'has the server default "" instead of a',
        ),
        (phrases.default({}, {"default": 1}), "now has the server default 1"),
        (phrases.default({"default": None}, {}), "no longer has a server default (was null)"),
        (phrases.enumerate_values(range(9)), "0, 1, 2, 3, 4, 5 and 3 more"),
        (phrases.enumerate_values(["x" * 50]), "x" * 39 + "…"),
        (phrases.kinds({"null", "integer"}), "whole numbers and null"),
    ],
)
def test_a_phrase(phrase: str, text: str) -> None:
    assert phrase == text
