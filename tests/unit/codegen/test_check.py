"""The tree against the lock: edits are drift, other tools are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unit.codegen.given import catalogue, config

from callsheet.catalog.lock import Lock
from callsheet_codegen import diff, pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_codegen.config import Config


def written(folder: Path) -> tuple[Config, Lock]:
    project = config(folder)
    draft = pipeline.draft(project, catalogue(), None)
    pipeline.write(project, draft)
    return project, draft.lock


def older(lock: Lock) -> Lock:
    return replace(lock, options={"tools": {**pipeline.tools(), "ruff": "0.0.1"}})


def test_what_was_written_is_what_the_lock_gives(tmp_path: Path) -> None:
    project, lock = written(tmp_path)

    assert diff.check_tree(project, lock).lines == ("the tree is what the lock gives",)


def test_an_edit_is_drift_whatever_the_tools(tmp_path: Path) -> None:
    project, lock = written(tmp_path)
    with (project.folder / "cli.py").open("a") as file:
        file.write("# mine\n")

    for result in (diff.check_tree(project, lock), diff.check_tree(project, older(lock))):
        assert result.drift
        assert "  cli.py (edited by hand)" in result.lines


def test_other_tools_alone_are_no_drift(tmp_path: Path) -> None:
    project, lock = written(tmp_path)
    longer = replace(project, env="OTHER")  # stands for what another formatter would write

    assert diff.check_tree(longer, lock).drift
    result = diff.check_tree(longer, older(lock))
    assert not result.drift
    assert result.lines[1].startswith("written with other tools: ruff 0.0.1 there")


def test_a_lock_of_this_machine_is_asked_for_by_name(tmp_path: Path) -> None:
    lock = Lock(catalogue(source="http://127.0.0.1"), {}, {})
    environ = {"HOME": str(tmp_path)}
    result = diff.check_server(config(tmp_path), lock, host=None, environ=environ)

    assert not result.drift
    assert "say --host" in result.lines[0]
