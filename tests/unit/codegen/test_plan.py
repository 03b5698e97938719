"""The plan says what to write and delete, and never touches a foreign file."""

from __future__ import annotations

import json

import pytest

from callsheet.errors import UsageError
from callsheet_codegen.config import MANIFEST
from callsheet_codegen.publish import digest, plan

A = {"a.py": "a\n"}
B = {"b.py": "b\n"}


def manifest(**files: str) -> dict[str, str]:
    return {f"{name}.py": digest(text) for name, text in files.items()}


def lies(**files: str | None) -> dict[str, str | None]:
    return {f"{n}.py": None if text is None else digest(text) for n, text in files.items()}


def test_everything_is_new_the_first_time() -> None:
    steps = plan(B | A, lies(a=None, b=None), {})

    assert [step.path for step in steps.writes] == ["a.py", "b.py", MANIFEST]
    assert json.loads(steps.writes[-1].text)["files"] == {
        "a.py": digest("a\n"),
        "b.py": digest("b\n"),
    }


def test_nothing_is_done_twice() -> None:
    steps = plan(A, lies(a="a\n"), manifest(a="a\n"))

    assert steps.idle
    assert steps.steps == ()


def test_a_file_that_need_not_be_rendered_stays_in_the_manifest() -> None:
    steps = plan(A, lies(a="a\n", b="b\n"), manifest(a="a\n", b="b\n"), unchanged=lies(b="b\n"))

    assert steps.idle
    assert steps.manifest == manifest(a="a\n", b="b\n")


def test_what_is_gone_is_written_again() -> None:
    steps = plan(A, lies(a=None), manifest(a="a\n"))

    assert [step.path for step in steps.writes] == ["a.py", MANIFEST]


def test_a_file_changed_by_hand_stays_where_nothing_new_would_come() -> None:
    steps = plan(A, lies(a="edited"), manifest(a="a\n"))

    assert steps.idle
    assert steps.edited == ("a.py",)


def test_a_file_changed_by_hand_stops_what_would_overwrite_it() -> None:
    with pytest.raises(UsageError, match=r"a\.py was changed by hand") as caught:
        plan(A | B, lies(a="edited", b=None), manifest(a="before"))

    assert "--force" in caught.value.hint


@pytest.mark.parametrize("before", ["a\n", "before"])
def test_force_overwrites_what_was_changed_by_hand(before: str) -> None:
    steps = plan(A, lies(a="edited"), manifest(a=before), force=True)

    assert [step.path for step in steps.writes] == ["a.py", MANIFEST]
    assert steps.edited == ()


@pytest.mark.parametrize("force", [False, True])
def test_a_foreign_file_stops_everything(force: bool) -> None:
    with pytest.raises(UsageError, match=r"a\.py exists and was not written by callsheet"):
        plan(A, lies(a="mine"), {}, force=force)


def test_own_files_go_and_edited_ones_stay() -> None:
    disk = lies(a="a\n", b="b\n", c="edited", d=None)
    steps = plan(A, disk, manifest(a="a\n", b="b\n", c="c\n", d="d\n"))

    assert [(step.kind, step.path) for step in steps.steps] == [
        ("delete", "b.py"),
        ("keep", "c.py"),
        ("write", MANIFEST),
    ]
