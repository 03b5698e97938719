"""Drive flows asynchronously."""

from __future__ import annotations

import asyncio
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.errors import NetworkError
from callsheet.flows.effects import (
    Block,
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
from callsheet.forking import ForkAware
from callsheet.transport.http import (
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_AIOHTTP,
    Clients,
    clear_rest,
    load_httpx,
    proxy_of,
    translate_errors,
    url_of,
)
from callsheet.transport.reply_body import FileBody, ReplyBody
from callsheet.transport.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx

    from callsheet.config.settings import Settings
    from callsheet.storage.ledger import Ledger


T = TypeVar("T")


class AsyncTransport(ForkAware):
    """Runs flows to their end; each event loop in which it is used has connections of its own.

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
        self._by_loop: dict[asyncio.AbstractEventLoop, Clients[httpx.AsyncClient]] = {}
        self.watch_forks()

    def after_fork(self, *, is_child: bool) -> None:
        """Leave the connections to the parent: two processes would read each other's answers.

        They stay in memory to the end of the child: aiohttp closes what is dropped, which takes it
        out of the parent's event loop, so that the parent would wait for ever.
        """
        if is_child and self._by_loop:
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._by_loop))
            self._by_loop = {}

    async def run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T:
        """Do what the flow asks until it returns; ``tell`` sees each update of a job."""
        done: list[T] = []
        async for update in self.iterate(flow, done):
            if tell is not None:
                tell(update)
        return done[0]

    async def iterate(self, flow: Flow[T], done: list[T]) -> AsyncIterator[JobUpdate]:
        """Yield the updates of a flow; append what it returns to ``done``."""
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

    @property
    def _clients(self) -> Clients[httpx.AsyncClient]:
        """Return the clients of the running event loop, in which alone they can be used."""
        return self._by_loop[asyncio.get_running_loop()]

    async def _enter_loop(self) -> None:
        """Make clients for a new event loop; close those of loops that have ended."""
        loop = asyncio.get_running_loop()
        if loop in self._by_loop:
            return
        self._by_loop[loop] = Clients(self.settings, self._create)
        for ended in [other for other in list(self._by_loop) if other.is_closed()]:
            for client in self._by_loop.pop(ended).drain():
                with suppress(RuntimeError):  # the system closes what needs the ended loop
                    await client.aclose()

    async def perform(self, effect: Any) -> Any:
        """Do one thing that a flow asked for."""
        await self._enter_loop()
        match effect:
            case Send():
                return await self._send(effect)
            case Sleep():
                return await self._sleep(effect.seconds)
            case Block():
                return await asyncio.to_thread(effect.work)
            case Gather():
                return await self._gather(effect)
            case Download():
                return await self._download(effect)
            case Record():
                if self.ledger is not None:
                    self.ledger.record(effect.event, effect.ref, effect.values)
                return None
            case KeepReply():
                return self.ledger.keep_reply(*effect) if self.ledger else ""
        raise TypeError(f"no flow may ask for {type(effect).__name__}")

    @property
    def _state_dir(self) -> str:
        """Return the folder in which the bodies of replies are stored."""
        return self.ledger.folder if self.ledger is not None else self.settings.state_dir

    async def _send(self, send: Send) -> HttpReply:
        url = url_of(self.settings, send)
        watch = Watch(send.within, send.pace)
        with ReplyBody(send, url, self._state_dir, watch) as body:
            async with asyncio.timeout(watch.left()) as timer:
                client, request = self._clients.build(send, url)
                response = await client.send(request, stream=True)
                if send.shares_connection:
                    clear_rest(response)
                try:
                    body.begin(response)
                    async for chunk in response.aiter_raw():
                        if body.add(chunk):
                            break
                        _set(timer, watch)
                finally:
                    await response.aclose()
        reply = body.reply()
        if reply.file is not None and self.ledger is not None:
            self.ledger.prune_replies(reply.file.path)
        return reply

    async def _gather(
        self, gather: Gather, answered: Callable[[], object] = lambda: None
    ) -> tuple[HttpReply | Exception, ...]:
        is_fast = uses_aiohttp(self.settings.host)
        gate = asyncio.Semaphore(MAX_CONNECTIONS_AIOHTTP if is_fast else MAX_CONNECTIONS)
        loop = asyncio.get_running_loop()
        end = loop.time() + gather.within

        async def one(send: Send) -> HttpReply | Exception:
            async with gate:
                left = min(send.within, end - loop.time())
                try:
                    return await self._send(send._replace(within=left))
                except NetworkError as error:
                    return error
                finally:
                    answered()

        return tuple(await asyncio.gather(*(one(send) for send in gather.sends)))

    async def _download(self, download: Download) -> HttpReply:
        watch = Watch(download.pace.window, download.pace)
        with translate_errors(download.url, watch):
            async with asyncio.timeout(watch.left()) as timer:
                client, request = self._clients.build_download(download)
                response = await client.send(request, stream=True)
                try:
                    body = FileBody(download.part, response, watch)
                    if body.is_wanted:
                        async for chunk in response.aiter_raw():
                            body.add(chunk)
                            _set(timer, watch)
                        body.end()
                finally:
                    await response.aclose()
            return body.reply

    def _create(self, url: str, options: dict[str, Any]) -> httpx.AsyncClient:
        http = self._http
        if http is None and options["proxy"] is None:
            http = _aiohttp(options)
        if http is not None:
            options = {**options, "proxy": None}
        client: httpx.AsyncClient = load_httpx().AsyncClient(transport=http, **options)
        return client

    async def close(self) -> None:
        """Close the ledger, and the connections of this event loop and of ended ones."""
        await self._enter_loop()
        for client in self._by_loop.pop(asyncio.get_running_loop()).drain():
            await client.aclose()
        if self.ledger is not None:
            self.ledger.close()


def _set(timer: asyncio.Timeout, watch: Watch) -> None:
    """Move the timer of a request to the end of its watch."""
    timer.reschedule(asyncio.get_running_loop().time() + watch.left())


def gather_aside(
    settings: Settings, gather: Gather, answered: Callable[[], object]
) -> tuple[HttpReply | Exception, ...]:
    """Send the requests of a sync driver at once, on an event loop of their own; block until done.

    Return replies or ``NetworkError`` in order; ``answered`` is called after each.
    """

    async def asked() -> tuple[HttpReply | Exception, ...]:
        transport = AsyncTransport(settings, None)
        await transport._enter_loop()
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


def uses_aiohttp(host: str) -> bool:
    """Tell whether requests to a host go through the aiohttp transport."""
    return _has_aiohttp() and proxy_of(host) is None


def _has_aiohttp() -> bool:
    return importlib.util.find_spec("httpx_aiohttp") is not None


def _aiohttp(options: dict[str, Any]) -> Any:
    """Return the transport of the ``fast`` extra, or None where it is not installed.

    ``options`` are those of ``client_options``.
    """
    if not _has_aiohttp():
        return None
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector
    from httpx_aiohttp import AiohttpTransport

    verify = options["verify"]
    is_kept = bool(options["limits"].max_keepalive_connections)

    class Connector(TCPConnector):
        async def connect(self, *arguments: Any, **options: Any) -> Any:
            """Return a connection; close kept ones on which anything came since."""
            for _ in range(MAX_CONNECTIONS_AIOHTTP):
                connection = await super().connect(*arguments, **options)
                if not (is_kept and connection.protocol and connection.protocol.should_close):
                    break
                connection.close()
            return connection

    def open_session() -> ClientSession:
        connector = Connector(limit=MAX_CONNECTIONS_AIOHTTP, ssl=verify, force_close=not is_kept)
        return ClientSession(connector=connector, cookie_jar=DummyCookieJar())

    return AiohttpTransport(verify=verify, client=open_session)
