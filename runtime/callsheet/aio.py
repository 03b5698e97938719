"""The async driver: the same flows, awaited; with the aiohttp transport where it is installed."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.errors import DownloadError, NetworkError
from callsheet.flows.effects import Flow, Gather, Record, Reply, Save, Send, Sleep, Tell, Update
from callsheet.wire import (
    CONNECT,
    LARGEST_REPLY,
    headers_for,
    load_httpx,
    network_error,
    reply_of,
    save_headers,
    url_of,
    verify_for,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx

    from callsheet.ledger import Ledger
    from callsheet.settings import Settings

T = TypeVar("T")
AT_ONCE = 32
CHUNK = 1 << 18


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
        self._clients: dict[str, httpx.AsyncClient] = {}

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
        if isinstance(effect, Send):
            return await self._send(effect)
        if isinstance(effect, Sleep):
            return await self._sleep(effect.seconds)
        if isinstance(effect, Record):
            if self.ledger is not None:
                self.ledger.record(effect.event, effect.ref, effect.values)
            return None
        if isinstance(effect, Gather):
            return await self._gather(effect)
        if isinstance(effect, Save):
            return await self._save(effect)
        raise TypeError(f"no flow may ask for {type(effect).__name__}")

    async def _send(self, send: Send) -> Reply:
        httpx = load_httpx()
        url = url_of(self.settings, send)
        request: dict[str, Any] = {
            "content": send.body,
            "headers": headers_for(self.settings, url, send.headers),
            "timeout": httpx.Timeout(send.timeout, connect=CONNECT),
        }
        try:
            async with self._client(url).stream(send.method, url, **request) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST_REPLY:
                        raise NetworkError(f"the reply of {url} is over 16 MiB", sent=True)
                return reply_of(response, bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise network_error(error, url) from None

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
        httpx = load_httpx()
        headers = save_headers(self.settings, save.url, save.part)
        timeout = httpx.Timeout(60.0, connect=CONNECT)
        try:
            client = self._client(save.url)
            async with client.stream("GET", save.url, headers=headers, timeout=timeout) as response:
                reply = reply_of(response, b"")
                if save.part.begin(reply.status, reply.headers):
                    async for chunk in response.aiter_bytes(CHUNK):
                        save.part.write(chunk)
                    save.part.end()
                return reply
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise DownloadError(f"not a link that can be fetched: {error}") from None
        except httpx.HTTPError as error:
            raise network_error(error, save.url) from None

    def _client(self, url: str) -> httpx.AsyncClient:
        scheme = url.partition(":")[0].lower()
        if scheme not in self._clients:
            httpx = load_httpx()
            limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
            self._clients[scheme] = httpx.AsyncClient(
                verify=verify_for(url),
                transport=self._http or _aiohttp(url),
                limits=limits,
                follow_redirects=False,
            )
        return self._clients[scheme]

    async def close(self) -> None:
        """Close connections and the ledger."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
        if self.ledger is not None:
            self.ledger.close()


def _aiohttp(url: str) -> Any:
    """The transport of the ``fast`` extra, or none."""
    if importlib.util.find_spec("httpx_aiohttp") is None:
        return None
    from httpx_aiohttp import AiohttpTransport

    return AiohttpTransport(verify=verify_for(url))
