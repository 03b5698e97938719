"""Drive flows synchronously."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.errors import NetworkError
from callsheet.flows.effects import (
    Download,
    Effect,
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
    MANY,
    Clients,
    deadline_error,
    load_httpx,
    reply_of,
    translate_errors,
    url_of,
)
from callsheet.transport.reply_body import Decoder, ReplyBody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from callsheet.config.settings import Settings
    from callsheet.storage.ledger import Ledger


T = TypeVar("T")


class Transport:
    """Runs flows to their end; one may be shared by threads.

    ``sleep`` and ``http`` (an ``httpx.BaseTransport``) are for tests and special networks.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger | None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        http: httpx.BaseTransport | None = None,
    ) -> None:
        self.settings, self.ledger = settings, ledger
        self._sleep, self._http = sleep, http
        self._clients: Clients[httpx.Client] = Clients(settings, self._create)

    def run(
        self,
        flow: Flow[T],
        tell: Callable[[JobUpdate], object] | None = None,
        first: Effect | None = None,
    ) -> T:
        """Do what the flow asks until it returns; ``tell`` sees each update of a job.

        ``first`` is the effect that was taken from the flow already.
        """
        done: list[T] = []
        for update in self.iterate(flow, done, first):
            if tell is not None:
                tell(update)
        return done[0]

    def iterate(
        self, flow: Flow[T], done: list[T], first: Effect | None = None
    ) -> Iterator[JobUpdate]:
        """Yield the updates of a flow; append what it returns to ``done``."""
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                effect = first or (flow.send(answer) if error is None else flow.throw(error))
            except StopIteration as stop:
                done.append(stop.value)
                return
            first = answer = error = None
            if isinstance(effect, Notify):
                yield effect.update
                continue
            try:
                answer = self.perform(effect)
            except BaseException as raised:  # the flow decides what any of them means
                error = raised

    def perform(self, effect: Any) -> Any:
        """Do one thing that a flow asked for."""
        match effect:
            case Send():
                return self._send(effect) if effect.within is None else self._within(effect)
            case Sleep():
                return self._sleep(effect.seconds)
            case Gather():
                return self._gather(effect)
            case Download():
                return self._download(effect)
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

    def _send(self, send: Send) -> HttpReply:
        url = url_of(self.settings, send)
        with ReplyBody(send, url, self.settings, self._state_dir) as body:
            client, request = self._clients.build(send, url)
            response = client.send(request, stream=True)
            try:
                body.begin(response)
                for chunk in response.iter_raw():
                    if body.add(chunk):
                        break
            finally:
                response.close()
        reply = body.reply()
        if reply.file is not None and self.ledger is not None:
            self.ledger.prune_replies(reply.file.path)
        return reply

    def _within(self, send: Send) -> HttpReply:
        """Send, and stop waiting for the answer when its time is over, however it drips.

        The time-outs of a socket start anew with every byte; a thread can be left behind.
        """
        from queue import Empty, SimpleQueue

        box: SimpleQueue[HttpReply | BaseException] = SimpleQueue()

        def work() -> None:
            try:
                box.put(self._send(send))
            except BaseException as error:  # raised again by the thread that waits
                box.put(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            came = box.get(timeout=send.within)
        except Empty:
            raise deadline_error(self.settings, send) from None
        if isinstance(came, BaseException):
            raise came
        return came

    def _gather(self, gather: Gather) -> tuple[HttpReply | Exception, ...]:
        def one(send: Send) -> HttpReply | Exception:
            try:
                return self._send(send)
            except NetworkError as error:
                return error
            finally:
                self._answered()

        if len(gather.sends) >= MANY and self._http is None:
            from callsheet.transport import aio

            if aio.carries_crowds(self.settings.host):
                return aio.crowd(self.settings, gather, self._answered)
        from concurrent.futures import ThreadPoolExecutor

        if not gather.sends:
            return ()
        pool = ThreadPoolExecutor(min(AT_ONCE, len(gather.sends)))
        try:
            return tuple(pool.map(one, gather.sends))
        finally:  # an interruption does not wait for what is still on its way
            pool.shutdown(wait=False, cancel_futures=True)

    def _answered(self) -> None:
        """Count one more of several requests as finished; subclasses show it."""

    def _download(self, download: Download) -> HttpReply:
        with translate_errors(download.url):
            client, request = self._clients.build_download(download)
            response = client.send(request, stream=True)
            try:
                reply = reply_of(response, b"")
                if download.part.begin(reply.status, reply.headers):
                    decoder = Decoder(reply.headers.get("content-encoding", ""))
                    for chunk in response.iter_raw():
                        for piece in decoder.feed(chunk):
                            download.part.write(piece)
                    download.part.end()
            finally:
                response.close()
            return reply

    def _create(self, url: str, options: dict[str, Any]) -> httpx.Client:
        client: httpx.Client = load_httpx().Client(transport=self._http, **options)
        return client

    def close(self) -> None:
        """Close connections and the ledger."""
        for client in self._clients.drain():
            client.close()
        if self.ledger is not None:
            self.ledger.close()
