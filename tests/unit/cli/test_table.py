"""Rows under each other, also where letters are wide and the screen is narrow."""

from __future__ import annotations

import pytest

from callsheet.cli.output import cells
from callsheet.cli.output.fitting import fit_table, hang


@pytest.mark.parametrize(
    ("text", "places"), [("abc", 3), ("", 0), ("海", 2), ("é", 1), ("e\u0301", 1), ("ａ海", 4)]
)
def test_the_width_of_a_text(text: str, places: int) -> None:
    assert cells.width(text) == places


def test_wide_letters_do_not_move_the_next_column() -> None:
    text = cells.align([("海", "x"), ("abcd", "y"), ("", "z")])

    assert text == "海    x\nabcd  y\n      z\n"


ROWS = [
    {"id": "a.b", "kind": "job", "summary": "x" * 90},
    {"id": "a.long_name", "kind": "call", "summary": "海" * 40},
]


@pytest.mark.parametrize("screen", [30, 40, 60, 80, 120, 200])
def test_a_table_fits_the_screen(screen: int) -> None:
    text = fit_table(ROWS, ("id", "kind", "summary"), screen, spare=("kind",))

    assert max(map(cells.width, text.splitlines())) <= screen
    assert "a.long_name" in text or screen == 30
    assert ("KIND" in text) == (screen >= 60)


def test_what_has_to_be_whole_goes_on_in_the_next_line() -> None:
    text = fit_table([{"name": "path", "value": "/a" * 30}], ("name", "value"), 40)

    assert "".join(line[6:] for line in text.splitlines()[1:]) == "/a" * 30


def test_colour_and_markup_in_a_cell_are_only_text() -> None:
    text = fit_table([{"name": "[red]x[/] :smile:"}], ("name",), 40, coloured=True)

    assert "[red]x[/] :smile:" in text
    assert text.startswith("\x1b[1mNAME")


def test_a_long_line_goes_on_below_its_beginning() -> None:
    lines = hang("\x1b[32mok\x1b[0m  key  ", "one two three four five six", 30).splitlines()

    assert lines == ["\x1b[32mok\x1b[0m  key  one two three four five", "         six"]
    assert hang("a ", "", 30) == "a "


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([{"a": 1, "b": "x,y"}, {"c": None}], 'a,b,c\n1,"x,y",\n,,\n'),
        ({"a": "=1+1", "b": -5, "c": "-x"}, "a,b,c\n'=1+1,-5,'-x\n"),
        ({"=a": ["@x"], "b": {"c": True}}, '\'=a,b\n"[""@x""]","{""c"":true}"\n'),
        ({"a": "two\nlines", "b": "\x1b[31mred"}, 'a,b\n"two\nlines",red\n'),
        (["+1", True], "value\n'+1\ntrue\n"),
        ([], ""),
    ],
)
def test_values_for_a_spreadsheet(value: object, text: str) -> None:
    assert cells.csv_of(value) == text


def test_rows_for_programs_are_parted_by_tabs() -> None:
    rows = cells.cells_of([{"a": "a\tb", "b": "c\nd"}, {"a": "", "b": "x"}], ["a", "b"])

    assert cells.separate_by_tabs(rows) == "a b\tc d\n\tx\n"


def test_a_file_in_a_value_is_cut_short_and_a_link_is_not() -> None:
    link = "https://cdn.example/a?signature=" + "x" * 2000
    inline = "data:image/png;base64," + "A" * 4000

    assert cells.cell({"image": "A" * 4000, "url": link, "data": inline, "prompt": "a " * 999}) == (
        f'{{"image":"{"A" * 40}… (4,000 characters)","url":"{link}",'
        f'"data":"data:image/png (3,000 bytes)","prompt":"{"a " * 999}"}}'
    )
