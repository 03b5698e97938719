"""Publishing is whole or nothing, and leaves alone what is not ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from callsheet.errors import CallsheetError, UsageError
from callsheet_codegen import publish
from callsheet_codegen.config import MANIFEST
from callsheet_codegen.publish import plan

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_codegen.ir import Plan


def drafted(package: Path, **files: str) -> Plan:
    rendered = {f"{name}.py": text for name, text in files.items()}
    manifest = publish.read_manifest(package)
    paths = rendered.keys() | manifest.keys()
    return plan(rendered, publish.read_disk(package, paths), manifest)


def put(package: Path, **files: str) -> tuple[str, ...]:
    beside = {package.parent / "lock.json": files.get("a", "")}
    return publish.publish(drafted(package, **files), package, beside)


def texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".json")
    }


def test_it_writes_deletes_and_then_rests(tmp_path: Path) -> None:
    package = tmp_path / "out" / "client"
    first = put(package, a="1", b="2")
    second = put(package, a="1", c="3")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    third = put(package, a="1", c="3")

    assert first == ("a.py", "b.py", ".manifest.json", "lock.json")
    assert second == ("c.py", ".manifest.json", "b.py")
    assert third == ()
    assert texts(package) == {"a.py": "1", "c.py": "3"}
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_stays_keeps_its_time_and_foreign_files_survive(tmp_path: Path) -> None:
    package = tmp_path / "client"
    put(package, a="1", b="2")
    (package / "mine").mkdir()
    (package / "mine/own.py").write_text("own")
    (package / "link").symlink_to("a.py")
    time = (package / "a.py").stat().st_mtime_ns
    put(package, a="1", b="3")

    assert (package / "a.py").stat().st_mtime_ns == time
    assert (package / "mine/own.py").read_text() == "own"
    assert os.readlink(package / "link") == "a.py"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["client", "lock.json"]


def test_a_failure_leaves_everything_as_it_was(tmp_path: Path) -> None:
    package = tmp_path / "client"
    put(package, a="1")
    (tmp_path / "lock.json").unlink()
    (tmp_path / "lock.json").mkdir()
    (tmp_path / "lock.json" / "in the way").write_text("")
    step = drafted(package, a="2", b="2")
    with pytest.raises(CallsheetError, match="could not be written"):
        publish.publish(step, package, {tmp_path / "lock.json" / "in the way" / "x": "2"})

    assert texts(package) == {"a.py": "1"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["client", "lock.json"]


def test_a_killed_run_is_undone_by_the_next(tmp_path: Path) -> None:
    package = tmp_path / "client"
    put(package, a="1")
    package.rename(tmp_path / ".client.old")
    (tmp_path / ".client.new").mkdir()
    (tmp_path / ".client.new" / "half.py").write_text("half")

    publish.recover(package)

    assert texts(package) == {"a.py": "1"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["client", "lock.json"]


def test_a_run_killed_after_the_swap_keeps_the_new_one(tmp_path: Path) -> None:
    package = tmp_path / "client"
    put(package, a="2")
    (tmp_path / ".client.old").mkdir()

    publish.recover(package)

    assert texts(package) == {"a.py": "2"}
    assert not (tmp_path / ".client.old").exists()


@pytest.mark.parametrize("text", [None, "", "[]", "no json", '{"files": []}'])
def test_a_damaged_manifest_is_an_empty_one(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / MANIFEST).write_text(text)

    assert publish.read_manifest(tmp_path) == {}


def test_a_manifest_reads_back(tmp_path: Path) -> None:
    steps = drafted(tmp_path / "p", a="a")
    publish.publish(steps, tmp_path / "p", {})

    assert publish.read_manifest(tmp_path / "p") == steps.manifest


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    package, outside = tmp_path / "client", tmp_path / "outside"
    put(package, a="1")
    outside.mkdir()
    (package / "models").symlink_to(outside)
    files = {"a.py": "1", "models/m.py": "m"}
    step = publish.plan(files, publish.read_disk(package, files), publish.read_manifest(package))
    with pytest.raises(UsageError, match="client/models is a symbolic link"):
        publish.publish(step, package, {})
    assert list(outside.iterdir()) == []
    assert texts(package) == {"a.py": "1"}
    assert not list(tmp_path.glob(".*"))


def test_a_package_that_is_a_link_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "real", a="1")
    (tmp_path / "client").symlink_to("real")
    with pytest.raises(UsageError, match="client is a symbolic link"):
        publish.recover(tmp_path / "client")
