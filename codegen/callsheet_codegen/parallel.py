"""Spread work over forked processes."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Work = Callable[[Sequence[str]], dict[str, str]]


_LEAST = 100  # for fewer things another process costs more than it saves


def spread(work: Work, names: Sequence[str]) -> dict[str, str]:
    """What the work gives for all names together; each answer depends on its own name alone.

    A part that fails elsewhere is done again here, so that what is wrong with it is raised here.
    """
    count = min(os.cpu_count() or 1, len(names) // _LEAST)
    if count < 2 or sys.platform != "linux":  # elsewhere a copy may not use what the system offers
        return work(names)
    others = [_Copy(work, names[at::count]) for at in range(1, count)]
    try:
        found = dict(work(names[::count]))
        for other in others:
            found |= other.answer()
        return found
    finally:
        for other in others:
            other.end()


class _Copy:
    """A copy of this process that does one part and answers through a pipe."""

    def __init__(self, work: Work, names: Sequence[str]) -> None:
        self._work, self._names = work, names
        here, there = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            self._serve(there)
        os.close(there)
        self._answer = os.fdopen(here, "rb")

    def _serve(self, there: int) -> None:
        """Do it and end at once: nothing else that was begun here is this copy's to finish."""
        try:
            gc.disable()
            found = self._work(self._names)
            with os.fdopen(there, "w", encoding="ascii") as file:
                file.write(json.dumps(found))
        finally:
            os._exit(0)

    def answer(self) -> dict[str, str]:
        """Wait for it; where none comes, the work is done here."""
        with suppress(ValueError):  # it ended before it had answered
            found: dict[str, str] = json.loads(self._answer.read())
            return found
        return self._work(self._names)

    def end(self) -> None:
        """Nobody waits for it any more."""
        self._answer.close()
        with suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
