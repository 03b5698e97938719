"""Check that changes are printed grouped, one line each, and safely escaped."""

from __future__ import annotations

from typing import Any

from callsheet.catalog.lock import Snapshot
from callsheet.diff.change import (
    Change,
    document_of,
    github_lines,
    markdown_lines,
    summary,
    text_lines,
)
from callsheet.diff.compare import diff
from callsheet.spec import Advertised

TEXT = {"type": "string"}


def snapshot(**actions: Any) -> Snapshot:
    return Snapshot(
        "s", tuple(Advertised(id=f"a.{name}", input=schema) for name, schema in actions.items())
    )


def fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def test_actions_that_changed_alike_stand_under_one_heading() -> None:
    old = snapshot(one=fields(), two=fields(), three=fields(x=TEXT), four=fields())
    new = snapshot(one=fields(y=TEXT), two=fields(y=TEXT), three=fields(), five=fields())

    assert text_lines(diff(old, new)) == [
        "breaking  `ads a four` is gone (a.four)",
        "`ads a three` · a.three",
        "  breaking  `--x` is gone from `ads a three`",
        "`ads a one`, `ads a two`",
        "  additive  `--y` is new",
        "additive  `ads a five` is new (a.five)",
    ]
    assert summary(diff(old, new)) == "2 breaking, 3 additive in 5 actions"


def test_markdown_has_a_list_under_each_heading() -> None:
    changes = diff(snapshot(one=fields()), snapshot(one=fields(y=TEXT), two={}))

    assert markdown_lines(changes) == [
        "**2 additive in 2 actions**",
        "",
        "- **additive**: `ads a two` is new (a.two)",
        "",
        "#### `ads a one` · a.one",
        "",
        "- **additive**: `--y` is new in `ads a one`",
    ]


def test_annotations_cannot_be_broken_out_of() -> None:
    change = Change(kind="changed", action="a,b:c", severity="breaking", text="x%\n::error::y")

    assert github_lines([change], "the,lock") == [
        "::error file=the%2Clock,title=breaking%3A a%2Cb%3Ac::x%25%0A::error::y"
    ]


def test_no_change_is_no_line() -> None:
    assert text_lines(()) == []
    assert summary(()) == "no change"
    assert document_of(())["counts"] == dict.fromkeys(
        ("breaking", "unproved", "additive", "text"), 0
    )
