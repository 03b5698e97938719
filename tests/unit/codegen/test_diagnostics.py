"""Problems are values with an order of their own."""

from __future__ import annotations

from callsheet_codegen.ir import Diagnostic, fell_back, in_order

FIRST = Diagnostic(level="note", code="a", message="one", action="x")
SECOND = Diagnostic(
    level="warning", code="b", message="two", action="y", pointer="/a", hint="do this"
)


def test_they_are_sorted_and_said_once() -> None:
    assert in_order([SECOND, FIRST, SECOND]) == (FIRST, SECOND)


def test_a_line_says_where_and_what_to_do() -> None:
    assert SECOND.line() == "warning: y/a: two (do this)"
    assert FIRST.line() == "note: x: one"
    assert SECOND.as_json()["pointer"] == "/a"


def test_notes_are_no_fall_back() -> None:
    assert not fell_back([FIRST])
    assert fell_back([FIRST, SECOND])
