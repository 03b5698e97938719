"""Fetching one file: resumed after interruptions, without the key on any other origin."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from callsheet.errors import DownloadError, NetworkError
from callsheet.flows.effects import Flow, Reply, Save, Sleep, Timing
from callsheet.flows.requests import REDIRECTS, THROTTLED, TRANSIENT, pause
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.files import Part

TRIES = 8
HOPS = 5
EXPIRED = (401, 403, 404, 410)


def download(
    url: str, part: Part, timing: Timing, *, renew: Callable[[], Flow[str]] | None = None
) -> Flow[None]:
    """Fill ``part`` from ``url``; ``renew`` asks the server for a fresh link when this one is dead.

    Raises ``DownloadError``; what was fetched so far stays in the part file for another try.
    """
    tries = 0
    while True:
        reply: Reply | None = None
        before = part.size
        try:
            reply = yield from _hop(url, part)
        except NetworkError as error:
            trouble = error.message
        else:
            if part.complete:
                return
            trouble = f"HTTP {reply.status}"
            if reply.status in EXPIRED and renew is not None:
                url, renew = (yield from renew()), None
                continue
            if reply.status not in (THROTTLED, *TRANSIENT, 200, 206, 416):
                raise DownloadError(
                    f"the file cannot be fetched: {trouble}", http_status=reply.status
                )
        tries = 1 if part.size > before else tries + 1
        if tries >= TRIES:
            raise DownloadError(f"the file cannot be fetched: {trouble}", retryable=True)
        yield Sleep(pause(reply, tries, throttled=False, timing=timing))


def _hop(url: str, part: Part) -> Flow[Reply]:
    """One GET, sent on where a file server points elsewhere; never from https down to http."""
    for _ in range(HOPS):
        if urlsplit(url).scheme not in {"http", "https"}:
            raise DownloadError(f"not a link that can be fetched: {one_line(url)[:200]}")
        reply: Reply = yield Save(url, part)
        if reply.status not in REDIRECTS:
            return reply
        target = urljoin(url, reply.headers.get("location", ""))
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
            raise DownloadError("the file server redirects from https to an unencrypted link")
        url = target
    raise DownloadError(f"the file server redirects more than {HOPS} times")
