"""Send the rows of a batch, follow their jobs and save what they make, on one event loop."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from callsheet.batch.limiter import Limiter
from callsheet.batch.naming import fill_template, reference_maker
from callsheet.batch.purse import Purse
from callsheet.batch.rows import Row, make_rows
from callsheet.batch.work import RowTask, RowWorker, SendingStopped, Started
from callsheet.errors import CallsheetError, LimitReached, TaskFailed, UsageError
from callsheet.storage.batch_journal import OVER, BatchJournal, SendRates

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from callsheet.batch.check import Plan, RowCheck
    from callsheet.batch.results import ResultFile, RowResult
    from callsheet.engine.invoke import Engine
    from callsheet.storage.batch_journal import Batch, JournalRow
    from callsheet.storage.ledger import Ledger


GRACE = 10.0
"""Seconds in which requests that are out may be answered after an interruption."""
FAILED = frozenset(("failed", "refused", "unsaved", "unknown"))
_CLAIMS = 64  # rows that are claimed at once
_WAITING = 256  # results that wait for the disk, and for the caller


class RunOptions(NamedTuple):
    """How a batch is run.

    ``parallel`` is how many jobs may be open at once, 0 for as many as the host takes.
    ``timeout`` is how long each job is waited for, in seconds, 0 for its action's own. After
    ``stop_after`` failures nothing more is sent, 0 for never. Without ``sends`` the run only
    fetches what was sent before. ``max_cost`` is what all rows may
    cost together, such as ``50`` or ``0.5USD``; that of the settings unless it is given.
    """

    parallel: int = 0
    timeout: float = 0.0
    stop_after: int = 0
    resend_unknown: bool = False
    sends: bool = True
    max_cost: str = ""


class BatchRun:
    """One run of a batch in this process; other processes may run the same one meanwhile.

    ``counts`` counts the results by state and ``cost`` sums what the host says that they cost.
    ``stopped`` is why nothing more is sent, where that came before the last row.
    """

    def __init__(
        self, engine: Engine, ledger: Ledger, plan: Plan, batch: Batch, options: RunOptions
    ) -> None:
        self._engine, self._plan, self._batch, self._options = engine, plan, batch, options
        self.journal = BatchJournal(ledger, os.urandom(6).hex(), clock=engine.timing.wall)
        self._limiter = Limiter(
            SendRates(ledger, clock=engine.timing.wall),
            batch.origin,
            self.journal.holder,
            engine.timing,
            options.parallel,
        )
        self._worker = RowWorker(engine, ledger, self._limiter, timeout=options.timeout)
        self._reference = reference_maker(batch.origin, batch.name)
        spent = self.journal.cost(batch) or 0.0
        self._purse = Purse(engine.budget, options.max_cost, spent=spent)
        self.counts: Counter[str] = Counter()
        self.cost = 0.0
        self.stopped: CallsheetError | None = None
        self.is_interrupted = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[Exception] = []
        self._ended: asyncio.Queue[RowResult | None] = asyncio.Queue(_WAITING)
        self._stored: asyncio.Queue[RowResult | None] = asyncio.Queue(_WAITING)

    @property
    def running(self) -> int:
        """Return how many rows are being worked on."""
        return len(self._tasks)

    async def check(self, check: RowCheck) -> None:
        """Check every row and note its key in the journal; raise as ``RowCheck.run`` does."""
        try:
            await self._worker.run(check.run(self.journal, self._batch))
        except BaseException:
            await self._worker.close()
            raise
        self._batch = self.journal.find(self._batch.origin, self._batch.name) or self._batch

    async def iterate(self, check: RowCheck, results: ResultFile) -> AsyncGenerator[RowResult]:
        """Yield the result of each row as it ends; the file of results has it by then.

        Closing the iterator ends the run as ``interrupt`` does. Raises ``UsageError`` where the
        ledger or the file of results cannot be written.
        """
        await self._limiter.begin()
        storing = asyncio.create_task(self._store(results))
        sending = asyncio.create_task(self._send_all(check))
        try:
            while (result := await self._stored.get()) is not None:
                yield result
        finally:
            if not sending.done():
                self.interrupt()
            await self._drain(storing)
            await self._leave()
        await storing
        await sending
        for fault in self._faults:
            raise fault

    async def _drain(self, storing: asyncio.Task[None]) -> None:
        """Wait until the remaining rows end; nobody reads their results any more."""
        while not storing.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stored.get(), 0.05)

    async def _leave(self) -> None:
        """Release the rows that this run claimed, and close its connections."""
        with suppress(UsageError):
            await self._limiter.end()
            await asyncio.to_thread(self.journal.release, self._batch)
        await self._worker.close()

    def interrupt(self) -> None:
        """Send nothing more, and stop waiting for what runs: the jobs go on without this process.

        Requests that are out have some seconds to be answered.
        """
        self.is_interrupted = True
        self._limiter.close()
        self._worker.leave()

    def stop(self, reason: CallsheetError) -> None:
        """Send nothing more; what runs is waited for and saved."""
        self.stopped = self.stopped or reason
        self._limiter.close()

    @property
    def _is_stopping(self) -> bool:
        return self.is_interrupted or self.stopped is not None

    async def _send_all(self, check: RowCheck) -> None:
        """Work on every row that is not over, until none is left that this run could take."""
        try:
            ended: set[str] = set()
            while await self._send_pass(check, ended) and not self._is_stopping:
                await self._settle()
        finally:
            await self._settle()
            await self._ended.put(None)

    async def _settle(self) -> None:
        """Wait for the rows under way; after an interruption for some seconds only."""
        while self._tasks:
            timeout = GRACE if self.is_interrupted else 1.0
            done, _ = await asyncio.wait(self._tasks, timeout=timeout)
            if self.is_interrupted and not done:
                for task in tuple(self._tasks):
                    task.cancel()

    async def _send_pass(self, check: RowCheck, ended: set[str]) -> int:
        """Go through the rows once; return how many were claimed.

        ``ended`` are those that this run has worked on already and that are not over.
        """
        pending = _PendingRows(self.journal, self._batch, saves=bool(self._plan.out))
        rows = self._read(pending)
        claimed = 0
        while not self._is_stopping:
            free = await self._limiter.free()
            chunk = (
                {} if self._is_stopping else {r.key: r for r in islice(rows, min(free, _CLAIMS))}
            )
            if not chunk:
                break
            keys = [key for key in chunk if key not in ended]
            entries = await asyncio.to_thread(
                self.journal.claim, self._batch, keys, self._reference, saves=bool(self._plan.out)
            )
            for entry in entries:
                self._start(check, chunk[entry.key], entry, ended)
            claimed += len(entries)
        return claimed

    def _read(self, pending: _PendingRows) -> Iterator[Row]:
        for row in make_rows(self._plan.source, self._plan.shape, pending):
            if isinstance(row, Row):  # the check has refused those that cannot be read
                yield row._replace(key=pending.key(row.n))

    def _start(self, check: RowCheck, row: Row, entry: JournalRow, ended: set[str]) -> None:
        self._limiter.take()
        task = asyncio.create_task(self._handle(check, row, entry, ended))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, check: RowCheck, row: Row, entry: JournalRow, ended: set[str]) -> None:
        """Work on a row to its end and hand on its result."""
        try:
            template = row.out or self._plan.out
            path = fill_template(template, row) if template else ""
            target = os.path.join(os.getcwd(), path) if path else ""
            action = await self._worker.run(check.find(row.action))
            result = await self._work(RowTask(row, action, entry, target))
            if result.state not in OVER:
                ended.add(row.key)
            self._count(result)
            await self._ended.put(result)
        except Exception as error:
            self._faults.append(error)
            self.stop(CallsheetError(str(error)))
        finally:
            self._limiter.give_back()

    async def _work(self, task: RowTask) -> RowResult:
        entry = task.entry
        if entry.job_state == "unknown" and not (
            self._options.resend_unknown and self._options.sends
        ):
            return task.result("unknown")
        if entry.job_state in {"running", "done", "failed", "saved"}:
            started = await self._worker.adopt(task)
        else:
            if entry.job_state == "unknown":
                task = await self._renew(task)
            try:
                started = await self._send(task)
            except SendingStopped as stop:
                if not self.is_interrupted:
                    self.stop(stop.reason)
                return task.result("unsent")
        if isinstance(started, Started):
            return await self._worker.follow(task, started)
        return started

    async def _send(self, task: RowTask) -> Started | RowResult:
        """Send a row, unless the sending was stopped since it was claimed."""
        if self._is_stopping or not self._options.sends:
            return task.result("unsent")
        row = task.row
        try:
            await self._worker.run(self._purse.reserve(row.key, task.action, row.body))
        except LimitReached as error:
            raise SendingStopped(error) from error
        return await self._worker.send(task)

    async def _renew(self, task: RowTask) -> RowTask:
        """Return an unknown row as it is sent again: with its own key where that costs once."""
        if await self._worker.run(self._engine.may_resend(task.action)):
            return task
        entry = await asyncio.to_thread(
            self.journal.renew, self._batch, task.entry, self._reference
        )
        return task._replace(entry=entry)

    def _count(self, result: RowResult) -> None:
        self.counts[result.state] += 1
        self._purse.settle(result)
        self.cost += result.cost or 0.0
        failures = sum(self.counts[state] for state in FAILED)
        if self._options.stop_after and failures >= self._options.stop_after:
            self.stop(TaskFailed(f"{failures} rows failed", code="failures"))

    async def _store(self, results: ResultFile) -> None:
        """Write results to the disk in groups, then hand them on.

        Where that fails nothing more is sent, and the rows are settled by the next run.
        """
        fault: UsageError | OSError | None = None
        is_over = False
        while not is_over:
            group = [await self._ended.get()]
            while not self._ended.empty():
                group.append(self._ended.get_nowait())
            is_over = group[-1] is None
            ready = [result for result in group if result is not None]
            try:
                if fault is None:
                    await asyncio.to_thread(_write, self.journal, self._batch, results, ready)
            except (UsageError, OSError) as error:
                fault = error
                self.stop(CallsheetError(str(error)))
            for result in ready:
                await self._stored.put(result)
        await self._stored.put(None)
        if fault is not None:
            raise fault


def _write(journal: BatchJournal, batch: Batch, file: ResultFile, results: list[RowResult]) -> None:
    """Put results on the disk, then settle their rows; one that was not sent is as before."""
    file.append([result for result in results if result.state != "unsent"])
    states = ((result.key, result.state) for result in results)
    journal.settle(batch, [(key, "new" if state == "unsent" else state) for key, state in states])


class _PendingRows:
    """The numbers of the rows that are not over, read in blocks; asked for in rising order."""

    def __init__(self, journal: BatchJournal, batch: Batch, *, saves: bool) -> None:
        self._journal, self._batch, self._saves = journal, batch, saves
        self._keys: dict[int, str] = {}
        self._before: dict[int, str] = {}
        self._last = 0
        self._is_complete = False

    def __call__(self, n: int) -> bool:
        """Tell whether a row is not over."""
        while n > self._last and not self._is_complete:
            block = self._journal.pending(self._batch, self._last, saves=self._saves)
            self._keys = {**self._before, **dict(block)}  # one line may stand for several rows
            self._before = dict(block)
            self._is_complete = not block
            self._last = block[-1][0] if block else n
        return n in self._keys

    def key(self, n: int) -> str:
        """Return the key of a row that was asked for last."""
        return self._keys[n]
