"""A difference between catalogues is told in the words of the command line, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callsheet.catalog.snapshot import Snapshot
from callsheet.config.overlay import Overlay
from callsheet.diff.compare import diff
from callsheet.spec import Advertised

if TYPE_CHECKING:
    from callsheet.diff.change import Change

TEXT = {"type": "string"}
WHERE = "`ads video generate`"


def change(old: dict[str, Any], new: dict[str, Any], **extra: Any) -> tuple[Change, ...]:
    sides = [
        Snapshot("sandbox", (Advertised(id="ai.video.generate", input=side),))
        for side in (old, new)
    ]
    return diff(*sides, **extra)


def fields(*required: str, **properties: Any) -> dict[str, Any]:
    """Build an object that takes these fields and no other."""
    made = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": list(required)} if required else made


def reply(old: Any, new: Any) -> tuple[Change, ...]:
    sides = [
        Snapshot("sandbox", (Advertised(id="ai.video.generate", input={}, output=side),))
        for side in (old, new)
    ]
    return diff(*sides)


@pytest.mark.parametrize(
    ("old", "new", "severity", "text"),
    [
        (fields(fps=TEXT), fields(), "breaking", "`--fps` is gone from {}"),
        (fields(), fields(fps=TEXT), "additive", "`--fps` is new in {}"),
        (fields(), fields("fps", fps=TEXT), "breaking", "`--fps` is new in {} and is required"),
        (fields(fps=TEXT), fields("fps", fps=TEXT), "breaking", "`--fps` of {} is required now"),
        (
            fields(fps=TEXT),
            fields(fps={"type": "integer"}),
            "breaking",
            "`--fps` of {} takes whole numbers instead of text",
        ),
        (
            fields(s={"enum": ["a", "b"]}),
            fields(s={"enum": ["a"]}),
            "breaking",
            "`--s` of {} no longer takes b",
        ),
        (
            fields(s=TEXT),
            fields(s={"type": "string", "enum": ["a"]}),
            "breaking",
            "`--s` of {} takes only a now",
        ),
        (
            fields(s={"enum": ["a"]}),
            fields(s={"enum": ["a", "b"]}),
            "additive",
            "`--s` of {} takes b too",
        ),
        (
            fields(s=TEXT),
            fields(s={**TEXT, "maxLength": 2000}),
            "breaking",
            "`--s` of {} is now at most 2000 long",
        ),
        (
            fields(n={"type": "integer", "maximum": 9}),
            fields(n={"type": "integer"}),
            "additive",
            "`--n` of {} has no greatest value any more (was 9)",
        ),
        (
            fields(n={**TEXT, "default": "a"}),
            fields(n={**TEXT, "default": "b"}),
            "additive",
            "`--n` of {} has the server default b instead of a",
        ),
        (
            fields(n=TEXT),
            fields(n={**TEXT, "description": "d"}),
            "text",
            "`--n` of {} is described otherwise",
        ),
        (
            {"type": "object", "properties": {"n": TEXT}},
            fields(n=TEXT),
            "breaking",
            "{} refuses fields that it does not declare now",
        ),
        (
            {"type": "object", "properties": {"n": TEXT}},
            {"type": "object"},
            "unproved",
            "`--n` is gone from {}; the schema lets it pass",
        ),
    ],
)
def test_one_change_in_words(
    old: dict[str, Any], new: dict[str, Any], severity: str, text: str
) -> None:
    (found,) = change(old, new)

    assert (found.severity, found.text) == (severity, text.format(WHERE))
    assert (found.witness is not None) == (severity == "breaking")


def test_a_new_field_of_an_open_object_is_told_twice() -> None:
    old, new = {"type": "object"}, {"type": "object", "properties": {"fps": {"type": "integer"}}}

    assert [(one.severity, one.text) for one in change(old, new)] == [
        ("unproved", f"{WHERE} now judges fields that it let pass before: `--fps`"),
        ("additive", f"`--fps` is new in {WHERE}"),
    ]


def test_what_binds_nobody_is_text() -> None:
    schema = {**fields(a=TEXT, title=TEXT), "description": "x"}
    (found,) = change(schema, {**schema, "description": "y", "$comment": "z"})

    assert (found.severity, found.text) == ("text", f"{WHERE} is described otherwise")
    assert change(schema, {**schema}) == ()


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

    assert found.text == f"`options` is gone from {WHERE}"
    assert found.flags == ()


@pytest.mark.parametrize(
    ("old", "new", "severity"),
    [
        (fields("a", a=TEXT), fields(a=TEXT), "breaking"),
        (fields(a=TEXT), fields("a", a=TEXT), "additive"),
        (fields(a={"enum": ["x"]}), fields(a={"enum": ["x", "y"]}), "breaking"),
        (fields(a={"enum": ["x", "y"]}), fields(a={"enum": ["x"]}), "additive"),
        (fields(a=TEXT), fields(), "unproved"),
        ({"type": "object"}, {"type": "object", "properties": {"a": TEXT}}, "additive"),
    ],
)
def test_a_reply_may_not_become_more_than_it_was(
    old: dict[str, Any], new: dict[str, Any], severity: str
) -> None:
    assert [one.severity for one in reply(old, new)] == [severity]


def test_what_becomes_paid_breaks_its_callers() -> None:
    sides = [
        Snapshot("s", (Advertised(id="a.b", input={}, marks={"readOnly": free}),))
        for free in (True, False)
    ]

    assert [one.text for one in diff(*sides)] == ["`ads a b` may cost money now"]
    assert [one.severity for one in diff(*sides)] == ["breaking"]
    assert [one.severity for one in diff(*reversed(sides))] == ["additive"]


def test_a_schema_that_comes_or_goes_proves_nothing() -> None:
    sides = [Snapshot("s", (Advertised(id="a.b", input=one),)) for one in (None, {})]

    assert [one.severity for one in diff(*sides)] == ["unproved"]
    assert [one.severity for one in diff(*reversed(sides))] == ["unproved"]
