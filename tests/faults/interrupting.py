"""R4: Ctrl-C says how to go on, and a second one ends the program at once."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pexpect
from faults import stage
from program import Program

from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from faults.tally import Tally

    from callsheet_sandbox.server import Running

CREATE = "ai.video.generate"
NEVER = 1000  # seconds that an answer or a job takes: longer than anything is waited for
INTERRUPTED = 130
BODY = json.dumps({"prompt": "a cup", "options": {"sandboxSeconds": NEVER}})


class Moment(NamedTuple):
    """When to interrupt: while the paid request is out, or so many seconds into the wait."""

    name: str
    seconds: float
    faults: str = ""

    @property
    def out(self) -> bool:
        """Tell whether the paid request is out."""
        return bool(self.faults)


def moments(many: int) -> list[Moment]:
    """Return two while the request is out, before and after it was accepted; the others later."""
    dice = random.Random(4)
    chosen = [
        Moment("request out", 0.0, f"slow seconds={NEVER} {CREATE}"),
        Moment("request out, accepted", 0.1, f"hang seconds={NEVER} {CREATE} after"),
        Moment("at the task id", 0.0),
    ]
    chosen += [Moment(f"waiting {number}", dice.uniform(0, 1.5)) for number in range(many - 3)]
    return chosen[:many]


class InterruptedTerminal:
    """The program on a terminal of its own, up to the moment of the interruption."""

    def __init__(self, running: Running, home: Path, moment: Moment) -> None:
        self.running, self.home, self.moment = running, home, moment
        running.reset()
        home.mkdir()
        if moment.faults:
            running.set_faults(moment.faults)
        self.ads = Program(stage.client_folder(), home, home)
        self.more = {"ADS_HOST": running.url, "ADS_API_KEY": stage.KEY}
        self.task = ""
        self.child: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            ["-m", "ads_client", "video", "generate", "--input", BODY],
            env={**self.ads.environ(), **self.more, "TERM": "xterm"},  # type: ignore[arg-type]  # a plain mapping will do
            cwd=str(home),
            encoding="utf-8",
            timeout=20,
        )
        self._come_to(moment)

    def _come_to(self, moment: Moment) -> None:
        if moment.out:
            self._until_posted()
        else:
            self.child.expect("task ([0-9a-f-]{36})")
            assert self.child.match is not None
            self.task = self.child.match.group(1)
        if moment.seconds:
            self.child.expect(pexpect.TIMEOUT, timeout=moment.seconds)

    def _until_posted(self) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if any(entry["path"].endswith(CREATE) for entry in self.running.requests()):
                return
            time.sleep(0.02)
        raise TimeoutError("the paid request was not made")

    def end(self) -> tuple[int, str]:
        """Return the exit code (minus the signal where one killed it) and the output."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        killed = self.child.signalstatus
        code = -killed if killed else self.child.exitstatus or 0
        return code, self.child.before or ""


def _once(tally: Tally, running: Running, home: Path, moment: Moment) -> None:
    terminal = InterruptedTerminal(running, home, moment)
    terminal.child.sendintr()
    code, output = terminal.end()
    name = f"Ctrl-C, {moment.name}:"
    tally.hold(code == INTERRUPTED, name, "exit", code, output[-300:])
    tally.hold("Traceback" not in output, name, output[-300:])
    (row,) = Ledger(str(home / "state")).jobs()
    if moment.out:
        line = f"ads tasks recover {row.ref[:8]}"
        tally.hold(row.state == "unknown", name, "the ledger says", row.state)
    else:
        line = f"ads tasks wait {terminal.task}"
    tally.hold(line in output, name, "no line", line, "in", output[-300:])
    running.clear_faults()
    running.advance(NEVER)
    _goes_on(tally, terminal, name, row.ref)
    tally.ran(moment.name)


def _goes_on(tally: Tally, terminal: InterruptedTerminal, name: str, ref: str) -> None:
    """Check that what was printed works, and that what was charged is charged once."""
    charges = _charges(terminal.running, ref)
    tally.hold(charges <= 1, name, charges, "charges")
    if terminal.moment.out:
        terminal.ads.run("tasks", "recover", ref[:8], env=terminal.more)
        rows = Ledger(str(terminal.home / "state")).jobs()
        accepted = [bool(row.task_ids) for row in rows]
        tally.hold(accepted == [charges == 1], name, "recovered", rows)
    else:
        process = terminal.ads.run("tasks", "wait", terminal.task, env=terminal.more)
        status = re.search(r'"status": "(\w+)"', process.stdout)
        tally.hold(status and status[1] == "success", name, "resumed", process.stderr[-300:])
    tally.hold(_charges(terminal.running, ref) == charges, name, "charged again")


def _charges(running: Running, ref: str) -> int:
    """Count the charges of a reference; earlier requests may still be on their way."""
    return sum(charge["reference"] == ref for charge in running.charges())


def _twice(tally: Tally, running: Running, home: Path, moment: Moment) -> None:
    """Lock the ledger, so that the first Ctrl-C cannot end quickly, and press it twice.

    A program that waits for the ledger waits longer than this does for its end, or says so.
    """
    terminal = InterruptedTerminal(running, home, moment)
    lock = sqlite3.connect(home / "state" / "ledger.sqlite3", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        terminal.child.sendintr()
        if moment.out:
            terminal.child.expect(pexpect.TIMEOUT, timeout=0.15)
            tally.hold(terminal.child.isalive(), moment.name, "had nothing to write down")
        terminal.child.sendintr()
        code, output = terminal.end()
    finally:
        lock.close()
    name = f"second Ctrl-C, {moment.name}:"
    tally.hold(code == INTERRUPTED, name, "exit", code, output[-300:])
    tally.hold("cannot be used" not in output, name, "waited for the ledger:", output[-300:])
    rows = Ledger(str(home / "state")).unknown_or_unsaved()
    tally.hold(len(rows) == 1, name, "the ledger lists", rows)
    tally.ran(f"twice, {moment.name}")


def play(tally: Tally, *, many: int) -> None:
    """Play R4."""
    with tempfile.TemporaryDirectory() as folder, stage.sandbox(speed="demo") as running:
        for number, moment in enumerate(moments(many)):
            _once(tally, running, Path(folder) / f"once-{number}", moment)
            _twice(tally, running, Path(folder) / f"twice-{number}", moment)
