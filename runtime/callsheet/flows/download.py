"""Download one file, resuming where an earlier attempt stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.config.settings import join_url, origin_of
from callsheet.errors import CallsheetError, DownloadError, NetworkError, OutOfTime, WrongKind
from callsheet.flows.effects import Download, Flow, HttpReply, Pace
from callsheet.flows.retry import REDIRECTS, THROTTLED, TRANSIENT, Pauses
from callsheet.protocol.inline_data import decode, is_data_link
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.flows.retry import Timing
    from callsheet.storage.partial_file import PartialFile


ATTEMPTS, SLOW_ATTEMPTS = 8, 2
REDIRECT_LIMIT = 5
EXPIRED = (401, 403, 404, 410)


def download(
    url: str, part: PartialFile, timing: Timing, *, renew: Callable[[], Flow[str]] | None = None
) -> Flow[None]:
    """Fill ``part`` from ``url``; ``renew`` asks the server for a new link when this one expired.

    A data link is decoded and sends no request. Raises ``WrongKind`` for a page and for a broken
    data link, ``DownloadError`` after eight attempts in a row without a new byte, after two that
    were too slow, and at once when another attempt cannot help.
    """
    if is_data_link(url):
        _unpack(url, part)
        return
    part.resume(url)
    attempts, furthest, pauses = 0, part.size, Pauses(timing)
    renewed_at, slow = -1, 0
    while True:
        reply: HttpReply | None = None
        try:
            reply = yield from _get(url, part, timing.limits.pace)
        except NetworkError as error:
            slow = slow + 1 if isinstance(error, OutOfTime) else 0
            if not error.retryable or slow == SLOW_ATTEMPTS:
                raise _ended(error) from None
            failure = error.message
        else:
            if part.complete:
                return
            failure = f"HTTP {reply.status}"
            if reply.status in EXPIRED and renew is not None and furthest > renewed_at:
                url, renewed_at = (yield from renew()), furthest
                continue
            if reply.status not in (THROTTLED, *TRANSIENT, 200, 206, 416):
                raise DownloadError(
                    f"the file cannot be fetched: {failure}", http_status=reply.status
                )
        attempts = 1 if part.size > furthest else attempts + 1
        furthest = max(furthest, part.size)
        if attempts >= ATTEMPTS:
            raise DownloadError(f"the file cannot be fetched: {failure}", retryable=True)
        yield pauses.sleep(reply, attempts)


def _ended(error: NetworkError) -> CallsheetError:
    """Return the error for a download that is not tried again."""
    if not isinstance(error, OutOfTime):
        return DownloadError(error.message)
    if not error.retryable:
        return error
    return DownloadError(f"the file came too slowly: {error.message}", retryable=True)


def _unpack(link: str, part: PartialFile) -> None:
    """Write the file that a data link holds; raise ``WrongKind`` where it is not whole."""
    part.begin(200, {})
    try:
        for chunk in decode(link):
            part.write(chunk)
    except ValueError:
        raise WrongKind("the answer holds a file that is no valid base64") from None
    part.end()
    if not part.complete:
        raise WrongKind("the answer holds a file that is not whole")


def _get(url: str, part: PartialFile, pace: Pace) -> Flow[HttpReply]:
    """Send one GET and follow its redirects, but never from https to http."""
    for _ in range(REDIRECT_LIMIT):
        if not origin_of(url).startswith(("http://", "https://")):
            raise DownloadError(f"not a link that can be fetched: {one_line(url)[:200]}")
        reply: HttpReply = yield Download(url, part, pace)
        if reply.status not in REDIRECTS:
            return reply
        location = reply.headers.get("location", "")
        target = join_url(url, location) or location
        if origin_of(url).startswith("https:") and origin_of(target).startswith("http:"):
            raise DownloadError("the file server redirects from https to an unencrypted link")
        url = target
    raise DownloadError(f"the file server redirects more than {REDIRECT_LIMIT} times")
