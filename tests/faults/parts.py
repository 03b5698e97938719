"""The parts of the campaign: what each promises, where it is played, and how often."""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

from faults.tally import Tally

Counts = Mapping[str, Any]


class Part(NamedTuple):
    """One promise.

    ``full`` and ``trimmed`` are what ``MODULE.play(tally, **counts)`` gets; ``least`` are the
    scenarios and runs that the full form has to reach.
    """

    promise: str
    title: str
    module: str
    full: Counts
    trimmed: Counts
    least: tuple[int, int]


PARTS = (
    Part(
        "R1",
        "one command, at most one charge",
        "submitting",
        {"seeds": 3, "programs": 19},
        {"seeds": 1, "programs": 2},
        (114, 342),
    ),
)


def play(part: Part, *, trimmed: bool) -> Tally:
    """Play one part to its end; a crash of the part itself is a violation too."""
    tally = Tally(part.promise, part.title)
    begun = time.monotonic()
    try:
        counts = part.trimmed if trimmed else part.full
        importlib.import_module(f"faults.{part.module}").play(tally, **counts)
    except Exception:
        tally.hold(False, "the campaign itself failed:", traceback.format_exc())
    tally.seconds = time.monotonic() - begun
    if not trimmed:
        reached = (tally.scenarios, tally.runs)
        enough = reached[0] >= part.least[0] and reached[1] >= part.least[1]
        tally.hold(enough, f"only {reached} scenarios and runs, not {part.least}")
    return tally


def play_whole(part: Part) -> Tally:
    """Play the full form."""
    return play(part, trimmed=False)
