"""An older ledger is brought to today's form without losing a job; a newer one is left alone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from unit.storage.test_ledger import FACTS, REF

from callsheet.errors import UsageError
from callsheet.storage.ledger import Ledger
from callsheet.storage.ledger_schema import STEPS

if TYPE_CHECKING:
    from pathlib import Path


def first_form(folder: Path) -> None:
    with sqlite3.connect(folder / "ledger.sqlite3") as db:
        db.executescript(STEPS[0] + "PRAGMA user_version = 1;")
        db.execute(
            "INSERT INTO jobs (ref, state, created, updated, host, action, task_ids)"
            " VALUES (?, 'running', 1, 1, 'h', 'a', '[\"t-1\"]')",
            (REF,),
        )
    db.close()


def test_a_ledger_of_the_first_form_is_read_and_written(tmp_path: Path) -> None:
    first_form(tmp_path)
    ledger = Ledger(str(tmp_path))
    row = ledger.find("t-1")
    ledger.record("done", REF, {"seconds": 12.5})
    assert row is not None
    assert (row.ref, row.target, row.seconds) == (REF, None, None)
    assert ledger.durations("h", "a") == (12.5,)
    ledger.close()


def test_a_step_that_fails_leaves_the_older_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_form(tmp_path)
    broken = (STEPS[0], "ALTER TABLE jobs ADD COLUMN seconds REAL; nonsense")
    monkeypatch.setattr("callsheet.storage.ledger_schema.STEPS", broken)
    with pytest.raises(UsageError, match="nonsense"):
        Ledger(str(tmp_path)).find(REF)
    monkeypatch.undo()
    ledger = Ledger(str(tmp_path))
    assert ledger.find(REF) is not None
    ledger.close()


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    ledger.close()
    with sqlite3.connect(ledger.path) as db:
        db.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    db.close()
    with pytest.raises(UsageError, match="newer version") as caught:
        Ledger(str(tmp_path)).record("intent", "other", FACTS)
    assert caught.value.code == "ledger"


def test_how_long_jobs_took_is_known_by_host_and_action(tmp_path: Path) -> None:
    now = iter(range(1000))
    ledger = Ledger(str(tmp_path), clock=lambda: float(next(now)))
    for n, host in enumerate(["h", "h", "other", "h"]):
        ledger.record("intent", f"ref-{n}", {**FACTS, "host": host})
        ledger.record("done", f"ref-{n}", {"seconds": float(n)})
    ledger.record("intent", "ref-9", {**FACTS, "host": "h"})
    assert ledger.durations("h", "ai.v.make") == (3.0, 1.0, 0.0)
    assert ledger.durations("h", "ai.v.make", limit=2) == (3.0, 1.0)
    assert ledger.durations("h", "ai.x") == ()
    ledger.close()


def test_two_processes_cannot_both_take_one_reference(tmp_path: Path) -> None:
    program = (
        "import sys; from callsheet.storage.ledger import Ledger\n"
        "from callsheet.errors import UsageError\n"
        "won = 0\n"
        "for n in range(40):\n"
        "    try:\n"
        "        Ledger(sys.argv[1]).record('intent', f'r-{n}', {'host': 'h', 'action': 'a'})\n"
        "        won += 1\n"
        "    except UsageError as error:\n"
        "        assert 'was used' in error.message, error.message\n"
        "print(won)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "ignore"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], env=environ, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    assert sum(int(worker.communicate(timeout=30)[0]) for worker in workers) == 40
