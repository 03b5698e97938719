"""What a generation calls and writes: one call an action, the formatter a fixed number of times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from performance.conftest import HOST, Watched, untyped, write

from callsheet.catalog.lock import Snapshot, dump_lock, load_lock
from callsheet.spec import Advertised
from callsheet_codegen import pipeline
from callsheet_codegen.config import LOCK, Config, parse_overlay
from callsheet_codegen.models.pool import ModelSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callsheet_codegen.models.pool import ModelRequest

GENERATE = "from callsheet_codegen.cli import generate as main; sys.exit(main())"
TABLE = '[tool.callsheet]\npackage = "ads_client"\nout = "."\nstrip-prefixes = ["ai."]\n'
FORMATTER_RUNS = 2  # unused imports and their order, then the layout


def config(folder: Path) -> Config:
    overlay = parse_overlay({"strip-prefixes": ["ai."]})
    return Config(
        package="ads_client", command="ads", env="ADS", out=folder, lock=folder / LOCK,
        overlay=overlay,
    )  # fmt: skip


def entries(count: int, changed: int = -1) -> tuple[Advertised, ...]:
    from bench.catalogue import actions

    return tuple(
        Advertised(id=action["id"], input=action["inputSchema"], output=action["outputSchema"])
        for action in actions(count, changed=changed)
    )


@pytest.mark.parametrize("count", [3, 30])
def test_every_action_is_asked_for_once_in_one_batch(count: int, tmp_path: Path) -> None:
    batches: list[list[str]] = []

    def modeller(requests: Mapping[str, ModelRequest]) -> Mapping[str, ModelSource]:
        batches.append(sorted(requests))
        return untyped(requests)

    pipeline.draft(config(tmp_path), Snapshot(HOST, entries(count)), None, modeller=modeller)

    assert batches == [sorted(entry.id for entry in entries(count))]


class Watching(dict[str, ModelSource]):
    """Answers that tell when somebody looks at one."""

    def __init__(self, sources: Mapping[str, ModelSource], events: list[str]) -> None:
        super().__init__(sources)
        self.seen = events

    def get(self, name: str, default: object = None) -> ModelSource:  # type: ignore[override]  # never absent
        self.seen.append("an answer")
        return self[name]


def test_nobody_waits_for_models_before_everything_else_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    written = pipeline.dump_lock

    def dump_lock(*given: Any) -> str:
        events.append("the lock")
        return written(*given)

    monkeypatch.setattr(pipeline, "dump_lock", dump_lock)
    pipeline.draft(
        config(tmp_path),
        Snapshot(HOST, entries(3)),
        None,
        modeller=lambda requests: Watching(untyped(requests), events),
        meanwhile=lambda: events.append("other work"),
    )

    assert events == ["other work", "the lock", *["an answer"] * 3]


def test_a_worker_starts_before_what_it_is_not_asked_for_is_imported(tmp_path: Path) -> None:
    program = """
def hook(event, arguments):
    if event == "subprocess.Popen" and "callsheet_codegen.models.worker" in arguments[1]:
        slow = {"dataclasses", "inspect", "tempfile", "pathlib", "callsheet.catalog.lock"}
        print(*sorted(slow & set(sys.modules)), end="", flush=True)
        os._exit(7)
sys.addaudithook(hook)
"""
    write(3, tmp_path)
    (tmp_path / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    words = [sys.executable, "-c", f"import os, sys\n{program}{GENERATE}", "--locked"]
    environ = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (7, "")


@pytest.mark.parametrize("count", [3, 30, 120])
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


def change(lock: Path, number: int) -> str:
    """Give one action of a lock a new field; returns its name."""
    old = load_lock(lock.read_text(encoding="utf-8"))
    entries = list(old.snapshot.actions)
    entry = entries[number]
    assert isinstance(entry.input, dict)
    schema = {
        **entry.input,
        "properties": {**entry.input["properties"], "added": {"type": "string"}},
    }
    entries[number] = entry._replace(input=schema)
    changed = replace(old, snapshot=replace(old.snapshot, actions=tuple(entries)))
    lock.write_text(dump_lock(changed), encoding="utf-8")
    return entry.id


def test_a_changed_action_starts_one_modeller_and_renders_its_own_files(tmp_path: Path) -> None:
    project = Watched(write(30, tmp_path))
    (tmp_path / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    assert project.run("--locked", program=GENERATE).code == 0
    before = {path: path.stat() for path in (tmp_path / "ads_client").rglob("*.*")}
    name = change(tmp_path / LOCK, 4)

    run = project.run("--locked", "--json", program=GENERATE)

    assert name == "ai.area001.list"
    own = ["commands/area001.py", "groups/area001.py", "help/area001.list.flags"]
    own += ["help/area001.list.txt", "models/area001_list.py", "schemas/area001_list.json"]
    own += [".manifest.json"]
    assert json.loads(run.out)["written"] == [*own, LOCK]
    assert [word.rpartition("/")[2][:6] for word in run.started] == ["python", "ruff", "ruff"]
    assert not {"httpx", "callsheet.client.client"} & run.modules
    after = {path: path.stat() for path in before}
    unchanged = [
        path for path in before if path.relative_to(tmp_path / "ads_client").as_posix() not in own
    ]
    assert all(after[path].st_ino == before[path].st_ino for path in unchanged if path.is_file())
    assert all(
        after[path].st_mtime_ns == before[path].st_mtime_ns for path in unchanged if path.is_file()
    )


def test_where_nothing_changed_nothing_is_started(tmp_path: Path) -> None:
    project = Watched(write(3, tmp_path))
    (tmp_path / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    project.run("--locked", program=GENERATE)

    run = project.run("--locked", program=GENERATE)

    assert run.code == 0
    assert run.started == ()
    assert not {"callsheet_codegen.run", "callsheet_codegen.models.pool"} & run.modules
