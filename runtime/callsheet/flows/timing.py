"""The clocks and the chance that flows go by."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.backoff import Quota


class Timing(NamedTuple):
    """Clocks, chance and the retry quota that the whole process shares.

    ``clock`` measures and never jumps; ``wall`` tells the time of day.
    """

    clock: Callable[[], float]
    wall: Callable[[], float]
    random: Callable[[], float]
    quota: Quota


def default_timing() -> Timing:
    """The real clocks and chance, and the quota that all of this process share."""
    from callsheet.backoff import process_quota

    return Timing(time.monotonic, time.time, _chance, process_quota())


def _chance() -> float:
    import random

    return random.random()  # noqa: S311 - jitter, no secret
