"""Kills a client at a named point of its work, armed from outside of it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import httpx

import callsheet.transport.aio
import callsheet.transport.sync
from callsheet.flows.effects import Download, Record, Send
from callsheet.storage import partial_file
from callsheet.transport import http as transport_http
from callsheet.transport.http import Clients

if TYPE_CHECKING:
    from collections.abc import Callable

CREATE, QUERY = "generate", "query"

POINTS = (
    "before the intent is written",
    "after the intent is written",
    "connected for the paid request",
    "headers of the paid request sent",
    "paid request sent",
    "head of the answer received",
    "answer received",
    "before the task id is written",
    "after the task id is written",
    "before a poll",
    "poll sent",
    "after a poll",
    "before the end is written",
    "after the end is written",
    "before the download",
    "download begun",
    "some bytes written",
    "all bytes written",
    "before the commit",
    "before the name is given",
    "linked under its name",
    "after the name is given",
    "before the file is noted",
    "after the file is noted",
)
_TRACES = {
    "connected for the paid request": (CREATE, "connection.connect_tcp.complete"),
    "headers of the paid request sent": (CREATE, "http11.send_request_headers.complete"),
    "paid request sent": (CREATE, "http11.send_request_body.complete"),
    "head of the answer received": (CREATE, "http11.receive_response_headers.complete"),
    "poll sent": (QUERY, "http11.send_request_body.complete"),
}
_RECORDS = {
    "the intent is written": ("intent",),
    "the task id is written": ("accepted",),
    "the end is written": ("done",),
    "the file is noted": ("saved",),
}
PIECE = 700
_PART = {
    "download begun": ("begin", "after"),
    "all bytes written": ("end", "after"),
    "before the commit": ("commit", "before"),
}
_CALLS = {
    "before the name is given": (partial_file, "publish", "before"),
    "linked under its name": (os, "link", "after"),
    "after the name is given": (partial_file, "publish", "after"),
}


def die() -> None:
    """End as by ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, nth: int) -> None:
    """Let the ``nth`` passing of a point be the last; raises where there is no such point."""
    if point not in POINTS:
        raise ValueError(point)
    passes = iter([False] * (nth - 1) + [True])

    def reached() -> None:
        if next(passes, True):
            die()

    if point == "some bytes written":
        _wrap_writing(reached)
    elif point in _PART:
        name, side = _PART[point]
        _wrap(partial_file.PartialFile, name, side, reached)
    elif point in _CALLS:
        place, name, side = _CALLS[point]
        _wrap(place, name, side, reached)
    elif point in _TRACES:
        _wrap_requests(*_TRACES[point], reached)
    else:
        _wrap_effects(point, reached)


def _wrap(owner: Any, name: str, side: str, reached: Callable[[], None]) -> None:
    real = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if side == "before":
            reached()
        outcome = real(*args, **kwargs)
        if side == "after":
            reached()
        return outcome

    setattr(owner, name, wrapped)


def _wrap_writing(reached: Callable[[], None]) -> None:
    """Write whatever the network gives in small pieces, and pass the point after each."""
    real = partial_file.PartialFile.write

    def write(part: partial_file.PartialFile, chunk: bytes) -> None:
        for at in range(0, len(chunk), PIECE):
            real(part, chunk[at : at + PIECE])
            reached()

    vars(partial_file)["PartialFile"].write = write


def _wrap_requests(action: str, event: str, reached: Callable[[], None]) -> None:
    """Pass the point at an event that httpx reports to the trace hook of a request."""

    def trace_event(name: str, details: object) -> None:
        if name == event:
            reached()

    async def trace_event_async(name: str, details: object) -> None:
        trace_event(name, details)

    real = Clients.build

    def build(self: Clients[Any], send: Send, url: str) -> tuple[Any, httpx.Request]:
        client, request = real(self, send, url)
        if send.path.endswith((f".{action}", f".{action}_and_wait")):
            is_async = isinstance(client, httpx.AsyncClient)
            request.extensions["trace"] = trace_event_async if is_async else trace_event
        return client, request

    vars(transport_http)["Clients"].build = build


def _wrap_effects(point: str, reached: Callable[[], None]) -> None:
    side, _, moment = point.partition(" ")
    side, moment = ("after", point) if side not in {"before", "after"} else (side, moment)

    def is_it(effect: Any) -> bool:
        if moment in _RECORDS:
            return isinstance(effect, Record) and effect.event in _RECORDS[moment]
        if moment == "the download":
            return isinstance(effect, Download)
        command = QUERY if moment == "a poll" else CREATE
        return isinstance(effect, Send) and effect.path.endswith(
            (f".{command}", f".{command}_and_wait")
        )

    real_sync = callsheet.transport.sync.Transport.perform
    real_awaited = callsheet.transport.aio.AsyncTransport.perform

    def perform(self: Any, effect: Any) -> Any:
        if side == "before" and is_it(effect):
            reached()
        outcome = real_sync(self, effect)
        if side == "after" and is_it(effect):
            reached()
        return outcome

    async def perform_awaited(self: Any, effect: Any) -> Any:
        if side == "before" and is_it(effect):
            reached()
        outcome = await real_awaited(self, effect)
        if side == "after" and is_it(effect):
            reached()
        return outcome

    vars(callsheet.transport.sync)["Transport"].perform = perform
    vars(callsheet.transport.aio)["AsyncTransport"].perform = perform_awaited
