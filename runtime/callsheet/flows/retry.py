"""Decide what is sent again: redirects, free requests, and a POST that may cost money."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import RETRY_COST as TRANSIENT_COST
from callsheet.backoff import THROTTLE_COST as THROTTLED_COST
from callsheet.backoff import full_jitter, wait_hint
from callsheet.config.settings import join_url, origin_of
from callsheet.errors import LimitReached, NetworkError, OutOfTime, ServerError
from callsheet.flows.effects import Flow, HttpReply, Send, Sleep, TimeLimits
from callsheet.masking import masked
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.backoff import Quota


class Timing(NamedTuple):
    """Clocks, random numbers, the retry quota that the whole process shares, and time limits.

    ``clock`` is monotonic; ``wall`` is the time of day, in seconds since 1970.
    """

    clock: Callable[[], float]
    wall: Callable[[], float]
    random: Callable[[], float]
    quota: Quota
    limits: TimeLimits = TimeLimits()


def default_timing() -> Timing:
    """Return the real clocks and random numbers, and the quota of this process."""
    from callsheet.backoff import process_quota

    return Timing(time.monotonic, time.time, _random, process_quota())


def _random() -> float:
    import random

    return random.random()  # noqa: S311 - jitter, no secret


SEE_OTHER = 303
REDIRECTS = (301, 302, 303, 307, 308)
TRANSIENT = (408, 500, 502, 503, 504)
THROTTLED = 429
ATTEMPTS = 5
LONGEST_HINT = 120.0
_LOGIN = (
    r"(?:^|[/._-])(?:(?:log|sign)[._-]?(?:in|on)|auth|authenticat\w+|authori[sz]\w+"
    r"|oauth\d?|sso|saml\d?)(?:[/._-]|$)"
)


def follow_redirect(send: Send) -> Flow[HttpReply]:
    """Send a request, and follow one redirect inside the origin of the server.

    A 303 says that a POST was accepted and where its outcome can be read: it is returned as a
    202 with that ``Location``, and nothing is sent after it. Raises ``ServerError`` for a
    redirect to another scheme, host or port, so that the key goes nowhere else, and for any
    other that would turn a POST into a GET.
    """
    reply: HttpReply = yield send
    if reply.status not in REDIRECTS or not reply.headers.get("location", "").strip():
        return reply
    # No name for the link itself: it may repeat the key, and a traceback may show names.
    origin, target_origin = origin_of(reply.url), origin_of(_target_of(reply))
    if origin != target_origin:
        destination = target_origin or masked(one_line(reply.headers["location"]))[:200]
        refused = ServerError(
            f"{origin} redirects the request to {destination}; your key was not sent there",
            code="redirect_refused",
            hint=f"if that is right: log in with --host {destination}",
            http_status=reply.status,
        )
        refused.may_have_run = reply.status == SEE_OTHER
        raise refused
    if send.method != "GET" and reply.status == SEE_OTHER:
        return reply._replace(status=202, body=b"")
    if send.method != "GET" and reply.status not in {307, 308}:
        refused = ServerError(
            f"the server redirects a {send.method} with HTTP {reply.status} to "
            f"{masked(one_line(_target_of(reply)))[:200]}, which would turn it into a GET",
            code="redirect_refused",
            http_status=reply.status,
        )
        refused.may_have_run = not _leads_elsewhere(reply.url, _target_of(reply))
        raise refused
    redirected: HttpReply = yield send._replace(url=_target_of(reply))
    return redirected


def _target_of(reply: HttpReply) -> str:
    return join_url(reply.url, reply.headers["location"])


def _leads_elsewhere(url: str, target: str) -> bool:
    """Tell whether a redirect inside an origin says that the request was not handled there.

    It leads to a login page, or to the same path below another or with a slash more. Any other
    may come from a program that did the work and then shows a page.
    """
    from urllib.parse import urlsplit

    path, new_path = urlsplit(url).path, urlsplit(target).path
    is_moved = new_path != path and new_path.rstrip("/").endswith(path.rstrip("/"))
    return is_moved or re.search(_LOGIN, new_path.lower()) is not None


def with_retries(send: Send, timing: Timing) -> Flow[HttpReply]:
    """Send a request that costs nothing; repeat it after transient errors, within the quota.

    All attempts together have the time of one, without the pauses.
    A POST that may cost money goes through ``PaidPost`` instead.
    Raises ``NetworkError`` when no attempt got a reply, and ``LimitReached`` when the server asks
    for pauses of more than two minutes together.
    """
    attempt = cost = 0
    began, within = timing.clock(), send.within
    pauses = Pauses(timing)
    while True:
        failure: NetworkError | None = None
        reply: HttpReply | None = None
        try:
            reply = yield from follow_redirect(send)
        except NetworkError as error:
            if not error.retryable or isinstance(error, OutOfTime):
                raise
            failure = error
        if reply is not None and reply.status != THROTTLED and reply.status not in TRANSIENT:
            timing.quota.give(cost or 1)
            return reply
        throttled = reply is not None and reply.status == THROTTLED
        attempt += 1
        cost = THROTTLED_COST if throttled else TRANSIENT_COST
        left = within - (timing.clock() - began - pauses.waited)
        if attempt >= ATTEMPTS or left <= 0 or not timing.quota.take(cost):
            if reply is not None:
                return reply
            raise failure or NetworkError("no answer", sent=True)
        yield pauses.sleep(reply, attempt, throttled=throttled)
        send = send._replace(within=left)


class PaidPost:
    """A POST that may cost money: sent once, and again only where that cannot cost twice.

    ``build`` builds its request for each attempt. ``honours_key`` finds out whether the server
    honours the idempotency key; it is called only where a second POST could cost again, and
    without it nothing is sent then. ``arrived`` counts the POSTs that may have reached the server,
    but not one that ``is_under_way`` and not the one that was answered.
    """

    def __init__(
        self, build: Callable[[], Send], honours_key: Callable[[], Flow[bool]] | None
    ) -> None:
        self._build, self._honours_key = build, honours_key
        self.arrived, self.is_under_way = 0, False

    def send(self, timing: Timing) -> Flow[HttpReply]:
        """Send it; try again only after a ``NetworkError``, five attempts in all.

        And then only where nothing can have arrived or the server honours the idempotency key.
        Once there is a reply, whatever its status, nothing is sent again. Raises ``NetworkError``
        without one.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.is_under_way = True
                return (yield from follow_redirect(self._build()))
            except NetworkError as error:
                self.is_under_way = False
                self.arrived += error.sent
                if attempt == ATTEMPTS or not error.retryable:
                    raise
                if self.arrived and not (yield from self.may_repeat()):
                    raise
            yield Sleep(pause(None, attempt, throttled=False, timing=timing))
        raise AssertionError("the last attempt returns or raises")

    def may_repeat(self) -> Flow[bool]:
        """Find out whether a second POST costs nothing, since the server honours the key."""
        return (yield from self._honours_key()) if self._honours_key is not None else False


