"""What a generation calls and writes: one call an action, the formatter a fixed number of times."""

from __future__ import annotations

import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from performance.conftest import HOST, untyped, write

from callsheet.overlay import Overlay
from callsheet.snapshot import Snapshot
from callsheet.spec import Advertised
from callsheet_codegen import pipeline
from callsheet_codegen.config import LOCK, Config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callsheet_codegen.models import Made, Request

FORMATTER_RUNS = 2  # unused imports and their order, then the layout


def config(folder: Path) -> Config:
    overlay = Overlay.parse({"strip-prefixes": ["ai."]})
    return Config(
        package="ads_client", command="ads", env="ADS", out=folder, lock=folder / LOCK,
        overlay=overlay,
    )  # fmt: skip


def entries(count: int, changed: int = -1) -> tuple[Advertised, ...]:
    from bench.catalogue import actions

    return tuple(
        Advertised(id=one["id"], input=one["inputSchema"], output=one["outputSchema"])
        for one in actions(count, changed=changed)
    )


@pytest.mark.parametrize("count", [3, 30])
def test_every_action_is_asked_for_once_in_one_batch(count: int, tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def modeller(requests: Mapping[str, Request]) -> Mapping[str, Made]:
        asked.append(sorted(requests))
        return untyped(requests)

    pipeline.draft(config(tmp_path), Snapshot(HOST, entries(count)), None, modeller=modeller)

    assert asked == [sorted(one.id for one in entries(count))]


@pytest.mark.parametrize("count", [3, 30])
def test_the_formatter_runs_as_often_for_many_actions_as_for_few(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Counter[str]()
    real = subprocess.Popen

    class Counting(real):  # type: ignore[type-arg,valid-type,misc]  # a real process, counted
        def __init__(self, words: list[str], *rest: object, **more: object) -> None:
            started[str(words[0]).rpartition("/")[2]] += 1
            super().__init__(words, *rest, **more)

    monkeypatch.setattr(subprocess, "Popen", Counting)
    pipeline.draft(config(tmp_path), Snapshot(HOST, entries(count)), None, modeller=untyped)

    assert started == {"ruff": FORMATTER_RUNS}


def test_what_did_not_change_is_not_written(tmp_path: Path) -> None:
    write(30, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    write(30, tmp_path)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    assert after == before
    assert len(after) > 30
