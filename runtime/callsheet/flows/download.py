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
WHOLE_AFTER = 2  # attempts in a row that reached the server and brought no new byte
REDIRECT_LIMIT = 5
EXPIRED = (401, 403, 404, 410)


def download(
    url: str, part: PartialFile, timing: Timing, *, renew: Callable[[], Flow[str]] | None = None
) -> Flow[None]:
    """Fill ``part`` from ``url``; ``renew`` asks the server for a new link when this one expired.

    A data link sends no request. A range that is refused or brings nothing twice is given up for
    the whole file. Raises ``WrongKind`` for a page and a broken data link, ``DownloadError`` after
    eight attempts in a row without a new byte, after two that were too slow, and at once when
    another cannot help.
    """
    if is_data_link(url):
        return _unpack(url, part)
    part.resume(url)
    tries, pauses = _Attempts(part), Pauses(timing)
    renewed_at, refused = -1, False
    while True:
        part.asks_rest = not refused and tries.fruitless < WHOLE_AFTER
        reply: HttpReply | None = None
        try:
            reply = yield from _get(url, part, timing.limits.pace)
        except NetworkError as error:
            failure = tries.note_break(error)
        else:
            if part.complete:
                return
            failure = f"HTTP {reply.status}"
            tries.fruitless += reply.status >= 500
            if reply.status in EXPIRED and renew is not None and tries.furthest > renewed_at:
                url, renewed_at = (yield from renew()), tries.furthest
                continue
            if reply.status not in (THROTTLED, *TRANSIENT, 200, 206, 416):
                refused = _refuse_once(reply, part)
                continue
        tries.note_end(failure)
        yield pauses.sleep(reply, tries.count)


class _Attempts:
    """The attempts of one download: ``count`` of those in a row without a new byte.

    Of these the ``fruitless`` ones reached the server; ``furthest`` is the most bytes so far.
    """

    def __init__(self, part: PartialFile) -> None:
        self._part, self.furthest = part, part.size
        self.count = self.fruitless = self._slow = 0

    def note_break(self, error: NetworkError) -> str:
        """Return why an attempt broke off; raise where another cannot help."""
        self._slow = self._slow + 1 if isinstance(error, OutOfTime) else 0
        if not error.retryable or self._slow == SLOW_ATTEMPTS:
            raise _ended(error) from None
        self.fruitless += error.sent
        return error.message

    def note_end(self, failure: str) -> None:
        """Count an attempt that ended; raise ``DownloadError`` after eight for nothing."""
        self.count += 1
        if self._part.size > self.furthest:
            self.count, self.fruitless, self.furthest = 1, 0, self._part.size
        if self.count >= ATTEMPTS:
            raise DownloadError(f"the file cannot be fetched: {failure}", retryable=True)


def _ended(error: NetworkError) -> CallsheetError:
    """Return the error for a download that is not tried again."""
    if not isinstance(error, OutOfTime):
        return DownloadError(error.message)
    if not error.retryable:
        return error
    return DownloadError(f"the file came too slowly: {error.message}", retryable=True)


def _refuse_once(reply: HttpReply, part: PartialFile) -> bool:
    """Return True when the range may be what was refused; raise ``DownloadError`` otherwise."""
    if "Range" in part.headers():
        return True
    failure = f"the file cannot be fetched: HTTP {reply.status}"
    raise DownloadError(failure, http_status=reply.status)


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
