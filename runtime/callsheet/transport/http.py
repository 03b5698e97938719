"""Build requests, place the key and translate the errors of httpx."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from callsheet.config.settings import Settings, is_loopback, origin_of
from callsheet.errors import AuthError, NetworkError, UsageError
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from callsheet.flows.effects import Download, HttpReply, Send
    from callsheet.secret import Secret


AT_ONCE = 32
# The aiohttp transport carries more at once, where there is enough to ask for.
CROWD, MANY = 128, 200
CONNECT = 10.0
LARGEST_REPLY = 16 * 1024 * 1024


def load_httpx() -> Any:
    """Import httpx without the command line that it would load beside (click, rich: 60 ms)."""
    if "httpx" not in sys.modules and "httpx._main" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]  # makes its import fail
        try:
            import httpx
        finally:
            del sys.modules["httpx._main"]
    import httpx

    return httpx


class Headers(dict[str, str]):
    """Headers that show no key in a traceback with the values of variables."""

    def __repr__(self) -> str:
        from callsheet.secret import redact_headers

        return repr(redact_headers(self))


def headers_for(settings: Settings, url: str, extra: Any = ()) -> Headers:
    """Headers of one request; the key is among them only for the configured origin."""
    headers = plain_headers(extra)
    add_key(headers, key_for(settings, url), settings.auth)
    return headers


def plain_headers(extra: Any = ()) -> Headers:
    """The headers that say who asks, and for what."""
    from callsheet.version import __version__

    return Headers(
        {"User-Agent": f"callsheet/{__version__}", "Accept": "application/json", **dict(extra)}
    )


def key_for(settings: Settings, url: str) -> Secret | None:
    """The key, where it may go to this URL: to the configured origin and no other."""
    here = bool(settings.origin) and origin_of(url) == settings.origin
    return settings.key if here else None


def add_key(headers: Headers, key: Secret | None, auth: str) -> None:
    """Put the key into headers, if there is one, in the way that the server takes it."""
    if key is None:
        return
    if auth == "x-api-key":
        headers["X-Api-Key"] = key.reveal()
    else:
        headers["Authorization"] = f"Bearer {key.reveal()}"


def client_options(url: str) -> dict[str, Any]:
    """What a client for this URL is made with; loopback is never asked through a proxy."""
    httpx = load_httpx()
    return {
        "verify": verify_for(url),
        "limits": httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
        "follow_redirects": False,
        "trust_env": not is_loopback(url),
    }


def is_proxied(url: str) -> bool:
    """Whether the environment names a proxy for this kind of URL; httpx alone obeys it."""
    if is_loopback(url):
        return False
    from urllib.request import getproxies

    return bool({"all", pool_of(url)[0]} & set(getproxies()))


def pool_of(url: str) -> tuple[str, bool]:
    """URLs of one pool are served by one client."""
    return url.partition(":")[0].lower(), is_loopback(url)


def verify_for(url: str) -> Any:
    """A TLS context for https; none is built for plain http, where it would cost 25 ms."""
    if not url.lower().startswith("https:"):
        return False
    try:
        return load_httpx().create_ssl_context()
    except OSError as error:
        raise UsageError(
            f"the certificates to trust cannot be read: {error.strerror or error}",
            hint="see SSL_CERT_FILE and SSL_CERT_DIR",
        ) from None


@contextmanager
def in_our_words(url: str) -> Iterator[None]:
    """Turns what httpx raises, or the aiohttp under it, into a ``NetworkError``."""
    try:
        yield
    except Exception as error:
        httpx = load_httpx()
        ours = isinstance(error, (httpx.HTTPError, httpx.InvalidURL))
        if not ours and not _of_aiohttp(error):
            raise
        raise network_error(error, url) from None


def network_error(error: Exception, url: str) -> NetworkError:
    """Our word for a failure of httpx. ``sent`` is false only where no request can have left."""
    httpx = load_httpx()
    where = origin_of(url) or "the address"
    words = one_line(str(error))[:200] or type(error).__name__
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        unusable = NetworkError(f"{where} cannot be used: {words}", sent=False)
        unusable.retryable = False
        return unusable
    if _never_left(error):
        return NetworkError(
            f"{where} cannot be reached: {words}",
            sent=False,
            hint="check the address and the network",
        )
    if isinstance(error, httpx.TimeoutException) and not _of_aiohttp(error.__cause__):
        return NetworkError(f"{where} did not answer in time ({type(error).__name__})", sent=True)
    return NetworkError(f"the connection to {where} broke: {words}", sent=True)


def _of_aiohttp(error: BaseException | None) -> bool:
    return type(error).__module__.partition(".")[0] == "aiohttp"


def _never_left(error: Exception) -> bool:
    """Whether the connection failed before a request could be written to it.

    The aiohttp transport calls every broken connection a ``ConnectTimeout``, one that broke
    after the request had left too: there only the cause tells.
    """
    cause = error if _of_aiohttp(error) else error.__cause__
    if _of_aiohttp(cause):
        import aiohttp

        return isinstance(cause, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
    httpx = load_httpx()
    early = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    return isinstance(error, early)


def reply_of(response: httpx.Response, body: bytes, url: str = "") -> HttpReply:
    """An httpx response as flows see it; repeated headers are joined by a comma."""
    from callsheet.flows.effects import HttpReply

    headers = dict(response.headers.items())  # httpx gives their names in lower case
    return HttpReply(response.status_code, headers, body, url or str(response.url))


def require_key(settings: Settings) -> None:
    """Raise ``AuthError`` when there is no key to send with something that may cost money."""
    if settings.key is None:
        raise AuthError(
            f"there is no key for {settings.origin}",
            hint=f"make one at {settings.origin} under Settings → API Keys, then: "
            f"{settings.command} login --host {settings.host} --api-key …",
        )


def url_of(settings: Settings, send: Send) -> str:
    """Where a request goes: below the configured host, or to a place inside its origin."""
    return send.url or settings.require_host() + send.path


def download_of(settings: Settings, save: Download) -> dict[str, Any]:
    """The GET of one download, as httpx takes it."""
    headers = headers_for(settings, save.url, {"Accept": "*/*", **save.part.headers()})
    return {"method": "GET", "url": save.url, "headers": headers, "timeout": _timeout(60.0)}


def _timeout(silence: float) -> Any:
    return load_httpx().Timeout(silence, connect=min(CONNECT, silence))


class ReplyBody:
    """The bytes of a reply as they come; raises ``NetworkError`` for one that is too large."""

    def __init__(self, url: str) -> None:
        self._url, self._bytes = url, bytearray()

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._bytes += chunk
        if len(self._bytes) > LARGEST_REPLY:
            raise NetworkError(f"the reply of {origin_of(self._url)} is over 16 MiB", sent=True)

    def reply(self, response: httpx.Response, key: Secret | None = None) -> HttpReply:
        """The whole reply; a server that repeats the key in it is not repeated here."""
        reply = reply_of(response, bytes(self._bytes), self._url)
        return reply if key is None else _without(reply, key)


def is_encoded(response: httpx.Response) -> bool:
    """Whether the bytes of a response are packed; those of others are taken as they come."""
    return "content-encoding" in response.headers


def _without(reply: HttpReply, key: Secret) -> HttpReply:
    """A reply in which the key is masked: no ledger, cache, log or output ever sees it."""
    plain = key.reveal()
    said = plain and (
        plain.encode() in reply.body or any(plain in value for value in reply.headers.values())
    )
    if not said:
        return reply
    mask = str(key).encode("ascii", "replace").decode()
    headers = {name: value.replace(plain, mask) for name, value in reply.headers.items()}
    return reply._replace(body=reply.body.replace(plain.encode(), mask.encode()), headers=headers)


def too_slow(settings: Settings, send: Send) -> NetworkError:
    """The answer was not whole in the time that it had."""
    where = origin_of(send.url or settings.host) or "the server"
    return NetworkError(f"{where} did not finish its answer in time", sent=True)
