"""A request that another program has out is not taken for a lost one, whatever happens later."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.storage.ledger import Ledger, ProcessLock

if TYPE_CHECKING:
    from collections.abc import Iterator
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
        assert ledger.unsettled() == []
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert ledger.is_unknown(row)
        assert [job.ref for job in ledger.unsettled()] == [row.ref]
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
