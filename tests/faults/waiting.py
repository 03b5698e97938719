"""R8: waiting is a loop of its own, which only a result or its deadline ends."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage

from callsheet.backoff import Quota
from callsheet.errors import AuthError, CallsheetError, StillRunning
from callsheet.flows.retry import Timing

if TYPE_CHECKING:
    from faults.tally import Tally

JOB = 30.0
QUERY = "ai.image.query"
DAY = 86_400.0


class Clocks:
    """A measuring clock that only sleeping moves, and a time of day that may jump at a moment."""

    def __init__(self, advance: Any, jump: float = 0.0) -> None:
        self.slept = 0.0
        self._advance, self._jump = advance, jump

    def sleep(self, seconds: float) -> None:
        """Let this much time pass here and on the server."""
        self.slept += seconds
        self._advance(seconds)

    def clock(self) -> float:
        """Return the seconds that were slept since the beginning."""
        return self.slept

    def wall(self) -> float:
        """Return the time of day; it jumps when five seconds have been slept."""
        return time.time() + self.slept + (self._jump if self.slept > 5 else 0.0)


class Script(NamedTuple):
    """What queries meet; ``ends`` is done, deadline or refused; ``deadline`` is in seconds."""

    faults: str
    ends: str = "done"
    deadline: float = 2000.0
    jump: float = 0.0
    job: float = JOB


SCRIPTS = (
    Script(f"503 {QUERY} x100"),
    Script(f"429 {QUERY} x100"),
    Script(f"500 type=problem {QUERY} x100"),
    Script(f"drop {QUERY} x100"),
    Script(f"reset at=sent {QUERY} x30"),
    Script(f"reset at=headers {QUERY} x30"),
    Script(f"truncate {QUERY} after x30"),
    Script(f"garbage {QUERY} x30"),
    Script(f"html {QUERY} x30"),
    Script(f"malformed {QUERY} x30"),
    Script(f"wrong {QUERY} x30"),
    Script(f"empty {QUERY} x30"),
    Script(f"backwards {QUERY} x10"),
    Script(f"backwards {QUERY} @2 ; backwards {QUERY} @4 ; state word=queued {QUERY} @5"),
    Script(f"state word=defragmenting {QUERY} x20"),
    Script(f"state word=42 {QUERY} x3 ; 503 {QUERY} 50%"),
    Script("stuck", "deadline", 60.0),
    Script(f"503 {QUERY} x*", "deadline", 45.0),
    Script(f"drop {QUERY} x*", "deadline", 20.0),
    Script(f"wrong {QUERY} x*", "deadline", 33.0),
    Script(f"hang seconds=0.1 {QUERY} x3"),
    Script(f"429 retry-after=3 {QUERY} x5"),
    Script(f"429 retry-after=100000 {QUERY} x1", "deadline", 50.0, job=3000.0),
    Script(f"429 retry-after=soon {QUERY} x3"),
    Script(f"503 retry-after=date-5 {QUERY} x3"),
    Script(f"404 {QUERY} x2"),
    Script(f"401 {QUERY}", "refused"),
    Script(f"307 to=port {QUERY} x3"),
    Script("", jump=DAY),
    Script("", jump=-DAY),
    Script("stuck", "deadline", 40.0, jump=DAY),
    Script("stuck", "deadline", 40.0, jump=-DAY),
    Script(f"slice {QUERY} x5 ; slow {QUERY} @6"),
    Script("", "deadline", 7.0, job=3000.0),
)


def _ended(error: CallsheetError | None) -> str:
    if error is None:
        return "done"
    names = {StillRunning: "deadline", AuthError: "refused"}
    return names.get(type(error), repr(error))


def _play(tally: Tally, running: Any, home: Path, script: Script, driver: str) -> None:
    running.reset()
    clocks = Clocks(running.advance, script.jump)
    timing = Timing(clocks.clock, clocks.wall, lambda: 0.5, Quota())
    body = {"prompt": "a cup", "options": {"sandboxSeconds": script.job}}
    name = f"{script} ({driver}):"

    async def steps(client: Any, wait: Any) -> None:
        task = await wait(client.submit("ai.image.generate", body))
        running.set_faults(script.faults or "slow seconds=0 /nowhere")
        start = clocks.clock()
        error: CallsheetError | None = None
        try:
            await wait(task.wait(timeout=script.deadline))
        except CallsheetError as raised:
            error = raised
        took = clocks.clock() - start
        tally.hold(_ended(error) == script.ends, name, "ended", _ended(error))
        tally.hold(took <= script.deadline, name, "took", took)
        if script.ends != "done":
            running.clear_faults()
            running.advance(script.job)
            again = await wait((await wait(client.tasks.get(task.id))).wait(timeout=60))
            tally.hold(again.media, name, "the job was lost")

    stage.run(
        stage.settings_for(running.url, home), steps, stage.Play(driver, clocks.sleep, timing)
    )
    tally.hold(len(running.charges()) == 1, name, "charges", running.charges())
    tally.ran(f"{script}")


LONG = 300.0


def _schedule(tally: Tally, running: Any, home: Path, earlier: int) -> None:
    """Count how often a long job is asked for, and measure how late its end is seen."""
    running.reset()
    most, late = (40, 3.0) if earlier else (45, 8.0)
    for number in range(earlier + 1):
        length = LONG * (1 + 0.05 * (number % 3 - 1)) if number < earlier else LONG
        clocks = Clocks(running.advance)
        timing = Timing(clocks.clock, clocks.wall, lambda: 0.5, Quota())
        body = {"prompt": "a cup", "options": {"sandboxSeconds": length}}

        async def steps(client: Any, wait: Any, body: Any = body) -> None:
            task = await wait(client.submit("ai.image.generate", body))
            await wait(task.wait(timeout=4 * LONG))

        before = len(running.requests())
        how = stage.Play("sync", clocks.sleep, timing)
        stage.run(stage.settings_for(running.url, home), steps, how)
    polls = sum(entry["path"].endswith(QUERY) for entry in running.requests()[before:])
    name = f"a job of {LONG:.0f} s after {earlier} others:"
    tally.hold(polls <= most, name, polls, "polls, not", most)
    tally.hold(clocks.slept - LONG <= late, name, "seen late by", clocks.slept - LONG)
    tally.ran(name)


def play(tally: Tally, *, drivers: int) -> None:
    """Play R8; at speed ``real`` the sandbox gives no hints: the client's own pace shows."""
    with tempfile.TemporaryDirectory() as folder, stage.sandbox(speed="real") as running:
        for number, script in enumerate(SCRIPTS):
            for driver in range(drivers):
                home = Path(folder) / f"{number}-{driver}"
                _play(tally, running, home, script, stage.DRIVERS[(number + driver) % 3])
        for earlier in (0, 6):
            _schedule(tally, running, Path(folder) / f"schedule-{earlier}", earlier)
