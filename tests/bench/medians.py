"""Medians with their interval, from order statistics: no assumption about the spread."""

from __future__ import annotations

from math import comb
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SURE = 0.95


class Median(NamedTuple):
    """A median, and between which values it lies with at least 95 %."""

    value: float
    low: float
    high: float


def median_of(values: Sequence[float]) -> Median:
    """Return the median of some values; fewer than six give their whole range as the interval."""
    ordered = sorted(values)
    skipped = _skipped(len(ordered))
    return Median(median(ordered), ordered[skipped], ordered[-1 - skipped])


def _skipped(count: int) -> int:
    """Return how many values may be left out at either end: the binomial tail stays under 2.5 %."""
    tail, skipped = 0.0, 0
    for below in range(count // 2):
        tail += comb(count, below) / 2**count
        if tail > (1 - SURE) / 2:
            break
        skipped = below
    return skipped


def ratios_of(ours: Sequence[float], base: Sequence[float]) -> Median:
    """Return the median of the ratios pair by pair: a machine that slows down slows both."""
    return median_of([mine / theirs for mine, theirs in zip(ours, base, strict=True)])
