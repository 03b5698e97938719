"""Nothing that a server wrote reaches a terminal as anything but text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callsheet.text import clip, is_typable, one_line, safe_text, shell_word, with_program

PIECES = st.sampled_from(
    [
        *("\x1b[31m", "\x1b]0;t\x07", "\x1b]8;;http://x\x1b\\", "\x9b2J", "\x1bP1\x1b\\", "\x1b"),
        *("\x90q\x9c", "\u202e", "\u2066", "\u200b", "\ufeff", "\ud800", "\r", "\n", "\t", "\x07"),
        *("\x85", "\u2028", "a", "é", "漢", "🎬", "|"),
    ]
)


@pytest.mark.parametrize(
    ("raw", "printed"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;2;1;2;3mred", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x9d0;title\x9ctext", "text"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("\x1b(Bx\x1bcy\x1b=z", "xyz"),
        ("\x1b]0;never ended", "]0;never ended"),
        ("\x1b[", "["),
        ("a\x08\x08b\x7fc\x00", "abc"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("\u2066a\u2069b\u200fc\u061cd", "abcd"),
        ("z\u200be\u2060r\ufeffo\u00ad", "zero"),
        ("tag\U000e0041\U000e007f", "tag"),
        ("one\r\ntwo\u2028three\x85four\tfive", "one two three four five"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("non\u00a0breaking", "non breaking"),
        ("naïve 漢字 🎬 ❤️ ñ עברית", "naïve 漢字 🎬 ❤️ ñ עברית"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        (None, ""),
        (7, "7"),
        ({"a": ["é"]}, '{"a": ["é"]}'),
    ],
)
def test_what_is_shown(raw: object, printed: str) -> None:
    assert safe_text(raw) == printed


def test_multiline_keeps_line_ends_alone() -> None:
    assert safe_text("a\r\nb\rc\x1b[2J\td", multiline=True) == "a\nb\nc d"


def test_one_line_joins_spaces() -> None:
    assert one_line("  a \n\n b\t\tc ") == "a b c"


@pytest.mark.parametrize(("limit", "printed"), [(0, ""), (1, "…"), (3, "ab…"), (6, "abcdef")])
def test_limit_counts_the_mark(limit: int, printed: str) -> None:
    assert safe_text("abcdef", limit) == printed


def test_clip_counts_bytes() -> None:
    assert [clip("漢字漢字", size) for size in (12, 11, 6, 3, 2)] == [
        "漢字漢字",
        "漢字…",
        "漢…",
        "…",
        "",
    ]


def test_what_cannot_be_written_as_json_is_named() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    assert safe_text(deep) == "(list that cannot be shown)"
    assert safe_text(10**5000) == "(int that cannot be shown)"


@given(st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=30).map("".join))
def test_output_is_inert_and_stays_as_it_is(raw: str) -> None:
    printed = safe_text(raw)

    assert [c for c in printed if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}] == []
    assert safe_text(printed) == printed


@pytest.mark.parametrize("piece", ["\x90", "\x9d", "\x1b]", "\x1b[", "\x9b0", "\x1b(", "\u200b"])
def test_a_megabyte_of_openings_ends(piece: str) -> None:
    printed = safe_text(piece * 200_000)

    assert len(printed) <= 200_000
    assert "\x1b" not in printed


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("task-1.a:b/c@d", "task-1.a:b/c@d"),
        ("漢字", "漢字"),
        ("x; touch y", "'x; touch y'"),
        ("$(id)", "'$(id)'"),
        ("it's", "'it'\"'\"'s'"),
        ("a\x1b[31mb\nc", "'ab c'"),
        ("", "''"),
        ("~", "'~'"),
    ],
)
def test_a_suggested_word_is_one_word(text: str, word: str) -> None:
    assert shell_word(text) == word
    assert is_typable(text) == (text == word)


@pytest.mark.parametrize(
    ("hint", "printed"),
    [
        ("tasks wait t-1", "acme tasks wait t-1"),
        ("see: probe", "see: acme probe"),
        (
            "it was not sent again; see: tasks recover 1",
            "it was not sent again; see: acme tasks recover 1",
        ),
        ("make a key at h, then: login --host h", "make a key at h, then: acme login --host h"),
        ("`actions list` shows them", "`acme actions list` shows them"),
        ("see what it takes: actions schema a.b", "see what it takes: acme actions schema a.b"),
        ("acme tasks wait t-1", "acme tasks wait t-1"),
        ("is h the right host? see: probe", "is h the right host? see: acme probe"),
        ("log in again", "log in again"),
        ("tasks.txt is full: probes fail", "tasks.txt is full: probes fail"),
    ],
)
def test_a_command_line_in_a_hint_names_the_program(hint: str, printed: str) -> None:
    assert with_program("acme", hint) == printed
    assert with_program("acme", printed) == printed
