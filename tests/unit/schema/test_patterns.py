"""Patterns say the same to the engine that runs in linear time, or nothing."""

from __future__ import annotations

import re
import time

import pytest

from callsheet.schema.limits import linear_rules, linear_validator
from callsheet.schema.validator import Validator

TEXTS = (
    *("", "x", "y", "zz", "b", "bb", "a", "ab", "{abc}", "${a}", "{", "}", "x{2", "a{1}", "-@x"),
    *("a.b", "a..b", ".a", "Abcdefg1", "abcdefg1", "ADMINx", "adm", "Admin1", "<b>", "é", "a\nb"),
    *("0", "-1", "1.50", "https://a.example", "user@a.example", "2024-01-02", "\\", "[", "^"),
)
EXACT = (
    *(r"^(?=.*[A-Z])(?=.*\d).{8,}$", r"^(?!x)", r"^(?!x|y)z|^b$", r"(?i)^(?!ADMIN)\w+$"),
    *(r"^(?=(?!a)b)", r"^(?=.{1,4}$)[a-z]+(?:\.[a-z]+)*$", r"^(?!.*\.\.)(?!\.)[a-z.]+$"),
    *(r"^(?!$)", r"^(?!)", r"^(?=)a", r"^(?!\{)", r"^(?=[(])", r"^(?!.*[)])a"),
    *(
        r"^{[a-z]+}$",
        r"\$\{[^}]+\}",
        r"\$\{[^}]+}",
        "{",
        "x{2",
        "x{",
        "}",
        r"[{}]",
        "a{1}",
        "{a{1}}",
    ),
    *(r"[\w-.]+@x", r"[.\w-]", r"[a-\d]", r"[\d-]", r"[^\w-.]"),
)


@pytest.mark.parametrize("pattern", EXACT)
def test_what_can_be_rewritten_says_the_same(pattern: str) -> None:
    rules, is_whole = linear_rules(pattern)
    validator = linear_validator({"allOf": rules} if rules else {}, "2020-12")
    spelled = re.sub(r"\[([^]]*\\[wd])-", r"[\1\\-", pattern).replace(r"a-\d", r"a\-\d")
    python = re.compile(spelled, re.ASCII)

    assert is_whole
    assert {text: validator.is_valid(text) for text in TEXTS} == {
        text: python.search(text) is not None for text in TEXTS
    }
    assert validator.is_valid(5)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [(r"\<b\>", "<b>", "b"), ("[]", None, "x"), ("^[^]$", "\n", ""), ("^[[]$", "[", "x")],
)
def test_what_ecma_262_reads_otherwise_is_read_so(pattern: str, good: object, bad: str) -> None:
    validator = Validator.of({"pattern": pattern})

    assert (validator.allows(good), validator.allows(bad)) == (True, False)
    assert validator.notes == ()


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        (r"(a)\1", ""),
        (r"a(?<!b)", ""),
        (r"^(?=a)?b", ""),
        (r"^(?:(?!x)y)$", ""),
        (r"^(?!a(?=b))", ""),
        ("[", ""),
        ("a{,5}", ""),
        (r"^(?!.*\.\.)[a-z.]+(?<!\.)$", "a..b"),
        (r"^(?=a)(?!.*(b)\1)", "b"),
    ],
)
def test_the_rest_of_a_pattern_that_cannot_be_matched_still_refuses(
    pattern: str, refused: str
) -> None:
    validator = Validator.of({"pattern": pattern})

    assert validator.allows("zzz") or refused == "b"
    assert validator.allows(5)
    assert not (refused and validator.allows(refused))
    assert validator.notes == (
        f"/pattern is not checked: {pattern}: it cannot be matched in linear time",
    )


def test_names_by_pattern() -> None:
    schema = {
        "patternProperties": {"^{a}$": {"type": "integer"}, "(b)\\1": {"type": "string"}},
        "additionalProperties": False,
    }
    validator = Validator.of(schema)

    assert validator.allows({"{a}": 1, "bb": 1})
    assert not validator.allows({"{a}": "x"})
    assert not validator.surely_allows({"c": 1})
    assert [note.split()[0] for note in validator.notes] == ["/patternProperties"]


def test_a_look_ahead_is_explained_and_takes_linear_time() -> None:
    validator = Validator.of({"pattern": r"^(?!(?:a+)+b)(?=.*\d)"})
    start = time.process_time()

    messages = [violation.message for violation in validator.violations("a" * 50_000 + "b")]

    assert [message.partition("…, ")[2] for message in messages] == [
        'it must not match "^(?:a+)+b"',
        'it must match "^.*\\\\d"',
    ]
    assert time.process_time() - start < 2
