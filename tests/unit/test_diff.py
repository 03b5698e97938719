"""A difference between catalogues is told in the words of the command line, the worst first."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.diff import Change, diff
from callsheet.overlay import Overlay
from callsheet.snapshot import Snapshot
from callsheet.spec import Advertised

TEXT = {"type": "string"}


def change(old: dict[str, Any], new: dict[str, Any], **extra: Any) -> tuple[Change, ...]:
    sides = [
        Snapshot("sandbox", (Advertised(id="ai.video.generate", input=side),))
        for side in (old, new)
    ]
    return diff(*sides, **extra)


def fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("old", "new", "severity", "text"),
    [
        (fields(fps=TEXT), fields(), "breaking", "`--fps` is gone from `ads video generate`"),
        (fields(), fields(fps=TEXT), "additive", "`--fps` is new in `ads video generate`"),
        (
            fields(),
            {**fields(fps=TEXT), "required": ["fps"]},
            "breaking",
            "`--fps` is new in `ads video generate` and is required",
        ),
        (
            fields(fps=TEXT),
            {**fields(fps=TEXT), "required": ["fps"]},
            "breaking",
            "`--fps` of `ads video generate` is required now",
        ),
        (
            fields(fps=TEXT),
            fields(fps={"type": "integer"}),
            "breaking",
            "`--fps` of `ads video generate` takes integer instead of string",
        ),
        (
            fields(s={"enum": ["a", "b"]}),
            fields(s={"enum": ["a"]}),
            "breaking",
            "`--s` of `ads video generate` no longer takes b",
        ),
        (
            fields(s=TEXT),
            fields(s={"type": "string", "enum": ["a"]}),
            "breaking",
            "`--s` of `ads video generate` no longer takes anything but a",
        ),
        (
            fields(s={"enum": ["a"]}),
            fields(s={"enum": ["a", "b"]}),
            "additive",
            "`--s` of `ads video generate` takes b too",
        ),
        (
            fields(n={"type": "integer", "maximum": 9}),
            fields(n={"type": "integer", "maximum": 5}),
            "breaking",
            "`--n` of `ads video generate` has other limits: maximum 5",
        ),
        (
            fields(n={"type": "integer", "maximum": 9}),
            fields(n={"type": "integer"}),
            "additive",
            "`--n` of `ads video generate` has other limits: no maximum",
        ),
        (
            fields(n={**TEXT, "default": "a"}),
            fields(n={**TEXT, "default": "b"}),
            "text",
            '`--n` of `ads video generate` has the server default "b" instead of "a"',
        ),
        (
            fields(n=TEXT),
            fields(n={**TEXT, "description": "d"}),
            "text",
            "`--n` of `ads video generate` is described otherwise",
        ),
        (
            fields(n=TEXT),
            {**fields(n=TEXT), "additionalProperties": False},
            "breaking",
            "`ads video generate` obeys other rules, its flags stay",
        ),
    ],
)
def test_one_change_in_words(
    old: dict[str, Any], new: dict[str, Any], severity: str, text: str
) -> None:
    (found,) = change(old, new)

    assert (found.severity, found.text) == (severity, text)


def test_nothing_changed_is_nothing_told() -> None:
    schema = {**fields(a=TEXT, title=TEXT), "description": "x"}

    assert change(schema, {**schema, "description": "y", "$comment": "z"}) == ()


def test_actions_come_and_go_breaking_first() -> None:
    one, two = (Advertised(id=name, input={}) for name in ("ai.video.make", "tasks.list"))
    found = diff(Snapshot("s", (two,)), Snapshot("s", (one,)), program="kite")

    assert [(item.kind, item.text) for item in found] == [
        ("removed", "`kite call tasks.list` is gone (tasks.list)"),
        ("added", "`kite video make` is new (ai.video.make)"),
    ]


def test_a_change_names_pointer_flag_and_field() -> None:
    overlay = Overlay(aliases={"a/b": "slash"})
    (found,) = change(fields(**{"a/b": TEXT}), fields(), overlay=overlay)

    assert (found.pointer, found.flags, found.fields) == ("/a~1b", ("slash",), ("a/b",))


def test_a_field_without_a_flag_is_named_by_its_wire_name() -> None:
    overlay = Overlay(hidden={"ai.*": ("options",)})
    (found,) = change(fields(options=TEXT), fields(), overlay=overlay)

    assert found.text == "the field `options` is gone from `ads video generate`"
    assert found.flags == ()
