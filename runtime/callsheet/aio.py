"""The async driver: the same flows, awaited; with the aiohttp transport where it is installed."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.errors import NetworkError
from callsheet.flows.effects import Flow, Gather, Record, Reply, Save, Send, Sleep, Tell, Update
from callsheet.wire import (
    AT_ONCE,
    Body,
    client_options,
    download_of,
    in_our_words,
    load_httpx,
    pool_of,
    reply_of,
    request_of,
    too_slow,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx

    from callsheet.ledger import Ledger
    from callsheet.settings import Settings

T = TypeVar("T")


class AsyncTransport:
    """Runs flows to their end on one event loop.

    Cancelling is thrown into the flow like any failure, so that what may have been sent is
    recorded before the cancellation leaves.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger | None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        http: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.settings, self.ledger = settings, ledger
        self._sleep, self._http = sleep, http
        self._clients: dict[tuple[str, bool], httpx.AsyncClient] = {}

    async def run(self, flow: Flow[T], tell: Callable[[Update], object] | None = None) -> T:
        """Do what the flow asks until it returns; ``tell`` sees each update of a job."""
        done: list[T] = []
        async for update in self.iterate(flow, done):
            if tell is not None:
                tell(update)
        return done[0]

    async def iterate(self, flow: Flow[T], done: list[T]) -> AsyncIterator[Update]:
        """The updates of a flow on its way; what it returns is put into ``done``."""
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                effect = flow.throw(error) if error is not None else flow.send(answer)
            except StopIteration as stop:
                done.append(stop.value)
                return
            answer = error = None
            if isinstance(effect, Tell):
                yield effect.update
                continue
            try:
                answer = await self.perform(effect)
            except BaseException as raised:  # the flow decides what any of them means
                error = raised

    async def perform(self, effect: Any) -> Any:
        """Do one thing that a flow asked for."""
        match effect:
            case Send():
                return await self._within(effect)
            case Sleep():
                return await self._sleep(effect.seconds)
            case Gather():
                return await self._gather(effect)
            case Save():
                return await self._save(effect)
            case Record():
                if self.ledger is not None:
                    self.ledger.record(effect.event, effect.ref, effect.values)
                return None
        raise TypeError(f"no flow may ask for {type(effect).__name__}")

    async def _within(self, send: Send) -> Reply:
        """Send, and stop waiting for the answer when its time is over, however it drips."""
        try:
            async with asyncio.timeout(send.within):
                return await self._send(send)
        except TimeoutError:
            raise too_slow(self.settings, send) from None

    async def _send(self, send: Send) -> Reply:
        request = request_of(self.settings, send)
        client = self._client(request["url"])
        with in_our_words(request["url"]):
            async with client.stream(**request) as response:
                body = Body(request["url"])
                async for chunk in response.aiter_bytes():
                    body.add(chunk)
                return body.reply(response, self.settings.key)

    async def _gather(self, gather: Gather) -> tuple[Reply | Exception, ...]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(send: Send) -> Reply | Exception:
            async with gate:
                try:
                    return await self._send(send)
                except NetworkError as error:
                    return error

        return tuple(await asyncio.gather(*(one(send) for send in gather.sends)))

    async def _save(self, save: Save) -> Reply:
        request = download_of(self.settings, save)
        client = self._client(save.url)
        with in_our_words(save.url):
            async with client.stream(**request) as response:
                reply = reply_of(response, b"")
                if save.part.begin(reply.status, reply.headers):
                    async for chunk in response.aiter_bytes():
                        save.part.write(chunk)
                    save.part.end()
                return reply

    def _client(self, url: str) -> httpx.AsyncClient:
        pool = pool_of(url)
        if pool not in self._clients:
            options = client_options(url)
            transport = self._http or _aiohttp(url, options)
            self._clients[pool] = load_httpx().AsyncClient(transport=transport, **options)
        return self._clients[pool]

    async def close(self) -> None:
        """Close connections and the ledger."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
        if self.ledger is not None:
            self.ledger.close()


def _aiohttp(url: str, options: dict[str, Any]) -> Any:
    """The transport of the ``fast`` extra, or none; it would not see a configured proxy."""
    if importlib.util.find_spec("httpx_aiohttp") is None:
        return None
    from urllib.request import getproxies

    if options["trust_env"] and {"all", pool_of(url)[0]} & set(getproxies()):
        return None
    from httpx_aiohttp import AiohttpTransport

    return AiohttpTransport(verify=options["verify"], limits=options["limits"])
