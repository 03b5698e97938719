"""Check that changes of a catalogue are worded for the command line, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callsheet.catalog.lock import Snapshot
from callsheet.config.overlay import Overlay
from callsheet.diff.compare import diff
from callsheet.spec import Advertised

if TYPE_CHECKING:
    from callsheet.diff.change import Change

TEXT = {"type": "string"}
CALL = "`ads video generate`"


def change(old: dict[str, Any], new: dict[str, Any], **extra: Any) -> tuple[Change, ...]:
    before, after = (
        Snapshot("sandbox", (Advertised(id="ai.video.generate", input=schema),))
        for schema in (old, new)
    )
    return diff(before, after, **extra)


def fields(*required: str, **properties: Any) -> dict[str, Any]:
    """Build an object that takes these fields and no other."""
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def severities(changes: tuple[Change, ...]) -> list[str]:
    return [entry.severity for entry in changes]


def reply(old: Any, new: Any) -> tuple[Change, ...]:
    before, after = (
        Snapshot("sandbox", (Advertised(id="ai.video.generate", input={}, output=schema),))
        for schema in (old, new)
    )
    return diff(before, after)


@pytest.mark.parametrize(
    ("old", "new", "severity", "text"),
    [
        (fields(fps=TEXT), fields(), "breaking", "`--fps` is gone from {}"),
        (fields(), fields(fps=TEXT), "additive", "`--fps` is new in {}"),
        (fields(), fields("fps", fps=TEXT), "breaking", "`--fps` is new in {} and is required"),
        (fields(fps=TEXT), fields("fps", fps=TEXT), "breaking", "`--fps` of {} is now required"),
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
            "`--s` of {} now takes only a",
        ),
        (
            fields(s={"enum": ["a"]}),
            fields(s={"enum": ["a", "b"]}),
            "additive",
            "`--s` of {} now also takes b",
        ),
        (
            fields(s=TEXT),
            fields(s={**TEXT, "maxLength": 2000}),
            "breaking",
            "`--s` of {} is now at most 2000 characters long",
        ),
        (
            fields(n={"type": "integer", "maximum": 9}),
            fields(n={"type": "integer"}),
            "additive",
            "`--n` of {} no longer has a maximum (was 9)",
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
            "`--n` of {} is described differently",
        ),
        (
            {"type": "object", "properties": {"n": TEXT}},
            fields(n=TEXT),
            "breaking",
            "{} now refuses undeclared fields",
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
    (only,) = change(old, new)

    assert (only.severity, only.text) == (severity, text.format(CALL))
    assert (only.witness is not None) == (severity == "breaking")


def test_a_new_field_of_an_open_object_is_told_twice() -> None:
    old, new = {"type": "object"}, {"type": "object", "properties": {"fps": {"type": "integer"}}}

    assert [(entry.severity, entry.text) for entry in change(old, new)] == [
        ("unproved", f"{CALL} now validates fields that it let pass before: `--fps`"),
        ("additive", f"`--fps` is new in {CALL}"),
    ]


def test_what_binds_nobody_is_text() -> None:
    schema = {**fields(a=TEXT, title=TEXT), "description": "x"}
    (only,) = change(schema, {**schema, "description": "y", "$comment": "z"})

    assert (only.severity, only.text) == ("text", f"{CALL} is described differently")
    assert change(schema, {**schema}) == ()


def test_actions_come_and_go_breaking_first() -> None:
    new, old = (Advertised(id=name, input={}) for name in ("ai.video.make", "tasks.list"))
    changes = diff(Snapshot("s", (old,)), Snapshot("s", (new,)), program="kite")

    assert [(entry.kind, entry.text) for entry in changes] == [
        ("removed", "`kite call tasks.list` is gone (tasks.list)"),
        ("added", "`kite video make` is new (ai.video.make)"),
    ]


def test_a_change_names_pointer_flag_and_field() -> None:
    overlay = Overlay(aliases={"a/b": "slash"})
    (only,) = change(fields(**{"a/b": TEXT}), fields(), overlay=overlay)

    assert (only.pointer, only.flags, only.fields) == ("/a~1b", ("slash",), ("a/b",))


def test_a_field_without_a_flag_is_named_by_its_wire_name() -> None:
    overlay = Overlay(hidden={"ai.*": ("options",)})
    (only,) = change(fields(options=TEXT), fields(), overlay=overlay)

    assert only.text == f"`options` is gone from {CALL}"
    assert only.flags == ()


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
    assert severities(reply(old, new)) == [severity]


def test_what_becomes_paid_breaks_its_callers() -> None:
    free, paid = (
        Snapshot("s", (Advertised(id="a.b", input={}, hints={"readOnly": is_free}),))
        for is_free in (True, False)
    )

    assert [entry.text for entry in diff(free, paid)] == ["`ads a b` may now cost money"]
    assert severities(diff(free, paid)) == ["breaking"]
    assert severities(diff(paid, free)) == ["additive"]


def test_a_schema_that_comes_or_goes_proves_nothing() -> None:
    without, empty = (Snapshot("s", (Advertised(id="a.b", input=own),)) for own in (None, {}))

    assert severities(diff(without, empty)) == ["unproved"]
    assert severities(diff(empty, without)) == ["unproved"]
