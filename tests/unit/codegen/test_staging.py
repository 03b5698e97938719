"""A new folder that was begun early is the one that is made late, whatever happened meanwhile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from callsheet_codegen.ir import Plan, Step
from callsheet_codegen.staging import StagingDir

if TYPE_CHECKING:
    from pathlib import Path

PLAN = Plan(
    steps=(
        Step(kind="write", path="groups/a.py", text="new"),
        Step(kind="delete", path="models/b.py"),
    ),
    manifest={},
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for path in ("a.py", "groups/a.py", "models/b.py", "__pycache__/a.pyc", "mine/own"):
        (tmp_path / "client" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "client" / path).write_text("old")
    return tmp_path / "client"


def texts(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def filled(stage: StagingDir) -> dict[str, str]:
    stage.apply(PLAN)
    return texts(stage.folder)


FILLED = {"a.py": "old", "groups/a.py": "new", "mine/own": "old"}


@pytest.mark.parametrize("early", [True, False])
def test_it_holds_what_stays_and_what_is_new(package: Path, early: bool) -> None:
    stage = StagingDir(package)
    if early:
        stage.prepare()

    assert filled(stage) == FILLED
    assert not (stage.folder / "models").exists()
    assert texts(package)["groups/a.py"] == "old"


def test_what_came_went_or_was_replaced_meanwhile_counts(package: Path) -> None:
    stage = StagingDir(package)
    stage.prepare()
    (package / "mine/new").write_text("new")
    (package / "part").write_text("replaced")
    os.replace(package / "part", package / "a.py")

    assert filled(stage) == FILLED | {"a.py": "replaced", "mine/new": "new"}


def test_what_is_written_in_place_meanwhile_is_the_same_file(package: Path) -> None:
    stage = StagingDir(package)
    stage.prepare()
    linked = os.stat(stage.folder / "a.py").st_ino
    (package / "mine/own").write_text("other")

    assert filled(stage) == FILLED | {"mine/own": "other"}
    assert os.stat(stage.folder / "a.py").st_ino == linked


def test_what_was_begun_for_nothing_goes(package: Path) -> None:
    stage = StagingDir(package)
    stage.prepare()
    stage.discard()

    assert not stage.folder.exists()


def test_without_links_nothing_is_begun(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    stage = StagingDir(package)
    stage.prepare()

    assert not stage.prepared
    assert not stage.folder.exists()
    assert filled(stage) == FILLED
