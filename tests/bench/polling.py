"""Polls on a simulated clock: the client's pace beside a fixed interval of equal mean delay."""

from __future__ import annotations

import random
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

from bench.timing import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = 60
SECONDS = 300.0
SPREAD = 0.10
PAST = 20


@dataclass
class Counted:
    """A part whose samples are counts, one after the other."""

    count: Callable[[], float]

    def sample(self) -> Sample:
        """Return the next count."""
        return Sample(self.count(), 0.0)

    def close(self) -> None:
        """Do nothing: it keeps nothing."""


class Polls:
    """Jobs whose lengths lie within 10 % of one another, the last twenty known to the pace."""

    def __init__(self) -> None:
        chance = random.Random(7)
        self._lengths = [
            SECONDS * chance.uniform(1 - SPREAD, 1 + SPREAD) for _ in range(JOBS + PAST)
        ]
        watched = [
            self._watched(self._lengths[n : n + PAST], self._lengths[n + PAST]) for n in range(JOBS)
        ]
        self._polls = [polls for polls, _ in watched]
        # A fixed interval is late by half of itself on average.
        self._interval = 2 * mean(late for _, late in watched)

    def learnt(self) -> Counted:
        """Count the polls of the client."""
        counts = iter(self._polls * 3)
        return Counted(lambda: float(next(counts)))

    def fixed(self) -> Counted:
        """Count the polls of a fixed interval that is late by as much."""
        lengths = iter(self._lengths[PAST:] * 3)
        return Counted(lambda: next(lengths) // self._interval + 1)

    @staticmethod
    def _watched(past: list[float], seconds: float) -> tuple[int, float]:
        """Return how many polls a job takes, and how late its end is seen."""
        from callsheet.flows.polling import PollSchedule

        pace, now, polls = PollSchedule(past), 0.0, 0
        while True:
            polls += 1
            if now >= seconds:
                return polls, now - seconds
            now += pace.pause(polls - 1, now)
