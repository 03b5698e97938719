"""Decide when a job is polled, what an unknown state word means, and when waiting ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.backoff import poll_interval
from callsheet.config.settings import is_loopback
from callsheet.text import shell_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.errors import CallsheetError
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.retry import Timing


SPREAD = 1.15 / 0.85  # of the longest to the shortest run in a cluster
LEARNING_RUNS, TYPICAL_RUNS = 5, 3
EARLIEST, LATEST = 0.85, 1.18  # of the shortest and the longest run in the cluster
LONGEST_PAUSE = 8.0
SHORTEST_PAUSE, SHORTEST_AT_HOME = 0.25, 0.02  # seconds, despite any hint; on loopback
NOT_FOUND_LIMIT, NOT_FOUND_SPAN = 5, 10.0  # questions in a row, and the seconds that they take
REFUSAL_LIMIT, REFUSAL_SPAN = 3, 5.0
REPORT_AFTER = 60.0  # seconds of waiting after which an unknown state word is reported


def shortest_pause(host: str) -> float:
    """Return the least seconds between two polls of a host, even if it hints at fewer."""
    return SHORTEST_AT_HOME if is_loopback(host) else SHORTEST_PAUSE


def typical_duration(past: Sequence[float]) -> float | None:
    """Return the median of ``past`` in seconds, or ``None`` for fewer than three runs."""
    return _median(sorted(past)) if len(past) >= TYPICAL_RUNS else None


class PollSchedule:
    """The pauses between polls of one job, where the server does not name them.

    ``past`` holds the seconds that earlier runs took. If five or more of them, and three of four,
    lie within 15 % of one length, the job is polled often around that time and seldom before it;
    otherwise after 1 s, growing by half up to 8 s.
    """

    def __init__(self, past: Sequence[float] = ()) -> None:
        cluster = _largest_cluster(sorted(past))
        self.is_learned = len(cluster) >= LEARNING_RUNS and 4 * len(cluster) >= 3 * len(past)
        if self.is_learned:
            self._early, self._late = EARLIEST * cluster[0], LATEST * cluster[-1]
            self._step = min(3.0, max(0.5, _median(cluster) / 100))

    def pause(self, polls: int, elapsed: float) -> float:
        """Return the seconds until the next poll.

        ``polls`` counts those before the last one; ``elapsed`` is the job's age in seconds.
        """
        if not self.is_learned:
            return poll_interval(polls)
        if elapsed < self._early:
            growing = 3.0 ** min(polls + 1, 20)
            return max(self._step, min(growing, self._early - elapsed))
        overdue = max(0.0, elapsed - self._late)
        return min(LONGEST_PAUSE, self._step + overdue / 4)


def _largest_cluster(durations: Sequence[float]) -> Sequence[float]:
    """Return the largest group of these sorted durations that lie within 15 % of one length."""
    largest: Sequence[float] = ()
    for start, shortest in enumerate(durations):
        cluster = [seconds for seconds in durations[start:] if seconds <= shortest * SPREAD]
        largest = cluster if len(cluster) > len(largest) else largest
    return largest


def _median(ordered: Sequence[float]) -> float:
    """Return the median; importing ``statistics`` would cost every command 3 ms."""
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2


class JobAge:
    """The age of a job: by the time of day at first, then by the monotonic clock."""

    def __init__(self, started: float, timing: Timing) -> None:
        self._clock, self._start = timing.clock, timing.clock()
        self._before = max(0.0, timing.wall() - started)
        self._running: float | None = None

    def seconds(self) -> float:
        """Return the age in seconds."""
        return self._before + self._clock() - self._start

    def saw_running(self) -> None:
        """Note that the job is running now."""
        self._running = self.seconds()

    def length(self) -> float | None:
        """Return the seconds that the job took, which ended now or since the last running poll.

        That is the middle of both; ``None`` where no poll saw it running shortly before.
        """
        now = self.seconds()
        if self._running is None or now - self._running > max(LONGEST_PAUSE + 2, now / 10):
            return None
        return (now + self._running) / 2


class RefusalsInARow:
    """The equal refusals of the last questions about a job.

    Three that another try does not change end a wait, and five for which the server does not know
    the job; the last of them is at least 5 and 10 seconds after the first.
    """

    def __init__(self, timing: Timing) -> None:
        self._clock = timing.clock
        self._sign, self._count, self._since = "", 0, 0.0
        self._limit, self._span = REFUSAL_LIMIT, REFUSAL_SPAN

    def are_final(self, failure: CallsheetError | None) -> bool:
        """Count one more question, with the error that it ended with; tell whether to give up."""
        sign, limit, span = failure.lasting if failure else "", REFUSAL_LIMIT, REFUSAL_SPAN
        if failure is not None and failure.code == "not_found":
            sign, limit, span = "not_found", NOT_FOUND_LIMIT, NOT_FOUND_SPAN
        if sign != self._sign:
            self._count, self._since = 0, self._clock()
        self._sign, self._limit, self._span = sign, limit, span
        self._count += 1
        return bool(sign) and self._count >= limit and self._left() <= 0

    def least_pause(self) -> float:
        """Return the seconds to wait so that one more equal refusal can end the wait, else 0."""
        return self._left() if self._sign and self._count >= self._limit - 1 else 0.0

    def _left(self) -> float:
        left = self._span - (self._clock() - self._since)
        return left if left > 0.001 else 0.0


class UnknownState:
    """The reading of an unknown state word: as running, reported to the user once.

    With media in two replies in a row the job counts as done.
    """

    def __init__(self, timing: Timing) -> None:
        self._clock = timing.clock
        self._began, self._with_media, self._is_told = timing.clock(), 0, False
        self.unknown = ""
        self._is_over = False

    def judge(self, reply: ParsedReply) -> ParsedReply:
        """Return the reply of one more poll, as done at the second unknown one with media."""
        fields = reply.fields
        self.unknown = fields.raw_state if fields.has_new_word else ""
        self._with_media = self._with_media + 1 if self.unknown and fields.media else 0
        self._is_over = self._with_media > 1
        return reply._replace(fields=fields._replace(state="done")) if self._is_over else reply

    def note(self) -> str:
        """Return the message about the last unknown word: once, when it is due, else ``""``."""
        is_late = self._clock() - self._began >= REPORT_AFTER
        if not self.unknown or self._is_told or not (is_late or self._is_over):
            return ""
        self._is_told = True
        taken = "came twice with a result: taken as done" if self._is_over else _UNKNOWN
        return f"{self.unknown!r} {taken}. {set_hint(self.unknown)}"


_UNKNOWN = "is no known state: taken as running"


def set_hint(raw_state: str) -> str:
    """Return the hint with the ``--set`` flags that give this state word a meaning."""
    done, failed = (shell_word(f"{state}={raw_state}") for state in ("done", "failed"))
    return f"If it means the end: --set {done} (or --set {failed})"
