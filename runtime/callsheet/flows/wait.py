"""Waiting for a job: its own loop, in which trouble with a poll never ends the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.engine.pace import LONGEST_PAUSE, Pace
from callsheet.errors import AuthError, NetworkError, ServerError, StillRunning
from callsheet.flows.ask import OVER, Job, Look, look, note
from callsheet.flows.effects import Flow, Sleep, Tell, Update
from callsheet.text import shell_word

if TYPE_CHECKING:
    from callsheet.errors import CallsheetError
    from callsheet.flows.submit import Answer
    from callsheet.flows.timing import Timing

UNFOUND_LIMIT = 5
SHORTEST = 0.02  # seconds between two polls, whatever a server hints


def wait(job: Job, timing: Timing, *, deadline: float) -> Flow[Answer]:
    """Poll until the job is done or failed; ``deadline`` is a reading of the measuring clock.

    Raises ``StillRunning`` at the deadline and ``AuthError`` when the key is refused; the job
    is alive in both cases.
    """
    polls = unfound = 0
    age = _Age(job, timing)
    pace = Pace(job.past)
    seen = Look(job, None, ServerError(""))
    if job.hint:
        yield Sleep(max(0.0, min(job.hint, deadline - timing.clock())))
    while True:
        left = deadline - timing.clock()
        try:
            seen = yield from look(seen.job, timing, min(60.0, max(1.0, left)))
        except (NetworkError, ServerError) as error:
            seen = Look(seen.job, None, error)
        if seen.answer is not None:
            yield Tell(_update(job, seen.answer, age.seconds()))
            if seen.answer.reading.state in OVER:
                yield from note(job, seen.answer, age.length())
                return seen.answer
            age.saw_running()
        elif isinstance(seen.refusal, AuthError):
            raise seen.refusal
        lost = seen.answer is None and seen.refusal.code == "not_found"
        unfound = unfound + 1 if lost else 0
        if unfound >= UNFOUND_LIMIT:
            raise seen.refusal
        left = deadline - timing.clock()
        if left <= 0:
            raise _still_running(job, None if seen.answer else seen.refusal)
        pause = max(seen.hint, SHORTEST) if seen.hint else pace.pause(polls, age.seconds())
        polls += 1
        yield Sleep(min(pause, left))


class _Age:
    """How long a job has been going on: by the time of day at first, then by the steady clock."""

    def __init__(self, job: Job, timing: Timing) -> None:
        self._clock, self._start = timing.clock, timing.clock()
        self._before = max(0.0, timing.wall() - job.started)
        self._running: float | None = None

    def seconds(self) -> float:
        return self._before + self._clock() - self._start

    def saw_running(self) -> None:
        self._running = self.seconds()

    def length(self) -> float | None:
        """How long the job took, where it was seen running shortly before it was over."""
        now = self.seconds()
        if self._running is None or now - self._running > max(LONGEST_PAUSE + 2, now / 10):
            return None
        return (now + self._running) / 2


def _update(job: Job, answer: Answer, elapsed: float) -> Update:
    reading = answer.reading
    return Update(
        task_id=job.task_ids[0],
        state=reading.state or "running",
        said=reading.said,
        progress=reading.progress,
        elapsed=elapsed,
        reading=reading,
    )


def _still_running(job: Job, trouble: CallsheetError | None) -> StillRunning:
    last = f"; the last question about it failed: {trouble.message}" if trouble else ""
    return StillRunning(
        f"stopped waiting for {job.action}; the job goes on as {job.task_ids[0]}{last}",
        hint=f"tasks wait {shell_word(job.task_ids[0])}",
        task_id=job.task_ids[0],
        action=job.action,
    )
