"""When to ask about a job again: by how long its action took before, else at growing pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.backoff import growth

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIKE = 1.15 / 0.85
ENOUGH = 5
TOLD = 3
EARLIEST, LATEST = 0.85, 1.18  # of the shortest and the longest run that is alike
LONGEST_PAUSE = 8.0


def usual(past: Sequence[float]) -> float | None:
    """Seconds that an action usually takes, from at least three runs."""
    return _median(sorted(past)) if len(past) >= TOLD else None


class Pace:
    """The pauses between polls of one job, where the server does not name them.

    ``past`` holds the seconds that earlier runs took. Where they are alike (five or more lie
    within 15 % of one length, and so do three of four), the job is asked about often around
    that time and seldom before it; else after 1 s, growing by half up to 8 s.
    """

    def __init__(self, past: Sequence[float] = ()) -> None:
        alike = _alike(sorted(past))
        self.learnt = len(alike) >= ENOUGH and 4 * len(alike) >= 3 * len(past)
        if self.learnt:
            self._early, self._late = EARLIEST * alike[0], LATEST * alike[-1]
            self._step = min(3.0, max(0.5, _median(alike) / 100))

    def pause(self, polls: int, elapsed: float) -> float:
        """Seconds until the next poll; ``polls`` were made before the last one.

        ``elapsed`` is how many seconds the job has been going on.
        """
        if not self.learnt:
            return growth(polls)
        if elapsed < self._early:
            seldom = 3.0 ** min(polls + 1, 20)
            return max(self._step, min(seldom, self._early - elapsed))
        late = max(0.0, elapsed - self._late)
        return min(LONGEST_PAUSE, self._step + late / 4)


def _alike(past: Sequence[float]) -> Sequence[float]:
    """The most of these sorted lengths that lie within 15 % of one length."""
    found: Sequence[float] = ()
    for first, shortest in enumerate(past):
        near = [one for one in past[first:] if one <= shortest * ALIKE]
        found = near if len(near) > len(found) else found
    return found


def _median(ordered: Sequence[float]) -> float:
    """``statistics`` would cost every command 3 ms."""
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2
