"""Send a request through the connection pool directly."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.transport.http import (
    CONNECT,
    Headers,
    add_key,
    client_options,
    key_for,
    load_httpx,
    plain_headers,
    pool_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from callsheet.config.settings import Settings
    from callsheet.flows.effects import Send


KEPT = 512


class Pool(NamedTuple):
    """Kept connections to places of one kind.

    ``handle`` sends one request and gives its response with the body still to be read;
    ``client`` is the httpx client round the same connections.
    """

    client: Any
    handle: Callable[[httpx.Request], Any]


class Route:
    """What requests of one method to one origin have in common; of the key only its mask shows."""

    __slots__ = ("auth", "handle", "headers", "key")

    def __init__(self, settings: Settings, pool: Pool, method: str, url: str) -> None:
        # httpx says what belongs to any request of this method to this place, such as its host.
        headers = _titled(pool.client.headers) | plain_headers()
        common = load_httpx().Request(method, url, headers=headers)
        self.handle, self.headers = pool.handle, _titled(common.headers)
        self.key, self.auth = key_for(settings, url), settings.auth


class Routes:
    """The routes that one driver has used, and their connections; may be shared by threads.

    ``opened`` makes the pool for a URL, with the options of ``client_options``.
    """

    def __init__(self, settings: Settings, opened: Callable[[str, dict[str, Any]], Pool]) -> None:
        self._settings, self._opened = settings, opened
        self._known: dict[tuple[str, str], Route] = {}
        self._pools: dict[tuple[str, bool], Pool] = {}
        self._opening = threading.Lock()

    def route(self, method: str, url: str) -> Route:
        """The route to this URL, found or made; raises what httpx does for a bad one."""
        place = url[: _end_of_place(url)]
        found = self._known.get((method, place))
        if found is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            found = Route(self._settings, self.pool(url), method, url)
            self._known[method, place] = found
        return found

    def pool(self, url: str) -> Pool:
        """The connections that serve a URL."""
        name = pool_of(url)
        with self._opening:
            if name not in self._pools:
                self._pools[name] = self._opened(url, client_options(url))
            return self._pools[name]

    def emptied(self) -> list[Pool]:
        """The pools, to be closed; none of them is used again."""
        self._known.clear()
        pools = list(self._pools.values())
        self._pools.clear()
        return pools


def _end_of_place(url: str) -> int:
    """Where scheme, host and port of a URL end."""
    begun = url.find("://") + 3
    return min((at for sign in "/?#" if (at := url.find(sign, begun)) >= 0), default=len(url))


@lru_cache(maxsize=KEPT)
def parsed(url: str) -> tuple[httpx.URL, str]:
    """A URL as httpx takes it, and as it goes out; raises what httpx does for a bad one."""
    found = load_httpx().URL(url)
    return found, str(found)


def request_of(route: Route, send: Send, url: str) -> httpx.Request:
    """The request of one ``Send`` to a URL; the key is added last, for this request alone."""
    library = load_httpx()
    headers = Headers(route.headers)
    headers.update(_titled(send.headers))
    if send.body:
        headers["Content-Length"] = str(len(send.body))
    add_key(headers, route.key, route.auth)
    silence = send.timeout
    waits = {"connect": min(CONNECT, silence), "read": silence, "write": silence, "pool": silence}
    made: httpx.Request = library.Request(
        send.method,
        parsed(url)[0],
        headers=headers,
        stream=library.ByteStream(send.body or b""),
        extensions={"timeout": waits},
    )
    made.read()  # for transports that want the whole body
    return made


def _titled(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers under names in one spelling, so that one laid over another replaces it."""
    return {name.title(): value for name, value in headers.items()}
