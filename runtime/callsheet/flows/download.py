"""Download one file, resuming where an earlier attempt stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.config.settings import join_url, origin_of
from callsheet.errors import DownloadError, NetworkError
from callsheet.flows.effects import Download, Flow, HttpReply, Sleep
from callsheet.flows.retry import REDIRECTS, THROTTLED, TRANSIENT, pause
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.flows.retry import Timing
    from callsheet.storage.partial_file import PartialFile


TRIES = 8
HOPS = 5
EXPIRED = (401, 403, 404, 410)


def download(
    url: str, part: PartialFile, timing: Timing, *, renew: Callable[[], Flow[str]] | None = None
) -> Flow[None]:
    """Fill ``part`` from ``url``; ``renew`` asks the server for a fresh link when this one is dead.

    Raises ``DownloadError`` when eight tries in a row bring nothing new, or at once where
    another try cannot help.
    """
    part.resume(url)
    tries, furthest = 0, part.size
    renewed = -1
    while True:
        reply: HttpReply | None = None
        try:
            reply = yield from _hop(url, part)
        except NetworkError as error:
            if not error.retryable:
                raise DownloadError(error.message) from None
            trouble = error.message
        else:
            if part.complete:
                return
            trouble = f"HTTP {reply.status}"
            if reply.status in EXPIRED and renew is not None and furthest > renewed:
                url, renewed = (yield from renew()), furthest
                continue
            if reply.status not in (THROTTLED, *TRANSIENT, 200, 206, 416):
                raise DownloadError(
                    f"the file cannot be fetched: {trouble}", http_status=reply.status
                )
        tries = 1 if part.size > furthest else tries + 1
        furthest = max(furthest, part.size)
        if tries >= TRIES:
            raise DownloadError(f"the file cannot be fetched: {trouble}", retryable=True)
        yield Sleep(pause(reply, tries, throttled=False, timing=timing))


def _hop(url: str, part: PartialFile) -> Flow[HttpReply]:
    """One GET, sent on where a file server points elsewhere; never from https down to http."""
    for _ in range(HOPS):
        if not origin_of(url).startswith(("http://", "https://")):
            raise DownloadError(f"not a link that can be fetched: {one_line(url)[:200]}")
        reply: HttpReply = yield Download(url, part)
        if reply.status not in REDIRECTS:
            return reply
        location = reply.headers.get("location", "")
        target = join_url(url, location) or location
        if origin_of(url).startswith("https:") and origin_of(target).startswith("http:"):
            raise DownloadError("the file server redirects from https to an unencrypted link")
        url = target
    raise DownloadError(f"the file server redirects more than {HOPS} times")
