"""Keep a client of a thousand actions up to date, and check what that requests and writes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from drift import dying
from drift.upkeep import PACKAGE, Upkeep, changed_files, environ
from fidelity.tally import Row, faults, table

from callsheet_codegen import publish
from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE, KILLS = 1000, 30
CHANGED = 5  # an action that is no member of a job
LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8")
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns")


def upkeep(folder: Path, size: int) -> list[Row]:
    """Generate, generate again, change one action, remove one; check requests and files."""
    with serve(Options(actions=size)) as server:
        project = Upkeep(folder / "project", folder / "home", server).prepare()
        first = project.generate()
        rows = [_row("first run", first.stderr if first.code else "")]
        rows.append(_unchanged(project))
        rows.append(_one_changed(project))
        rows.append(_one_removed(project))
        rows.append(_from_lock(project))
        return rows


def _row(name: str, *problems: str) -> Row:
    row = Row(name)
    for problem in problems:
        row.count(name, problem)
    return row


def _unchanged(project: Upkeep) -> Row:
    before, _ = project.files(), project.new_requests()
    done = project.generate("--json")
    requests = project.new_requests()
    return _row(
        "nothing changed: one request, nothing written",
        done.stderr if done.code else "",
        "" if requests == ["GET /api/actions"] else f"sent {len(requests)}: {requests[:3]}",
        "" if done.json["written"] == [] else f"written {done.json['written'][:5]}",
        _listed(changed_files(before, project.files())),
    )


def _one_changed(project: Upkeep) -> Row:
    before = project.files()
    project.change(CHANGED, fps={"type": "integer"})
    project.new_requests()
    done = project.generate()
    allowed = {
        *(f"{PACKAGE}/{name}" for name in ("models/lab000_describe.py", ".manifest.json")),
        *(f"{PACKAGE}/{name}" for name in ("groups/lab000.py", "commands/lab000.py")),
        *(f"{PACKAGE}/help/lab000.describe.{kind}" for kind in ("txt", "flags")),
        *(f"{PACKAGE}/{name}" for name in ("schemas/lab000_describe.json",)),
        "catalog.lock.json",
    }
    changed = changed_files(before, project.files())
    return _row(
        "one changed: its files and the index files",
        done.stderr if done.code else "",
        _listed(changed ^ allowed),
        "" if "`--fps`" in done.stdout else f"not reported: {done.stdout[-300:]}",
    )


def _one_removed(project: Upkeep) -> Row:
    before = project.files()
    project.server.remove_action("ai.lab000.describe")
    project.generate()
    removed = before.keys() - project.files().keys()
    names = (
        "models/lab000_describe.py",
        "schemas/lab000_describe.json",
        "help/lab000.describe.txt",
        "help/lab000.describe.flags",
    )
    return _row(
        "one removed: its files go", _listed(removed ^ {f"{PACKAGE}/{name}" for name in names})
    )


def _from_lock(project: Upkeep) -> Row:
    before = {path: digest for path, (digest, _) in project.files().items()}
    fresh = project.generate("--fresh", ask=False)
    again = {path: digest for path, (digest, _) in project.files().items()}
    project.new_requests()
    rested = project.generate(ask=False)
    return _row(
        "from the lock: the same bytes, no request",
        fresh.stderr if fresh.code else "",
        _listed({path for path in before | again if before.get(path) != again.get(path)}),
        "" if not project.new_requests() else "a request was sent",
        "" if "0 written" in rested.stdout else rested.stdout[-300:],
    )


def _listed(paths: set[str]) -> str:
    return f"{len(paths)} files: {sorted(paths)[:5]}" if paths else ""


def kills(folder: Path, count: int, points: int = KILLS) -> Row:
    """Kill a run at points of its publication; check that the tree is the old or the new one."""
    row = Row(f"killed at {points} points of publishing {count} files")
    total = int(_die_at(_publish_old(folder / "whole", count), count, 0).stdout)
    for point in range(points):
        step = 1 + point * (total - 1) // (points - 1)
        own = _publish_old(folder / f"at-{point}", count)
        done = _die_at(own, count, step)
        died = "" if done.returncode == -9 else f"exit {done.returncode}: {done.stderr[-200:]}"
        row.count(f"step {step} of {total}", died or torn(own, count))
    return row


def _publish_old(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    dying.publish_tree(folder, "old", count)
    return folder


def _die_at(folder: Path, count: int, step: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, dying.__file__, str(folder), str(count), str(step)],
        env=environ(folder),
        capture_output=True,
        text=True,
        check=False,
    )


def torn(folder: Path, count: int) -> str:
    """Say how the tree is neither the old nor the new one, at first or after recovery."""
    states = {state: dying.tree(state, count) for state in ("old", "new")}
    texts = _texts(folder / dying.PACKAGE)
    state = next((name for name, files in states.items() if files == texts), "")
    if not state:
        return f"a mix of {len(texts)} files"
    publish.recover(folder / dying.PACKAGE)
    lock = (folder / dying.LOCK).read_text("utf-8")
    if _texts(folder / dying.PACKAGE) != states[state] or lock != f"lock of {state}":
        return f"the tree is the {state} one, and the {lock}"
    names = sorted(path.name for path in folder.iterdir())
    return "" if names == sorted([dying.PACKAGE, dying.LOCK]) else f"left behind: {names}"


def _texts(package: Path) -> dict[str, str]:
    return {
        path.relative_to(package).as_posix(): path.read_text("utf-8")
        for path in package.rglob("*")
        if path.is_file() and path.name != ".manifest.json"
    }


def same_bytes(folder: Path, size: int, runs: int = 5) -> Row:
    """Generate with different hash seeds, locales, time zones and orders of the catalogue."""
    row = Row(f"{runs} hash seeds, locales, time zones and orders: the same bytes")
    first: dict[str, str] = {}
    for run, tree in enumerate(_trees(folder, size, runs)):
        first = first or tree
        wrong = {path for path in first | tree if first.get(path) != tree.get(path)}
        row.count(f"run {run}", _listed(wrong) or ("" if tree else "nothing was written"))
    return row


def _trees(folder: Path, size: int, runs: int) -> Iterator[dict[str, str]]:
    with serve(Options(actions=size)) as server:
        realm = server.world.realms["plain"]
        ordered = list(realm.actions.items())
        for run in range(runs):
            random.Random(run).shuffle(ordered)
            realm.actions = dict(ordered)
            project = Upkeep(folder / f"run-{run}", folder / f"home-{run}", server).prepare()
            place = {"PYTHONHASHSEED": str(run), "TZ": ZONES[run % 3], "LC_ALL": LOCALES[run % 3]}
            done = project.generate("--json", **place)
            assert done.code == 0, done.stderr
            assert json.loads(done.stdout)["files"] > size
            yield {path: digest for path, (digest, _) in project.files().items()}


def main() -> int:
    """Print the table; 1 where anything did not hold."""
    with tempfile.TemporaryDirectory(prefix="callsheet-") as name:
        folder = Path(name)
        rows = [
            *upkeep(folder / "upkeep", SIZE),
            kills(folder / "kills", SIZE),
            same_bytes(folder / "bytes", 99),
        ]
    sys.stdout.write("\n".join((table(rows), faults(rows))).rstrip() + "\n")
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
