"""R13: whenever a batch is killed or started twice, each row is charged once at most."""

from __future__ import annotations

import collections
import random
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from faults import stage

from callsheet.storage.batch_journal import BatchJournal
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from faults.tally import Tally

    from callsheet_sandbox.server import Running

WORDS = ("batch", "run", "rows.txt", "image", "generate", "--name", "rows", "--out", "out/{n}.png")
LIMIT = 300  # seconds


class Desk:
    """A batch of one home on one sandbox."""

    def __init__(self, running: Running, home: Path, rows: int) -> None:
        self.running, self.home, self.rows = running, home, rows
        (home / "rows.txt").write_text("a cup\n" * rows, "utf-8")

    def start(self) -> subprocess.Popen[str]:
        """Start the program that runs the batch."""
        env = stage.program_environ(self.home)
        env |= {"ADS_HOST": self.running.url, "ADS_API_KEY": stage.KEY}
        return subprocess.Popen(
            [sys.executable, "-m", "ads_client", *WORDS],
            env=env,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, tally: Tally, process: subprocess.Popen[str], name: str) -> None:
        """Let a run come to its end, which is 0, 4 beside another run, 5 where rows are unknown."""
        out, err = process.communicate(timeout=LIMIT)
        allowed = {0, 4, 5} if name.startswith("double") else {0, 5}
        tally.hold(process.returncode in allowed, name, process.returncode, (out + err)[-500:])

    def judge(self, tally: Tally, name: str) -> None:
        """Hold the server's charges against what the journal says of the rows."""
        charges = collections.Counter(str(entry["reference"]) for entry in self.running.charges())
        journal = BatchJournal(Ledger(str(self.home / "state")))
        (batch,) = journal.batches(self.running.url)
        rows = journal.rows(batch)
        states = collections.Counter(row.state for row in rows)
        by_state = {state: {r.ref for r in rows if r.state == state} for state in states}
        open_refs = by_state.get("unknown", set())
        tally.hold(max(charges.values(), default=0) <= 1, name, "a row was charged twice")
        tally.hold(set(states) <= {"saved", "unknown"}, name, dict(states))
        tally.hold(len(rows) == self.rows, name, len(rows), "rows")
        saved = by_state.get("saved", set())
        tally.hold(saved <= set(charges), name, "a saved row was not charged")
        tally.hold(set(charges) <= saved | open_refs, name, "a charge that no row knows of")
        files = len(list((self.home / "out").glob("*.png")))
        tally.hold(files == states["saved"], name, files, "files of", states["saved"])


def _kill(desk: Desk, moments: random.Random) -> None:
    process = desk.start()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.4 + 1.6 * moments.random())
    process.kill()
    process.communicate()


def play(tally: Tally, *, kills: int, doubles: int, rows: int) -> None:
    """Play R13: batches that are killed five times each, then batches that are started twice."""
    moments = random.Random(13)
    with stage.sandbox() as running:
        for number in range(-(-kills // 5)):
            running.reset()
            with tempfile.TemporaryDirectory() as folder:
                desk, name = Desk(running, Path(folder), rows), f"killed {number}"
                for _ in range(min(5, kills)):
                    _kill(desk, moments)
                    tally.ran(name)
                desk.finish(tally, desk.start(), name)
                desk.judge(tally, name)
        for number in range(doubles):
            running.reset()
            with tempfile.TemporaryDirectory() as folder:
                desk, name = Desk(running, Path(folder), rows), f"double {number}"
                for process in [desk.start(), desk.start()]:
                    desk.finish(tally, process, name)
                desk.judge(tally, name)
            tally.ran(name)
