"""Notify a program of its requests: before each is sent, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from callsheet.errors import CallsheetError
from callsheet.flows.effects import Download, Gather, Send
from callsheet.flows.retry import action_path
from callsheet.masking import masked
from callsheet.protocol.error_replies import request_id
from callsheet.text import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callsheet.flows.effects import Flow


T = TypeVar("T")


class RequestEvent(NamedTuple):
    """A request that is about to leave.

    ``url`` has no query and no key. ``action`` is the id of the action that is invoked; empty for
    what is asked beside it: the catalogue, a redirect, a file.
    """

    method: str
    url: str
    action: str


class DoneEvent(NamedTuple):
    """A request that is over, after ``seconds``; of several at once, when all are over.

    ``status`` is that of the answer; ``None`` where there is none, and ``error`` says why.
    """

    method: str
    url: str
    action: str
    status: int | None
    seconds: float
    request_id: str | None
    error: str


class Hooks(NamedTuple):
    """The functions to call for each request of a client; what they raise is logged."""

    on_request: Callable[[RequestEvent], object] | None
    on_done: Callable[[DoneEvent], object] | None

    def observe(self, flow: Flow[T], host: str, clock: Callable[[], float]) -> Flow[T]:
        """Run a flow, and tell of each of its requests to ``host`` and elsewhere.

        What stops the program in a hook is thrown into the flow, so that it is recorded what may
        have been sent.
        """
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                effect = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration as stop:
                returned: T = stop.value
                return returned
            answer = error = None
            events, started = _events(effect, host), clock()
            try:
                for event in events:
                    _tell(self.on_request, event)
                answer = yield effect
            except BaseException as raised:  # the flow decides what any of them means
                error = raised
            try:
                seconds = clock() - started
                for event, reply in zip(events, _replies(effect, error or answer), strict=False):
                    _tell(self.on_done, _done(event, reply, seconds))
            except BaseException as raised:
                error = error or raised


def _tell(hook: Callable[[Any], object] | None, event: NamedTuple) -> None:
    if hook is None:
        return
    try:
        hook(event)
    except Exception as error:
        warn(f"a hook failed: {type(error).__name__}: {masked(str(error))}")


def _events(effect: Any, host: str) -> list[RequestEvent]:
    """Return the requests that an effect makes; none for what is no request."""
    if isinstance(effect, Gather):
        return [_event(send, host) for send in effect.sends]
    return [_event(effect, host)] if isinstance(effect, Send | Download) else []


def _event(request: Send | Download, host: str) -> RequestEvent:
    if isinstance(request, Download):
        return RequestEvent("GET", _public_url(request.url), "")
    is_call = request.method == "POST" and request.path.startswith(action_path(""))
    action = unquote(request.path.removeprefix(action_path(""))) if is_call else ""
    return RequestEvent(request.method, _public_url(request.url or host + request.path), action)


def _public_url(url: str) -> str:
    """Return scheme, host, port and path of a URL, with keys masked."""
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return masked(f"{parts.scheme}://{place}{parts.path}")


def _replies(effect: Any, outcome: Any) -> Sequence[Any]:
    """Return the outcome of each request of an effect."""
    is_tuple = isinstance(effect, Gather) and isinstance(outcome, tuple)
    count = len(effect.sends) if isinstance(effect, Gather) else 1
    replies: Sequence[Any] = outcome if is_tuple else [outcome] * count
    return replies


def _done(event: RequestEvent, reply: Any, seconds: float) -> DoneEvent:
    if isinstance(reply, BaseException):
        why = reply.message if isinstance(reply, CallsheetError) else type(reply).__name__
        return DoneEvent(*event, None, seconds, None, masked(why))
    return DoneEvent(*event, reply.status, seconds, request_id(reply.headers), "")
