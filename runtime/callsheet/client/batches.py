"""Run many requests of one client, and yield the result of each as it ends."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, TypedDict

from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator

    from callsheet.batch.results import RowResult
    from callsheet.batch.run import RunOptions
    from callsheet.client.results import _ClientState


_WAITING = 64  # results that wait for the caller; then nothing more is sent


class BatchArguments(TypedDict, total=False):
    """What a batch is run with, beside its action and rows.

    ``out`` is a folder or a template such as ``clips/{n:04}-{prompt}.{ext}``; without it nothing is
    saved. ``parallel`` is how many jobs may be open at once (default: what the host takes).
    ``name`` tells batches apart (default: from the rows, so that the same rows go on).
    ``timeout`` is how long each job is waited for, in seconds. After ``stop_after_failures``
    failures nothing more is sent. ``resend_unknown`` sends rows again whose outcome is unknown;
    they may cost again. ``max_cost`` is what all rows may cost together, such as ``50`` or
    ``"0.5USD"``. ``results`` is a file to which each result is appended as a line of JSON.
    """

    out: str
    parallel: int
    name: str
    timeout: float
    stop_after_failures: int
    resend_unknown: bool
    max_cost: float | str
    results: str


async def iterate_batch(
    client: _ClientState, action: str, rows: Iterable[Any], options: BatchArguments
) -> AsyncGenerator[RowResult]:
    """Check all rows, send them and yield what became of each; see ``Client.batch``."""
    from callsheet.batch.check import Plan, RowCheck
    from callsheet.batch.naming import batch_name, check_name
    from callsheet.batch.results import ResultFile
    from callsheet.batch.rows import RowShape, read_values
    from callsheet.batch.run import BatchRun
    from callsheet.client.calls import as_json
    from callsheet.storage.batch_journal import BatchJournal

    engine, ledger = client._engine, client.ledger
    results = options.get("results", "")
    if ledger is None:
        raise UsageError("a batch needs the ledger, which records the rows that were sent")
    source = read_values(as_json(row) for row in rows)
    file = ResultFile(os.path.abspath(results) if results else "")
    try:
        name = check_name(options.get("name") or batch_name("", source.digest))
        plan = Plan(name, source, RowShape(action=action), options.get("out", ""))
        journal, origin = BatchJournal(ledger), engine.settings.origin
        batch = journal.open(origin, name, {"file": "", "results": file.path})
        run = BatchRun(engine, ledger, plan, batch, _run_options(options))
        check = RowCheck(engine, plan)
        await run.check(check)
        file.open()
        async with aclosing(run.iterate(check, file)) as ended:
            async for result in ended:
                yield result
        if run.stopped is not None and run.stopped.code != "failures":
            raise run.stopped
    finally:
        file.close()
        source.close()


def _run_options(options: BatchArguments) -> RunOptions:
    from callsheet.batch.run import RunOptions

    return RunOptions(
        parallel=options.get("parallel", 0),
        timeout=options.get("timeout", 0.0),
        stop_after=options.get("stop_after_failures", 0),
        resend_unknown=options.get("resend_unknown", False),
        max_cost=str(options.get("max_cost", "")),
    )


def iterate_aside(
    client: _ClientState, action: str, rows: Iterable[Any], options: BatchArguments
) -> Iterator[RowResult]:
    """Yield what ``iterate_batch`` does, whose event loop runs in a thread meanwhile.

    What runs goes on while the caller works on a result. Closing the iterator stops the batch.
    """
    ready: queue.Queue[RowResult | BaseException | None] = queue.Queue(_WAITING)
    is_left = threading.Event()

    async def play() -> None:
        async with aclosing(iterate_batch(client, action, rows, options)) as results:
            async for result in results:
                await asyncio.to_thread(ready.put, result)
                if is_left.is_set():
                    break

    def work() -> None:
        try:
            asyncio.run(play())
        except BaseException as error:
            ready.put(error)
        else:
            ready.put(None)

    thread = threading.Thread(target=work, daemon=True, name="callsheet-batch")
    thread.start()
    try:
        while (result := ready.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        is_left.set()
        while thread.is_alive():  # it may wait for somebody to take a result
            with suppress(queue.Empty):
                ready.get(timeout=0.05)
