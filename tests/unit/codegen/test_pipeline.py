"""The phases end in a package and a lock that give each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.codegen.given import PING, TEXT, catalogue, config, no_models, thing

from callsheet.catalog.lock import Lock, Snapshot
from callsheet.errors import UsageError
from callsheet.spec import Advertised
from callsheet_codegen import pipeline

if TYPE_CHECKING:
    from pathlib import Path


def test_the_lock_gives_the_tree_again(tmp_path: Path) -> None:
    project = config(tmp_path)
    draft = pipeline.draft(project, catalogue(), None, modeller=no_models)
    pipeline.write(project, draft)
    lock = pipeline.read_lock(project.lock)
    assert lock is not None
    again = pipeline.draft(project, lock.snapshot, lock, modeller=no_models)

    assert again.plan.idle
    assert again.text == draft.text == project.lock.read_text()
    assert again.changes == ()


def test_a_change_is_told_in_words(tmp_path: Path) -> None:
    project = config(tmp_path)
    old = pipeline.draft(project, catalogue(), None, modeller=no_models).lock
    zoo = Advertised(id="zoo.feed", input=thing(what=TEXT))
    draft = pipeline.draft(project, catalogue(zoo), old, modeller=no_models)

    assert [change.text for change in draft.changes] == ["`acme zoo feed` is new (zoo.feed)"]


def test_of_two_entries_with_one_id_the_order_decides_nothing() -> None:
    other = PING._replace(description="Another.")
    first, diagnostics = pipeline.drop_duplicates(Snapshot("s", (PING, other)))
    second, _ = pipeline.drop_duplicates(Snapshot("s", (other, PING)))

    assert first == second
    assert len(first.actions) == 1
    assert [d.code for d in diagnostics] == ["twice"]


def test_a_damaged_lock_is_named(tmp_path: Path) -> None:
    project = config(tmp_path)
    project.lock.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"catalog\.lock\.json cannot be read: it is not text"):
        pipeline.read_lock(project.lock)


def test_other_tools_are_told() -> None:
    project = catalogue()
    lock = Lock(project, {}, {"tools": {**pipeline.tools(), "ruff": "0.0.1"}})

    assert pipeline.other_tools(lock) == (f"ruff 0.0.1 there, {pipeline.tools()['ruff']} here",)
    assert len(pipeline.other_tools(Lock(project, {}, {}))) == 3
