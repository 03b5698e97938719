"""Keep track of expired media links, and rewrite the links in replies."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace

from callsheet_sandbox.faults.exchange import Reply

_LINK = re.compile(
    r"(?P<origin>https?://[^/\"\\\s]+)?(?P<path>(?:/d/[\w-]+)?/media/(?P<stem>[0-9a-z-]+)[.\w]*)"
    r"(?P<query>\?[^\"\\\s]*)?"
)
_STEM = re.compile(r"/media/([0-9a-z-]+)\.")
_FRESH = re.compile(r"[?&]?fresh=(\d+)")


class Links:
    """The links that have expired; a reply that names one of them again gives a fresh one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._expired: dict[str, tuple[int, int]] = {}

    @property
    def any(self) -> bool:
        """Tell whether a link has expired."""
        return bool(self._expired)

    def clear(self) -> None:
        """Forget all that expired."""
        with self._lock:
            self._expired.clear()

    def expire(self, path: str, code: int) -> None:
        """Refuse the media of this path with `code` until it is asked for by a fresh link."""
        with self._lock:
            stem = _stem(path)
            self._expired[stem] = (self._expired.get(stem, (0, 0))[0] + 1, code)

    def refusal(self, path: str, query: str) -> int | None:
        """Return the status with which a link that has expired is refused."""
        expiry = self._expired.get(_stem(path))
        if expiry is None:
            return None
        fresh = _FRESH.search(query)
        return None if fresh and int(fresh[1]) == expiry[0] else expiry[1]

    def freshened(self, reply: Reply) -> Reply:
        """Return a reply whose expired links are fresh ones."""
        return _rewritten(reply, self._fresh) if self._expired else reply

    def _fresh(self, match: re.Match[str]) -> str:
        expiry = self._expired.get(match["stem"])
        if expiry is None:
            return match[0]
        query = _FRESH.sub("", match["query"] or "")
        mark = "&" if query else "?"
        return f"{match['origin'] or ''}{match['path']}{query}{mark}fresh={expiry[0]}"


def moved(reply: Reply, origin: str) -> Reply:
    """Return a reply whose media links lead to another origin."""
    return _rewritten(reply, lambda match: origin + match["path"] + (match["query"] or ""))


def _rewritten(reply: Reply, link: Callable[[re.Match[str]], str]) -> Reply:
    text = _LINK.sub(link, reply.body.decode("utf-8", "surrogateescape"))
    body = text.encode("utf-8", "surrogateescape")
    if body == reply.body:
        return reply
    return replace(reply, headers={**reply.headers, "content-length": str(len(body))}, body=body)


def _stem(path: str) -> str:
    match = _STEM.search(path)
    return match[1] if match else ""
