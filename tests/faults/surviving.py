"""R3: a job outlives its connection and its process, and is found again without a second charge."""

from __future__ import annotations

import hashlib
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import stage
from faults.waiting import Clocks

from callsheet.backoff import Quota
from callsheet.errors import CallsheetError, OutcomeUnknown, StillRunning
from callsheet.flows.retry import Timing
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from faults.tally import Tally

JOB = 10.0
LAST = 1.0  # seconds of a job in which a poll that began before the cut may still run
FAMILY = ("ai.image.generate", "ai.image.query")


class _ServerClocks(Clocks):
    """Clocks that follow the server's: what a slow machine takes between the sleeps counts too."""

    def __init__(self, advance: Any) -> None:
        super().__init__(advance)
        self._start = time.monotonic()

    def clock(self) -> float:
        """Return the seconds since the beginning, real ones and slept ones."""
        return time.monotonic() - self._start + self.slept


class _Cut(BaseException):
    """The end of a process, as far as its code can tell."""


def _body() -> dict[str, Any]:
    return {"prompt": "a cup", "options": {"sandboxSeconds": JOB}}


def _cut_off(running: Any, home: Path, moment: float, how: str, driver: str) -> str:
    """Start a job and lose it at this moment of it; return how that ended."""
    clocks = _ServerClocks(running.advance)
    timing = Timing(clocks.clock, clocks.wall, lambda: 0.5, Quota())

    def sleep(seconds: float) -> None:
        if how == "process" and clocks.clock() + seconds >= moment:
            clocks.sleep(max(0.0, moment - clocks.clock()))
            raise _Cut
        clocks.sleep(seconds)
        if how == "network" and clocks.clock() >= moment:
            running.set_faults("reset at=sent ai.image.query x*")

    async def steps(client: Any, wait: Any) -> None:
        task = await wait(client.submit(FAMILY[0], _body()))
        await wait(task.wait(timeout=2 * JOB))

    try:
        stage.run(stage.settings_for(running.url, home), steps, stage.Play(driver, sleep, timing))
    except StillRunning:
        return "still running"
    except _Cut:
        return "cut"
    return "done"


def _find_again(tally: Tally, running: Any, home: Path, name: str) -> None:
    """Find the job in the ledger with a new client, and save what it made."""
    running.clear_faults()
    out = home / "cup.png"

    async def steps(client: Any, wait: Any) -> None:
        (row,) = client.tasks.list()
        task = await wait(client.tasks.get(row.ref))
        reply = await wait(task.wait(timeout=60))
        await wait(reply.save(str(out)))

    how = stage.Play("sync", running.advance)
    stage.run(stage.settings_for(running.url, home), steps, how)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    (row,) = Ledger(str(home / "state")).jobs()
    tally.hold(row.state == "saved" and row.files[0].sha256 == digest, name, row)
    tally.hold(len(running.charges()) == 1, name, "charges", running.charges())


def _pair(tally: Tally, running: Any, folder: Path, moments: list[float]) -> None:
    for number, moment in enumerate(moments):
        for how in ("process", "network"):
            running.reset()
            home = folder / f"pair-{number}-{how}"
            driver = stage.DRIVERS[number % 3]
            ended = _cut_off(running, home, moment, how, driver)
            name = f"{how} cut at {moment:.1f} s ({driver}):"
            expected = {"process": "cut", "network": "still running"}[how]
            tally.hold(ended == expected, name, ended)
            _find_again(tally, running, home, name)
            tally.ran(f"{how} {number}")


def _alone(tally: Tally, running: Any, folder: Path, moments: list[float]) -> None:
    """Cut off calls of a server that offers ``_and_wait`` alone: there is no other handle."""
    dialect = "snake"
    for action in FAMILY:
        running.remove_action(action, dialect)
    url = running.dialect_url(dialect)
    for number, moment in enumerate(moments):
        home, driver = folder / f"alone-{number}", stage.DRIVERS[number % 3]
        before = len(running.charges(dialect))
        if number % 2:
            running.set_faults("reset at=headers ai.image.generate_and_wait after")
        silence = 0.05 + moment / JOB * 0.15
        # Half of them lose the answer, the others stop listening before there is one.
        body = {**_body(), "options": {"sandboxSeconds": 0.0 if number % 2 else JOB}}

        async def steps(client: Any, wait: Any, body: Any = body, silence: float = silence) -> None:
            await wait(client.call("ai.image.generate_and_wait", body, timeout=silence))

        name = f"_and_wait alone, cut after {silence:.2f} s ({driver}):"
        ended: CallsheetError | None = None
        try:
            settings = stage.settings_for(url, home)
            stage.run(settings, steps, stage.Play(driver))
        except CallsheetError as error:
            ended = error
        running.advance(JOB)
        running.clear_faults()
        tally.hold(isinstance(ended, OutcomeUnknown), name, repr(ended))
        charges = running.charges(dialect)[before:]
        refs = [row.ref for row in Ledger(str(home / "state")).jobs() if row.state == "unknown"]
        tally.hold([charge["reference"] for charge in charges] == refs, name, charges, refs)
        tally.ran(f"alone {number}")


def play(tally: Tally, *, moments: int) -> None:
    """Play R3."""
    dice = random.Random(3)
    chosen = [dice.uniform(0.2, JOB - LAST) for _ in range(moments)]
    with tempfile.TemporaryDirectory() as name, stage.sandbox(speed="demo") as running:
        _pair(tally, running, Path(name), chosen)
        _alone(tally, running, Path(name), chosen)
