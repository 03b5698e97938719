"""Rows under each other, also where letters are wide and the screen is narrow."""

from __future__ import annotations

import pytest

from callsheet.cli.output import formats


@pytest.mark.parametrize(
    ("text", "places"), [("abc", 3), ("", 0), ("海", 2), ("é", 1), ("e\u0301", 1), ("ａ海", 4)]
)
def test_the_width_of_a_text(text: str, places: int) -> None:
    assert formats.width(text) == places


def test_wide_letters_do_not_move_the_next_column() -> None:
    text = formats.align([("海", "x"), ("abcd", "y"), ("", "z")])

    assert text == "海    x\nabcd  y\n      z\n"


def test_the_last_column_gives_way_to_the_screen() -> None:
    rows = [("id", "a" * 50), ("other", "海" * 30)]

    assert formats.align(rows, screen=40).splitlines() == [
        "id     " + "a" * 32 + "…",
        "other  " + "海" * 16 + "…",
    ]
    assert formats.align(rows, screen=20) == formats.align(rows)
    assert all(formats.width(line) <= 40 for line in formats.align(rows, screen=40).split("\n"))


def test_rows_for_programs_are_parted_by_tabs() -> None:
    assert formats.separate_by_tabs([["a\tb", "c\nd"], ["", "x"]]) == "a b\tc d\n\tx\n"


def test_a_file_in_a_value_is_cut_short_and_a_link_is_not() -> None:
    link = "https://cdn.example/a?signature=" + "x" * 2000
    inline = "data:image/png;base64," + "A" * 4000

    assert formats.cell(
        {"image": "A" * 4000, "url": link, "data": inline, "prompt": "a " * 999}
    ) == (
        f'{{"image":"{"A" * 40}… (4,000 characters)","url":"{link}",'
        f'"data":"data:image/png (3,000 bytes)","prompt":"{"a " * 999}"}}'
    )
