"""Drive the flows of many rows on one event loop, with their ledger events written in groups."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from callsheet.flows.effects import Record, Send
from callsheet.transport.aio import AsyncTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.config.settings import Settings
    from callsheet.storage.ledger import Event, Ledger, Refusal


_MOST_AT_ONCE = 256  # events of one transaction


class GroupRecorder:
    """Writes the events that come while another group is on its way to the disk as one group.

    Each caller goes on once its own event is on the disk, so that a request leaves after its
    intent as ever.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[tuple[Event, asyncio.Future[Refusal | None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(self, record: Record) -> None:
        """Write one event; raise as ``Ledger.record`` does."""
        stored: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((record.event, record.ref, record.values), stored))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        refusal = await stored
        if refusal is not None:
            raise refusal

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = (
                    self._waiting[:_MOST_AT_ONCE],
                    self._waiting[_MOST_AT_ONCE:],
                )
                await self._write_group(group)
        finally:
            self._writer = None

    async def _write_group(self, group: list[tuple[Event, asyncio.Future[Refusal | None]]]) -> None:
        try:
            refusals = await asyncio.to_thread(
                self._ledger.record_all, [event for event, _ in group]
            )
        except BaseException as error:
            for _, stored in group:
                if not stored.done():
                    stored.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, stored), refusal in zip(group, refusals, strict=True):
            if not stored.done():  # its row was cancelled; the event is on the disk all the same
                stored.set_result(refusal)


class BatchTransport(AsyncTransport):
    """The async driver with grouped events; ``width`` bounds its requests under way, if given.

    ``spread`` gives the seconds to wait where a flow asks for some: jobs that began together are
    then not asked about in one moment.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        recorder: GroupRecorder,
        *,
        width: int = 0,
        spread: Callable[[float], float] = lambda seconds: seconds,
    ) -> None:
        super().__init__(settings, ledger, sleep=lambda seconds: asyncio.sleep(spread(seconds)))
        self._recorder = recorder
        self._gate = asyncio.Semaphore(width) if width else None

    async def perform(self, effect: Any) -> Any:
        """Do one thing that a flow asked for."""
        if isinstance(effect, Record):
            return await self._recorder.record(effect)
        async with AsyncExitStack() as stack:
            if self._gate is not None and isinstance(effect, Send):
                await stack.enter_async_context(self._gate)
            return await super().perform(effect)

    async def close(self) -> None:
        """Close the connections of this event loop; the ledger belongs to others too."""
        await self._enter_loop()
        for client in self._by_loop.pop(asyncio.get_running_loop()).drain():
            await client.aclose()
