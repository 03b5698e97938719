"""Drive flows synchronously."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.config.settings import origin_of
from callsheet.errors import NetworkError, OutOfTime
from callsheet.flows.effects import (
    Block,
    Download,
    Effect,
    Flow,
    Gather,
    HttpReply,
    JobUpdate,
    KeepReply,
    Notify,
    Pace,
    Record,
    Send,
    Sleep,
)
from callsheet.forking import ForkAware
from callsheet.transport.http import (
    AIOHTTP_FROM,
    MAX_CONNECTIONS,
    Clients,
    clear_rest,
    load_httpx,
    translate_errors,
    url_of,
)
from callsheet.transport.reply_body import FileBody, ReplyBody
from callsheet.transport.watch import FOREVER, REPORT_AFTER, Watch, keep_time, watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from callsheet.config.settings import Settings
    from callsheet.storage.ledger import Ledger


T = TypeVar("T")


class Transport(ForkAware):
    """Runs flows to their end; one may be shared by threads and used on in a forked process.

    At ``deadline``, a reading of ``clock``, every request ends but one that may cost money, and
    none is sent any more; ``tell_silent`` gets a sentence where a host does not answer for ten
    seconds. ``sleep`` and ``http`` (an ``httpx.BaseTransport``) are for tests and special networks.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger | None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        http: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings, self.ledger = settings, ledger
        self._sleep, self._http, self._clock = sleep, http, clock
        self.deadline = FOREVER
        self.tell_silent: Callable[[str], object] | None = None
        self._silent_since: float | None = None
        self._clients: Clients[httpx.Client] = Clients(settings, self._create)
        self.watch_forks()

    def after_fork(self, *, is_child: bool) -> None:
        """Leave the connections to the parent: two processes would read each other's answers."""
        if is_child:
            self._clients = Clients(self.settings, self._create)

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
                return self._send(effect)
            case Sleep():
                return self._sleep(min(effect.seconds, max(0.0, self.deadline - self._clock())))
            case Block():
                return effect.work()
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
        watch = self._watch(url, send.within, send.pace, is_bounded=send.is_bounded)
        body = ReplyBody(send, url, self._state_dir, watch)
        with body, watching(watch):
            client, request = self._clients.build(send, url)
            response = client.send(request, stream=True)
            if send.shares_connection:
                clear_rest(response)
            try:
                body.begin(response)
                for chunk in response.iter_raw():
                    if body.add(chunk):
                        break
            finally:
                response.close()
        self._silent_since = None
        reply = body.reply()
        if reply.file is not None and self.ledger is not None:
            self.ledger.prune_replies(reply.file.path)
        return reply

    def _watch(self, url: str, within: float, pace: Pace, *, is_bounded: bool) -> Watch:
        """Start the watch of one request; raise ``OutOfTime`` where the command has no time left.

        That it is silent is told by the time since the last answer, over all attempts.
        """
        now = self._clock()
        if within <= 0 or now >= self.deadline:
            raise _too_late(url)
        self._silent_since = now if self._silent_since is None else self._silent_since
        tell = self.tell_silent
        return Watch(
            within,
            pace,
            latest=self.deadline if is_bounded else FOREVER,
            tell=partial(_tell_silent, tell, url) if tell is not None else None,
            tell_at=self._silent_since + REPORT_AFTER,
            clock=self._clock,
        )

    def _gather(self, gather: Gather) -> tuple[HttpReply | Exception, ...]:
        end = self._clock() + gather.within

        def one(send: Send) -> HttpReply | Exception:
            left = min(send.within, end - self._clock())
            try:
                return self._send(send._replace(within=left))
            except NetworkError as error:
                return error
            finally:
                self._answered()

        if len(gather.sends) >= AIOHTTP_FROM and self._http is None:
            from callsheet.transport import aio

            if aio.uses_aiohttp(self.settings.host):
                return aio.gather_aside(self.settings, gather, self._answered)
        from concurrent.futures import ThreadPoolExecutor

        if not gather.sends:
            return ()
        pool = ThreadPoolExecutor(min(MAX_CONNECTIONS, len(gather.sends)))
        try:
            return tuple(pool.map(one, gather.sends))
        finally:  # an interruption does not wait for what is still on its way
            pool.shutdown(wait=False, cancel_futures=True)

    def _answered(self) -> None:
        """Count one more of several requests as finished; subclasses show it."""

    def _download(self, download: Download) -> HttpReply:
        url, pace = download.url, download.pace
        watch = self._watch(url, pace.window, pace, is_bounded=True)
        with translate_errors(url, watch), watching(watch):
            client, request = self._clients.build_download(download)
            response = client.send(request, stream=True)
            try:
                self._silent_since = None
                body = FileBody(download.part, response, watch)
                if body.is_wanted:
                    for chunk in response.iter_raw():
                        body.add(chunk)
                    body.end()
            finally:
                response.close()
            return body.reply

    def _create(self, url: str, options: dict[str, Any]) -> httpx.Client:
        if self._http is not None:
            options = {**options, "proxy": None}
        client: httpx.Client = load_httpx().Client(transport=self._http, **options)
        keep_time(client)
        return client

    def close(self) -> None:
        """Close connections and the ledger."""
        for client in self._clients.drain():
            client.close()
        if self.ledger is not None:
            self.ledger.close()


def _tell_silent(tell: Callable[[str], object], url: str) -> None:
    tell(f"still waiting for {origin_of(url)}")


def _too_late(url: str) -> OutOfTime:
    error = OutOfTime(f"the time ran out before {origin_of(url)} could be asked", sent=False)
    error.retryable = False
    return error
