"""Find out how many jobs a host takes at once, for all processes of a user together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from callsheet.backoff import full_jitter
from callsheet.flows.retry import LONGEST_HINT
from callsheet.storage.batch_journal import SendRate

if TYPE_CHECKING:
    from callsheet.flows.retry import Timing
    from callsheet.storage.batch_journal import SendRates


FIRST, MOST = 8, 1000
"""How many jobs are open at first, and at most, where the user gave no number."""
PATIENCE = 600.0
"""Seconds of refusals, without one accepted request, after which nothing more is sent."""
_EXCHANGE = 0.5  # seconds between two looks at what other processes do
_REMEMBERED = 3600.0  # seconds for which a rate counts that was found out before
_BASE, _CAP = 1.0, 60.0  # seconds of the pauses after refusals that name none


class Limiter:
    """The slots for open jobs on one host; a job has its slot from its request to its end.

    Their number grows with each request that is accepted, doubling at first, and halves where the
    host refuses one for its rate; nothing is sent then until the time that it names. ``limit``
    is the number that the user gave: the slots begin there, and never exceed it.
    """

    def __init__(
        self, rates: SendRates, origin: str, holder: str, timing: Timing, limit: int = 0
    ) -> None:
        self._rates, self._origin, self._holder = rates, origin, holder
        self._timing, self._limit = timing, limit
        self.slots = float(limit or FIRST)
        self._slow_from = float(limit or MOST)
        self.open = self._others = 0
        self._resumes = self._refused_since = self._exchanged = self._halved = 0.0
        self._refusals = 0
        self._changed = asyncio.Event()
        self._dirty = self._is_closed = False

    async def begin(self) -> None:
        """Read the number of slots that any process learnt for the host in the last hour."""
        await self._exchange(is_new=False)

    async def free(self) -> int:
        """Wait until at least one job may be started; return how many may be, 0 once closed."""
        while not self._is_closed:
            now = self._timing.clock()
            if now - self._exchanged >= _EXCHANGE:
                await self._exchange(is_new=self._dirty)
            pause = self._resumes - self._timing.wall()
            free = self._free()
            if free > 0 and pause <= 0:
                return free
            self._changed.clear()
            timeout = pause if pause > 0 else _EXCHANGE if self._others else None
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait()
            except TimeoutError:
                pass

        return 0

    def _free(self) -> int:
        """Return the free slots; a process may have one job open in any case."""
        free = int(self.slots) - self.open - self._others
        return max(free, 0 if self.open else 1)

    def take(self) -> None:
        """Take a slot."""
        self.open += 1

    def give_back(self) -> None:
        """Give a slot back."""
        self.open -= 1
        self._changed.set()

    def close(self) -> None:
        """Let no more jobs start."""
        self._is_closed = True
        self._changed.set()

    def note_accepted(self) -> None:
        """Count a request that the host accepted."""
        self._refusals, self._refused_since = 0, 0.0
        step = 1.0 if self.slots < self._slow_from else 1.0 / self.slots
        self.slots, before = min(self.slots + step, self._limit or MOST), self.slots
        if int(self.slots) > int(before):
            self._dirty = True
            self._changed.set()

    async def note_refused(self, hint: float | None, sent: float) -> bool:
        """Count a request that was refused for its rate; return whether to go on at all.

        ``hint`` is the pause in seconds that the host asks for. More than two minutes, and ten
        minutes of refusals alone, end the sending. Requests that were ``sent`` (a reading of the
        clock) before the slots were halved last do not halve them again.
        """
        timing, now = self._timing, self._timing.clock()
        self._refused_since = self._refused_since or now
        may_go_on = (hint or 0.0) <= LONGEST_HINT and now - self._refused_since <= PATIENCE
        if sent >= self._halved:
            self._halved = now
            self.slots = self._slow_from = max(1.0, min(self.slots, self.open + self._others) / 2)
        self._refusals += 1
        pause = (
            full_jitter(self._refusals, base=_BASE, cap=_CAP, random=timing.random)
            if hint is None
            else hint + timing.random() * min(1.0, hint / 10)
        )
        self._resumes = max(self._resumes, timing.wall() + pause)
        await self._exchange(is_new=True)
        return may_go_on

    async def _exchange(self, *, is_new: bool) -> None:
        """Share the open jobs of this process with the others, and read what they learnt."""
        self._exchanged, self._dirty = self._timing.clock(), False
        rate = SendRate(self.slots, self._resumes, 0.0, 0) if is_new else None
        stored = await asyncio.to_thread(
            self._rates.exchange, self._origin, self._holder, self.open, rate
        )
        if stored is None:
            return
        self._others = stored.others
        self._resumes = max(self._resumes, stored.resumes)
        age = self._timing.wall() - stored.updated
        if not is_new and 0 <= age <= _REMEMBERED:
            self.slots = min(stored.slots, self._limit or MOST)
        self._changed.set()

    async def end(self) -> None:
        """Remove the open jobs of this run from the count of all processes."""
        await asyncio.to_thread(self._rates.leave, self._holder)
