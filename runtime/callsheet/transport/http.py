"""Build requests and clients of httpx, and translate its errors; ``transport.auth`` has the key."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from callsheet.config.settings import Settings, is_loopback, origin_of
from callsheet.errors import NetworkError, OutOfTime, UsageError
from callsheet.flows.effects import SILENCE
from callsheet.masking import watch
from callsheet.text import one_line
from callsheet.transport.auth import OriginAuth, default_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from callsheet.flows.effects import Download, HttpReply, Send
    from callsheet.transport.proxies import Proxy
    from callsheet.transport.watch import Watch


MAX_CONNECTIONS = 32
MAX_CONNECTIONS_AIOHTTP = 128
AIOHTTP_FROM = 200
"""Requests at once from which the sync driver uses the aiohttp transport, where it is there."""
CONNECT = 10.0
PROXY_REFUSES = 407
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXY_HINT = "check the proxy; NO_PROXY names hosts that need none"
C = TypeVar("C", bound="httpx.Client | httpx.AsyncClient")


def load_httpx() -> Any:
    """Import httpx without its command line, which would load click and rich (60 ms)."""
    if "httpx" not in sys.modules and "httpx._main" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]  # makes its import fail
        try:
            import httpx
        finally:
            del sys.modules["httpx._main"]
    import httpx

    return httpx


class Clients(Generic[C]):
    """The httpx clients of one driver, two for each kind of URL; may be shared by threads.

    One keeps its connections, the other opens one for each request. ``create`` makes a client
    for a URL from the options of ``client_options``.
    """

    def __init__(self, settings: Settings, create: Callable[[str, dict[str, Any]], C]) -> None:
        self._settings, self._create = settings, create
        for secret in settings.secrets:
            watch(secret)
        self._clients: dict[tuple[str, bool, Proxy | None, bool], C] = {}
        self._tls: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client_for(self, url: str, *, keeps: bool = True) -> C:
        """Return the client for a URL; create it when it is first needed.

        Without ``keeps`` it opens a connection for each request.
        """
        kind = (*kind_of(url), keeps)
        with self._lock:
            if kind not in self._clients:
                options = client_options(url, keeps=keeps, verify=self._tls.get(kind[0]))
                self._tls[kind[0]] = options["verify"]
                try:
                    self._clients[kind] = self._create(
                        url, {**options, "auth": OriginAuth(self._settings)}
                    )
                except (ImportError, ValueError) as error:
                    if kind[2] is None:
                        raise
                    raise kind[2].unusable(error) from None
            return self._clients[kind]

    def build(self, send: Send, url: str) -> tuple[C, httpx.Request]:
        """Return the client and the request for one ``Send``; raises what httpx does."""
        client = self.client_for(url, keeps=send.shares_connection)
        request = client.build_request(
            send.method,
            parse_url(url),
            content=send.body or None,
            headers=send.headers,
            timeout=_timeout(send.timeout),
        )
        return client, request

    def build_download(self, download: Download) -> tuple[C, httpx.Request]:
        """Return the client and the request for one ``Download``; raises what httpx does."""
        client = self.client_for(download.url, keeps=False)
        headers = {"Accept": "*/*", **download.part.headers()}
        request = client.build_request(
            "GET", download.url, headers=headers, timeout=_timeout(SILENCE)
        )
        return client, request

    def drain(self) -> list[C]:
        """Return the clients, to be closed; later requests get new ones."""
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        return clients


@lru_cache(maxsize=512)
def parse_url(url: str) -> httpx.URL:
    """Parse a URL; raise what httpx does for a bad one. A loop of calls repeats one."""
    parsed: httpx.URL = load_httpx().URL(url)
    return parsed


def client_options(url: str, *, keeps: bool = True, verify: Any = None) -> dict[str, Any]:
    """Return the options of a client for this URL; loopback is never asked through a proxy.

    ``keeps`` keeps connections for later requests; ``verify`` is a TLS context to use again.
    """
    proxy = proxy_of(url)
    limits = load_httpx().Limits(
        max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS if keeps else 0
    )
    return {
        "cookies": _no_cookies(),
        "verify": verify_for(url) if verify is None else verify,
        "limits": limits,
        "follow_redirects": False,
        "trust_env": False,
        "proxy": proxy.address if proxy is not None else None,
        "headers": {**default_headers(), "Accept-Encoding": "gzip, deflate"},
    }


def _no_cookies() -> Any:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


_CLOSING = "http11.response_closed.started"
_TO_PARSER = ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")


def clear_rest(response: httpx.Response) -> None:
    """Close the connection of a reply, once that is read, where anything is left to read on it.

    httpx would take that for the next answer. It has no public place for its parser: where that is
    not there, the connection is closed too.
    """
    connection: Any = response.extensions.get("network_stream")

    def has_rest(event: str) -> bool:
        if event != _CLOSING:
            return False
        parser: Any = response.stream
        for name in _TO_PARSER:
            parser = getattr(parser, name, None)
        return parser is None or bool(parser.trailing_data[0])

    def close(event: str, info: object) -> None:
        if has_rest(event):
            connection.close()

    async def close_awaited(event: str, info: object) -> None:
        if has_rest(event):
            await connection.aclose()

    if connection is not None:
        is_awaited = hasattr(connection, "aclose")
        response.request.extensions["trace"] = close_awaited if is_awaited else close


def proxy_of(url: str) -> Proxy | None:
    """Return the proxy of a URL; loopback is never asked through one."""
    if is_loopback(url):
        return None
    from callsheet.transport.proxies import proxy_for

    return proxy_for(url)


def kind_of(url: str) -> tuple[str, bool, Proxy | None]:
    """Return scheme, whether the host is this machine, and proxy: one client serves each kind."""
    is_local = is_loopback(url)
    return url.partition(":")[0].lower(), is_local, None if is_local else proxy_of(url)


def verify_for(url: str) -> Any:
    """Return a TLS context for https; none is built for plain http, where it would cost 25 ms."""
    if not url.lower().startswith("https:"):
        return False
    try:
        return _trusting_context()
    except OSError as error:
        raise UsageError(
            f"the certificates to trust cannot be read: {error.strerror or error}",
            hint="see SSL_CERT_FILE and SSL_CERT_DIR",
        ) from None


def _trusting_context() -> Any:
    """Return a TLS context that trusts the system's authorities, a company's among them.

    Where ``SSL_CERT_FILE`` or ``SSL_CERT_DIR`` is set that alone counts. Raises ``OSError``.

    Elsewhere than on macOS and Windows the system's store is a file that OpenSSL reads by itself,
    once for all connections; those of certifi are trusted beside it.
    """
    if sys.platform in {"darwin", "win32"} and not any(map(os.environ.get, _CERTIFICATES)):
        import ssl
        from importlib import import_module

        with suppress(ImportError):
            return import_module("truststore").SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = load_httpx().create_ssl_context()
    if not any(map(os.environ.get, _CERTIFICATES)):
        context.load_default_certs()
    return context


@contextmanager
def translate_errors(url: str, watch: Watch | None = None) -> Iterator[None]:
    """Turn what httpx raises, or the aiohttp under it, into a ``NetworkError``.

    ``watch`` has the time that was left.
    """
    try:
        yield
    except Exception as error:
        if not is_network_error(error):
            raise
        raise network_error(error, url, watch) from None


def is_network_error(error: BaseException) -> bool:
    """Tell whether an error is one of httpx, of the aiohttp under it, or a ``TimeoutError``."""
    httpx = load_httpx()
    # A host that cannot be written as IDNA is a ``UnicodeError``.
    kinds = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, UnicodeError)
    return isinstance(error, kinds) or _is_aiohttp(error)


def network_error(error: Exception, url: str, watch: Watch | None = None) -> NetworkError:
    """Translate a failure of httpx; ``sent`` is false only where no request can have left.

    An ``OutOfTime`` says that the ``watch`` ended the request.
    """
    httpx = load_httpx()
    origin = origin_of(url) or "the address"
    reason = one_line(str(error))[:200] or type(error).__name__
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError)):
        unusable = NetworkError(f"{origin} cannot be used: {reason}", sent=False)
        unusable.retryable = False
        return unusable
    proxy = proxy_of(url)
    if proxy is not None and isinstance(error, httpx.ProxyError):
        return NetworkError(f"{proxy} refuses: {reason}", sent=False, hint=_PROXY_HINT)
    if _never_left(error) and proxy is not None:
        return NetworkError(
            f"{origin} cannot be reached through {proxy}: {reason}", sent=False, hint=_PROXY_HINT
        )
    if _never_left(error):
        return NetworkError(
            f"{origin} cannot be reached: {reason}",
            sent=False,
            hint="check the address and the network",
        )
    is_late = isinstance(error, (httpx.TimeoutException, TimeoutError))
    if is_late and watch is not None and watch.is_over():
        return OutOfTime(
            f"{origin} did not finish its answer within {watch.seconds:.0f} s", sent=True
        )
    if is_late and not _is_aiohttp(error.__cause__):
        return NetworkError(f"{origin} did not answer in time ({type(error).__name__})", sent=True)
    return NetworkError(f"the connection to {origin} broke: {reason}", sent=True)


def _is_aiohttp(error: BaseException | None) -> bool:
    return type(error).__module__.partition(".")[0] == "aiohttp"


def _never_left(error: Exception) -> bool:
    """Tell whether the connection failed before a request could be written to it.

    The aiohttp transport calls every broken connection a ``ConnectTimeout``, one that broke
    after the request had left too: there only the cause tells.
    """
    cause = error if _is_aiohttp(error) else error.__cause__
    if _is_aiohttp(cause):
        import aiohttp

        return isinstance(cause, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
    httpx = load_httpx()
    early = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    return isinstance(error, early)


def reply_of(response: httpx.Response, body: bytes) -> HttpReply:
    """Convert an httpx response; header names are lower case, repeated ones joined by a comma.

    Raises ``NetworkError`` for the refusal of a proxy, which plain http passes as an answer.
    """
    from callsheet.flows.effects import HttpReply

    proxy = proxy_of(str(response.url)) if response.status_code == PROXY_REFUSES else None
    if proxy is not None:
        reason = f"{PROXY_REFUSES} {response.reason_phrase}"
        raise NetworkError(f"{proxy} refuses: {reason}", sent=False, hint=_PROXY_HINT)
    headers = dict(response.headers.items())
    return HttpReply(response.status_code, headers, body, str(response.url))


def url_of(settings: Settings, send: Send) -> str:
    """Return the URL of a request: below the configured host, or inside its origin."""
    return send.url or settings.require_host() + send.path


def _timeout(silence: float) -> Any:
    return load_httpx().Timeout(silence, connect=min(CONNECT, silence))
