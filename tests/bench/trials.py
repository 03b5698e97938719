"""A trial: parts that are run in alternation, and the rows that compare them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.medians import Median, median_of, ratios_of
from bench.timing import BrokenPart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.timing import Sample, TimedPart

WALL, CPU, PEAK, COUNT = 0, 1, 2, 3
LONG = 0.1
FEW = 9


@dataclass(frozen=True, kw_only=True)
class RatioRow:
    """One line of the table: ``ours`` over ``against`` (the floor, if not named) and its limit.

    ``ours``, ``floor`` and ``peers`` are names of parts; the best peer is shown. ``of`` is what
    is compared: wall seconds, CPU seconds, peak memory or a count. ``target`` is the highest
    ratio that is good, or with ``absolute`` the highest value; a row without one informs.
    """

    metric: str
    ours: str
    floor: str = ""
    peers: tuple[str, ...] = ()
    against: str = ""
    target: float | None = None
    of: int = WALL
    absolute: bool = False


@dataclass(kw_only=True)
class Trial:
    """Parts by name; ``rare`` names those that are slow and run in every seventh round only."""

    name: str
    parts: Mapping[str, TimedPart]
    rows: Sequence[RatioRow]
    pairs: int = 60
    rare: frozenset[str] = frozenset()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """A measured row; seconds, MB or a count.

    ``cpu`` is the ratio of the CPU seconds, which a busy machine moves less.
    """

    trial: str
    metric: str
    ours: Median
    floor: Median | None
    peer: Median | None
    peer_name: str
    ratio: Median | None
    target: float | None
    of: int
    absolute: bool
    pairs: int
    cpu: Median | None

    @property
    def missed(self) -> bool:
        """Tell whether the interval lies above the target."""
        median = self.ours if self.absolute else self.ratio
        return self.target is not None and median is not None and median.low > self.target


@dataclass
class Samples:
    """The samples of a trial, by part; the n-th ones of all parts belong to one round."""

    samples: dict[str, dict[int, Sample]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def play(trial: Trial, pairs: int, seconds: float) -> Samples:
    """Run every part once uncounted, then in alternating order, round by round.

    A trial whose parts are long gets by with nine rounds; no round begins after so many
    seconds, the first one apart.
    """
    played = Samples({name: {} for name in trial.parts})
    working = dict(trial.parts)
    longest = 0.0
    for name in list(working):
        first = _attempt(name, working, played)
        if first is not None and name not in trial.rare:
            longest = max(longest, first[WALL])
    rounds = min(pairs, FEW) if longest > LONG else pairs
    end = time.monotonic() + seconds
    for number in range(rounds):
        if number and time.monotonic() > end:
            break
        names = list(working) if number % 2 == 0 else list(working)[::-1]
        for name in names:
            if name in trial.rare and number % 7:
                continue
            sample = _attempt(name, working, played)
            if sample is not None:
                played.samples[name][number] = sample
    for part in trial.parts.values():
        part.close()
    return played


def _attempt(name: str, working: dict[str, Any], played: Samples) -> Sample | None:
    if name not in working:
        return None
    try:
        sample: Sample = working[name].sample()
    except BrokenPart as broken:
        played.broken[name] = str(broken)
        del working[name]
        return None
    return sample


def results(trial: Trial, played: Samples) -> list[Result]:
    """Return the rows whose own part could be run."""
    return [_result(trial, row, played) for row in trial.rows if played.samples.get(row.ours)]


def _result(trial: Trial, row: RatioRow, played: Samples) -> Result:
    def values(name: str) -> Median | None:
        samples = played.samples.get(name)
        return median_of([sample[row.of % 3] for sample in samples.values()]) if samples else None

    medians = {name: samples for name in row.peers if (samples := values(name))}
    peer = min(medians, key=lambda name: medians[name].value, default="")
    ours = values(row.ours)
    assert ours is not None
    mine, base = played.samples[row.ours], played.samples.get(row.against or row.floor, {})
    common = sorted(mine.keys() & base.keys())

    def compared(of: int) -> Median | None:
        sides = [[side[number][of % 3] for number in common] for side in (mine, base)]
        return ratios_of(*sides) if common and all(map(all, sides)) else None

    return Result(
        trial=trial.name,
        metric=row.metric,
        ours=ours,
        floor=values(row.floor),
        peer=medians.get(peer),
        peer_name=peer,
        ratio=compared(row.of),
        target=row.target,
        of=row.of,
        absolute=row.absolute,
        pairs=len(common) or len(mine),
        cpu=compared(CPU),
    )


def run(trial: Trial, limits: tuple[int, float], tell: Callable[[str], object]) -> list[Result]:
    """Play a trial within so many pairs and seconds; what broke is told, its rows are left out."""
    pairs, seconds = limits
    played = play(trial, min(pairs, trial.pairs), seconds)
    for name, words in played.broken.items():
        tell(f"{trial.name}: {name} is left out: {words}")
    return results(trial, played)
