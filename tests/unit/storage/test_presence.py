"""A request that another program has out is not taken for a lost one, whatever happens later."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.storage.ledger import Ledger
from callsheet.storage.process_lock import ProcessLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOLDER = """
import sys
from callsheet.storage.ledger import Ledger
Ledger(sys.argv[1]).record("intent", "ref-12345678", {"host": "h", "action": "a"})
print("out", flush=True)
sys.stdin.read()
"""


@contextmanager
def sending(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program whose request is out."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-c", HOLDER, str(folder)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, env=environ, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"out\n"
        yield process


def test_a_request_is_unknown_only_when_its_program_is_gone(tmp_path: Path) -> None:
    with sending(tmp_path) as process:
        ledger = Ledger(str(tmp_path))
        (row,) = ledger.jobs()
        assert not ledger.is_unknown(row)
        assert ledger.unknown_or_unsaved() == []
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert ledger.is_unknown(row)
        assert [job.ref for job in ledger.unknown_or_unsaved()] == [row.ref]
        assert not (tmp_path / row.holder).exists()
        ledger.close()


def test_a_row_of_an_older_program_is_judged_by_its_age(tmp_path: Path) -> None:
    with sending(tmp_path) as process:
        ledger = Ledger(str(tmp_path))
        (row,) = ledger.jobs()
        assert ledger.is_unknown(row._replace(holder=None))
        process.kill()
        process.wait()
        ledger.close()


def test_a_name_is_the_owners_and_ends_with_it(tmp_path: Path) -> None:
    lock, other = ProcessLock(str(tmp_path)), ProcessLock(str(tmp_path))
    name = lock.name()
    assert lock.name() == name != other.name()
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert other.is_alive(name)
    assert lock.is_alive(name)
    lock.close()
    assert not other.is_alive(name)
    assert lock.name() != name
    lock.close()
    other.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [None, "", "ledger.sqlite3", "../x.running", "gone.running"])
def test_other_names_are_nobody(tmp_path: Path, name: str | None) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"")
    (tmp_path.parent / "x.running").write_bytes(b"")
    assert not ProcessLock(str(tmp_path)).is_alive(name)
    assert (tmp_path / "ledger.sqlite3").exists()
    assert (tmp_path.parent / "x.running").exists()


def _in_child(work: Callable[[], object]) -> int:
    """Run ``work`` in a forked process; return its exit code, 0 for success."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_process_has_a_ledger_of_its_own(tmp_path: Path) -> None:
    """What SQLite has open in two processes loses rows when one of them closes it."""
    ledger, gate = Ledger(str(tmp_path)), os.pipe()
    ledger.record("intent", "ref-parent", {"host": "h", "action": "a"})

    def work() -> None:
        os.read(gate[0], 1)
        ledger.record("intent", "ref-child", {"host": "h", "action": "a"})
        holders = {row.ref: row.holder for row in ledger.jobs()}
        assert holders["ref-child"] != holders["ref-parent"]

    thread = threading.Timer(0.1, lambda: (ledger.close(), os.write(gate[1], b"x")))
    thread.start()
    assert _in_child(work) == 0
    thread.join()
    assert {row.ref for row in ledger.jobs()} == {"ref-parent", "ref-child"}
    ledger.close()


def test_the_lock_of_a_process_ends_with_it_though_its_child_lives(tmp_path: Path) -> None:
    gate = os.pipe()

    def work() -> None:
        ledger = Ledger(str(tmp_path))
        ledger.record("intent", "ref-12345678", {"host": "h", "action": "a"})
        if os.fork() == 0:
            os.read(gate[0], 1)
            os._exit(0)

    assert _in_child(work) == 0
    ledger = Ledger(str(tmp_path))
    assert [row.ref for row in ledger.unknown_or_unsaved()] == ["ref-12345678"]
    os.write(gate[1], b"x")
    ledger.close()


def test_a_fork_waits_until_no_thread_writes(tmp_path: Path) -> None:
    ledger, writing, order = Ledger(str(tmp_path)), threading.Event(), []

    def write() -> None:
        with ledger._writing():
            writing.set()
            time.sleep(0.1)
            order.append("written")

    thread = threading.Thread(target=write)
    thread.start()
    writing.wait()
    assert _in_child(lambda: ledger.record("intent", "r", {"host": "h", "action": "a"})) == 0
    order.append("forked")
    thread.join()
    assert order == ["written", "forked"]
    ledger.close()


CLAIMER = """
import sys
from callsheet.storage.ledger import Ledger
ledger = Ledger(sys.argv[1])
print(ledger.claim("/out/x.mp4"), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", ["killed", "over"])
def test_a_path_is_claimed_by_one_process_as_long_as_it_lives(tmp_path: Path, end: str) -> None:
    words = [sys.executable, "-c", CLAIMER, str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    ledger = Ledger(str(tmp_path))
    with subprocess.Popen(words, env=environ, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert not ledger.claim("/out/x.mp4")
        assert ledger.claim("/out/y.mp4")
        if end == "killed":
            process.kill()
    assert ledger.claim("/out/x.mp4")
    assert ledger.claim("/out/x.mp4")  # this process has it already
    ledger.close()


def test_of_many_processes_one_claims_a_path(tmp_path: Path) -> None:
    words = [sys.executable, "-c", CLAIMER, str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [subprocess.Popen(words, env=environ, **pipes) for _ in range(6)]
    claims = [process.stdout.readline() for process in processes if process.stdout]
    for process in processes:
        process.communicate(b"")
    assert sorted(claims) == [b"False\n"] * 5 + [b"True\n"]
