"""The plan says what to write and delete, and never touches a foreign file."""

from __future__ import annotations

import json

import pytest

from callsheet.errors import UsageError
from callsheet_codegen.ir import Manifest, RenderedFile
from callsheet_codegen.plan import MANIFEST, digest, dump_manifest, load_manifest, plan

A = RenderedFile(path="a.py", text="a\n")
B = RenderedFile(path="b.py", text="b\n")


def manifest(**files: str) -> Manifest:
    return Manifest(files={f"{name}.py": digest(text) for name, text in files.items()})


def test_everything_is_new_the_first_time() -> None:
    made = plan([B, A], {"a.py": None, "b.py": None}, Manifest())

    assert [step.path for step in made.writes] == ["a.py", "b.py", MANIFEST]
    assert json.loads(made.writes[-1].text)["files"] == {
        "a.py": digest("a\n"),
        "b.py": digest("b\n"),
    }


def test_nothing_is_done_twice() -> None:
    made = plan([A], {"a.py": "a\n"}, manifest(a="a\n"))

    assert made.idle
    assert made.steps == ()


def test_a_changed_file_of_ours_is_written_again() -> None:
    made = plan([A], {"a.py": "edited"}, manifest(a="a\n"))

    assert [step.path for step in made.writes] == ["a.py", MANIFEST]


def test_a_foreign_file_stops_everything() -> None:
    with pytest.raises(UsageError, match=r"a\.py exists and was not written by callsheet"):
        plan([A], {"a.py": "mine"}, Manifest())


def test_own_files_go_and_edited_ones_stay() -> None:
    disk = {"a.py": "a\n", "b.py": "b\n", "c.py": "edited", "d.py": None}
    made = plan([A], disk, manifest(a="a\n", b="b\n", c="c\n", d="d\n"))

    assert [(step.kind, step.path) for step in made.steps] == [
        ("delete", "b.py"),
        ("keep", "c.py"),
        ("write", MANIFEST),
    ]


@pytest.mark.parametrize("text", [None, "", "[]", "no json", '{"files": []}'])
def test_a_damaged_manifest_is_an_empty_one(text: str | None) -> None:
    assert load_manifest(text) == Manifest()


def test_a_manifest_reads_back() -> None:
    assert load_manifest(dump_manifest(manifest(a="a"))) == manifest(a="a")