class Pauses:
    """The pauses between the attempts of one request, ``waited`` seconds together."""

    def __init__(self, timing: Timing) -> None:
        self._timing, self.waited = timing, 0.0

    def sleep(self, reply: HttpReply | None, attempt: int, *, throttled: bool = False) -> Sleep:
        """Return the next pause, and add it to ``waited``; raise as ``pause`` does."""
        seconds = pause(
            reply, attempt, throttled=throttled, timing=self._timing, waited=self.waited
        )
        self.waited += seconds
        return Sleep(seconds)


def pause(
    reply: HttpReply | None, attempt: int, *, throttled: bool, timing: Timing, waited: float = 0.0
) -> float:
    """Return the seconds until the next attempt: as the server asks, else full jitter.

    Raises ``LimitReached`` where the server asks for more than two minutes together with what was
    ``waited`` for earlier attempts.
    """
    hint = wait_hint(reply.headers, timing.wall()) if reply else None
    if hint is not None and hint + waited > LONGEST_HINT:
        moment = time.strftime("%H:%M:%S", time.localtime(timing.wall() + hint))
        before = f", after {waited:.0f} s already" if waited >= 1 else ""
        error = LimitReached(
            f"the server asks to wait {hint:.0f} s before the next request{before}",
            hint=f"try again after {moment}",
            retryable=True,
        )
        error.retry_after = hint
        raise error
    if hint is not None:
        return hint
    return full_jitter(attempt - 1, base=1.0 if throttled else 0.05, cap=20.0, random=timing.random)


def action_request(action_id: str, body: Any) -> Send:
    """Build the POST of an action with a JSON body, without an idempotency key."""
    headers = {"Content-Type": "application/json"}
    return Send("POST", action_path(action_id), json.dumps(body).encode(), headers)


def action_path(action_id: str, suffix: str = "") -> str:
    """Return the path of an action; its id becomes one segment (see ``is_sendable``)."""
    if not re.fullmatch("[A-Za-z0-9._~-]+", action_id):
        from urllib.parse import quote

        action_id = quote(action_id, safe="")
    return f"/api/actions/{action_id}{suffix}"


def is_sendable(action_id: str) -> bool:
    """Tell whether an id can be a segment of a path.

    Dots alone cannot: HTTP libraries resolve them, even percent-encoded ones.
    """
    return not set(action_id) <= {"."} and action_id.encode("utf-8", "ignore").decode() == action_id
