"""Drive flows asynchronously."""

from __future__ import annotations

import asyncio
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.errors import NetworkError
from callsheet.flows.effects import (
    Download,
    Flow,
    Gather,
    HttpReply,
    JobUpdate,
    KeepReply,
    Notify,
    Record,
    Send,
    Sleep,
)
from callsheet.transport.http import (
    AT_ONCE,
    CROWD,
    ReplyBody,
    download_of,
    in_our_words,
    is_encoded,
    is_proxied,
    load_httpx,
    reply_of,
    too_slow,
    url_of,
)
from callsheet.transport.routes import Pool, Routes, parsed, request_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx

    from callsheet.config.settings import Settings
    from callsheet.storage.ledger import Ledger


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
        self._routes = Routes(settings, self._open)

    async def run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T:
        """Do what the flow asks until it returns; ``tell`` sees each update of a job."""
        done: list[T] = []
        async for update in self.iterate(flow, done):
            if tell is not None:
                tell(update)
        return done[0]

    async def iterate(self, flow: Flow[T], done: list[T]) -> AsyncIterator[JobUpdate]:
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
            if isinstance(effect, Notify):
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
            case Download():
                return await self._save(effect)
            case Record():
                if self.ledger is not None:
                    self.ledger.record(effect.event, effect.ref, effect.values)
                return None
            case KeepReply():
                return self.ledger.keep_reply(effect.name, effect.body) if self.ledger else ""
        raise TypeError(f"no flow may ask for {type(effect).__name__}")

    async def _within(self, send: Send) -> HttpReply:
        """Send, and stop waiting for the answer when its time is over, however it drips."""
        try:
            async with asyncio.timeout(send.within):
                return await self._send(send)
        except TimeoutError:
            raise too_slow(self.settings, send) from None

    async def _send(self, send: Send) -> HttpReply:
        url = url_of(self.settings, send)
        with in_our_words(url):
            route = self._routes.route(send.method, url)
            response = await route.handle(request_of(route, send, url))
            try:
                body = ReplyBody(parsed(url)[1])
                chunks = response.aiter_bytes() if is_encoded(response) else response.stream
                async for chunk in chunks:
                    body.add(chunk)
            finally:
                await response.aclose()
            return body.reply(response, self.settings.key)

    async def _gather(
        self, gather: Gather, answered: Callable[[], object] = lambda: None
    ) -> tuple[HttpReply | Exception, ...]:
        gate = asyncio.Semaphore(CROWD if carries_crowds(self.settings.host) else AT_ONCE)

        async def one(send: Send) -> HttpReply | Exception:
            async with gate:
                try:
                    return await self._send(send)
                except NetworkError as error:
                    return error
                finally:
                    answered()

        return tuple(await asyncio.gather(*(one(send) for send in gather.sends)))

    async def _save(self, save: Download) -> HttpReply:
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
        client: httpx.AsyncClient = self._routes.pool(url).client
        return client

    def _open(self, url: str, options: dict[str, Any]) -> Pool:
        httpx = load_httpx()
        http = self._http
        if http is None and not is_proxied(url):
            facts = {"verify": options["verify"], "limits": options["limits"]}
            http = _aiohttp(facts) or httpx.AsyncHTTPTransport(**facts)
        client = httpx.AsyncClient(transport=http, **options)
        handle = http.handle_async_request if http else partial(client.send, stream=True)
        return Pool(client, handle)

    async def close(self) -> None:
        """Close connections and the ledger."""
        for pool in self._routes.emptied():
            await pool.client.aclose()
        if self.ledger is not None:
            self.ledger.close()


def crowd(
    settings: Settings, gather: Gather, answered: Callable[[], object]
) -> tuple[HttpReply | Exception, ...]:
    """What a sync driver asks for at once, on a loop of its own."""

    async def asked() -> tuple[HttpReply | Exception, ...]:
        transport = AsyncTransport(settings, None)
        try:
            return await transport._gather(gather, answered)
        finally:
            await transport.close()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(asked())
    with ThreadPoolExecutor(1) as aside:  # a thread has one loop, and this one's is running
        return aside.submit(asyncio.run, asked()).result()


def carries_crowds(host: str) -> bool:
    """Whether requests to a host go by the aiohttp transport."""
    return _has_aiohttp() and not is_proxied(host)


def _has_aiohttp() -> bool:
    return importlib.util.find_spec("httpx_aiohttp") is not None


def _aiohttp(facts: dict[str, Any]) -> Any:
    """The transport of the ``fast`` extra, or none."""
    if not _has_aiohttp():
        return None
    from httpx_aiohttp import AiohttpTransport

    limits = load_httpx().Limits(max_connections=CROWD, max_keepalive_connections=CROWD)
    return AiohttpTransport(**{**facts, "limits": limits})
