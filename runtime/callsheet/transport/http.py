"""Build requests, place the key and translate the errors of httpx."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from callsheet.config.settings import Settings, is_loopback, origin_of
from callsheet.errors import AuthError, NetworkError, UsageError
from callsheet.flows.effects import SILENCE
from callsheet.text import one_line
from callsheet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping
    from types import TracebackType
    from typing import Self

    import httpx

    from callsheet.flows.effects import Download, HttpReply, Send
    from callsheet.protocol.event_stream import EventStream
    from callsheet.secret import Secret
    from callsheet.storage.kept_replies import Spool


AT_ONCE = 32
# The aiohttp transport carries more at once, where there is enough to ask for.
CROWD, MANY = 128, 200
CONNECT = 10.0
LARGEST_REPLY = 16 << 20
"""Bytes of a reply in the memory; on the disk a text may have 1 GiB, a medium 16 GiB."""
LARGEST_TEXT, LARGEST_MEDIUM = 1 << 30, 16 << 30
LONGEST_STREAM = 600.0
"""Seconds after which an event stream is left, however often it says that it is alive."""
HEAD = 64
"""Bytes after which a medium can be told from JSON."""
JSON_STARTS = (b"{", b"[", b'"')
STREAM_TYPES = frozenset(
    (
        *("text/event-stream", "application/x-ndjson", "application/ndjson", "application/jsonl"),
        *("application/json-lines", "application/jsonlines", "application/x-jsonlines"),
        *("application/stream+json", "application/json-seq", "application/x-json-stream"),
    )
)
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


class Headers(dict[str, str]):
    """Headers that show no key in a traceback with the values of variables."""

    def __repr__(self) -> str:
        from callsheet.secret import redact_headers

        return repr(redact_headers(self))


def default_headers() -> dict[str, str]:
    """Return the headers that every request has."""
    return {"User-Agent": f"callsheet/{__version__}", "Accept": "application/json"}


def headers_for(settings: Settings, url: str, extra: Any = ()) -> Headers:
    """Return the headers that a request to ``url`` leaves with, to be shown."""
    headers = Headers({**default_headers(), **dict(extra)})
    if settings.origin and origin_of(url) == settings.origin:
        add_key(headers, settings)
    return headers


def add_key(headers: MutableMapping[str, str], settings: Settings) -> None:
    """Add the key, if there is one, in the header that the server takes it in."""
    if settings.key is None:
        return
    if settings.auth == "x-api-key":
        headers["X-Api-Key"] = settings.key.reveal()
    else:
        headers["Authorization"] = f"Bearer {settings.key.reveal()}"


class OriginAuth:
    """The ``auth`` of our clients: adds the key to requests for the configured origin alone.

    The address is compared as httpx reads it, since that is where the request goes.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._origin = origin_of(str(load_httpx().URL(settings.origin)))

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """Add the key, or to another origin the user and password of the link, if it has any."""
        if self._origin and origin_of(str(request.url)) == self._origin:
            add_key(request.headers, self._settings)
        elif request.url.userinfo:
            basic = load_httpx().BasicAuth(request.url.username, request.url.password)
            next(basic.auth_flow(request))
        return request


class Clients(Generic[C]):
    """The httpx clients of one driver, one for each kind of URL; may be shared by threads.

    ``create`` makes a client for a URL from the options of ``client_options``.
    """

    def __init__(self, settings: Settings, create: Callable[[str, dict[str, Any]], C]) -> None:
        self._settings, self._create = settings, create
        self._clients: dict[tuple[str, bool], C] = {}
        self._lock = threading.Lock()

    def client_for(self, url: str) -> C:
        """Return the client for a URL; create it when it is first needed."""
        kind = kind_of(url)
        with self._lock:
            if kind not in self._clients:
                options = client_options(url) | {"auth": OriginAuth(self._settings)}
                try:
                    self._clients[kind] = self._create(url, options)
                except (ImportError, ValueError) as error:
                    raise _proxy_error(url, error) from None
            return self._clients[kind]

    def build(self, send: Send, url: str) -> tuple[C, httpx.Request]:
        """Return the client and the request for one ``Send``; raises what httpx does."""
        client = self.client_for(url)
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
        client = self.client_for(download.url)
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


def client_options(url: str) -> dict[str, Any]:
    """Return the options of a client for this URL; loopback is never asked through a proxy."""
    httpx = load_httpx()
    return {
        "headers": default_headers(),
        "cookies": _no_cookies(),
        "verify": verify_for(url),
        "limits": httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
        "follow_redirects": False,
        "trust_env": not is_loopback(url),
    }


def _no_cookies() -> Any:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def is_proxied(url: str) -> bool:
    """Tell whether the environment names a proxy for this kind of URL; httpx alone obeys it."""
    if is_loopback(url):
        return False
    from urllib.request import getproxies

    return bool({"all", kind_of(url)[0]} & set(getproxies()))


def _proxy_error(url: str, error: Exception) -> UsageError:
    """Return the error for a proxy of the environment that httpx cannot use."""
    from urllib.request import getproxies

    proxies = getproxies()
    kind = next((kind for kind in (kind_of(url)[0], "all") if kind in proxies), "all")
    name = f"{kind.upper()}_PROXY"
    scheme = proxies.get(kind, "").partition(":")[0]
    hint = f"name an http proxy in {name}, or unset it"
    if isinstance(error, ImportError):
        hint = f"pip install 'httpx[socks]', or {hint}"
    message = f"the proxy of {name} cannot be used: {one_line(scheme, 40)} is not supported"
    return UsageError(message, hint=hint, code="configuration")


def kind_of(url: str) -> tuple[str, bool]:
    """Return the scheme and whether the host is this machine: one client serves each kind."""
    return url.partition(":")[0].lower(), is_loopback(url)


def verify_for(url: str) -> Any:
    """Return a TLS context for https; none is built for plain http, where it would cost 25 ms."""
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
def translate_errors(url: str) -> Iterator[None]:
    """Turn what httpx raises, or the aiohttp under it, into a ``NetworkError``."""
    try:
        yield
    except Exception as error:
        if not is_network_error(error):
            raise
        raise network_error(error, url) from None


def is_network_error(error: BaseException) -> bool:
    """Tell whether httpx raised an error, or the aiohttp under it."""
    httpx = load_httpx()
    return isinstance(error, (httpx.HTTPError, httpx.InvalidURL)) or _is_aiohttp(error)


def network_error(error: Exception, url: str) -> NetworkError:
    """Translate a failure of httpx; ``sent`` is false only where no request can have left."""
    httpx = load_httpx()
    origin = origin_of(url) or "the address"
    reason = one_line(str(error))[:200] or type(error).__name__
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        unusable = NetworkError(f"{origin} cannot be used: {reason}", sent=False)
        unusable.retryable = False
        return unusable
    if _never_left(error):
        return NetworkError(
            f"{origin} cannot be reached: {reason}",
            sent=False,
            hint="check the address and the network",
        )
    if isinstance(error, httpx.TimeoutException) and not _is_aiohttp(error.__cause__):
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
    """Convert an httpx response; header names are lower case, repeated ones joined by a comma."""
    from callsheet.flows.effects import HttpReply

    headers = dict(response.headers.items())
    return HttpReply(response.status_code, headers, body, str(response.url))


def require_key(settings: Settings, page: str = "") -> None:
    """Raise ``AuthError`` when there is no key to send with something that may cost money.

    ``page`` says where keys are made.
    """
    if settings.key is None:
        raise AuthError(
            f"there is no key for {settings.origin}",
            hint=f"make one at {settings.origin}{page}, then: "
            f"login --host {settings.host} --api-key …",
        )


def url_of(settings: Settings, send: Send) -> str:
    """Return the URL of a request: below the configured host, or inside its origin."""
    return send.url or settings.require_host() + send.path


def _timeout(silence: float) -> Any:
    return load_httpx().Timeout(silence, connect=min(CONNECT, silence))


class ReplyBody:
    """The body of one reply as it comes: in the memory, or spooled to the disk.

    A medium goes to the disk, and so does what is too large for the memory, where the request
    has a ``spool`` name; else ``add`` raises ``NetworkError``. As a context it turns what httpx
    raises into a ``NetworkError``; of an event stream it leaves what came, marked as cut off
    unless the job was over by then.
    """

    def __init__(self, send: Send, url: str, settings: Settings, state_dir: str) -> None:
        self._send, self._url, self._key = send, url, settings.key
        self._state_dir = state_dir
        self._bytes = bytearray()
        self._response: httpx.Response | None = None
        self._kind = ""
        self._spool: Spool | None = None
        self._masking: bytes | None = None
        self._events: EventStream | None = None
        self._is_cut, self._end = False, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        is_network = is_network_error(error)
        if is_network and self._events is not None and (self._bytes or self._spool):
            self._is_cut = not self._events.is_over
            return True
        path = self._spool.abandon() if self._spool is not None else ""
        if is_network and isinstance(error, Exception):
            error = network_error(error, self._url)
        if path and isinstance(error, NetworkError):
            error.message += f"; what came is in {path}"
        if is_network:
            raise error from None
        return False

    def begin(self, response: httpx.Response) -> None:
        """Look at the head of the reply."""
        self._response = response
        content_type = response.headers.get("content-type", "")
        self._kind = content_type.partition(";")[0].strip().lower()
        if self._kind in STREAM_TYPES:
            from callsheet.protocol.event_stream import EventStream

            self._events = EventStream()
            self._end = time.monotonic() + max(LONGEST_STREAM, self._send.timeout)

    def add(self, chunk: bytes) -> bool:
        """Append the next bytes; return True at the end of an event stream, or of its time."""
        if self._spool is not None:
            self._write(chunk)
        else:
            is_head = len(self._bytes) < HEAD
            self._bytes += chunk
            if is_head and len(self._bytes) >= HEAD and self._is_medium():
                self._spill(is_text=False)
            elif len(self._bytes) > LARGEST_REPLY:
                self._spill(is_text=True)
        if self._events is None:
            return False
        for event in self._events.feed(chunk):
            if self._send.on_event is not None:
                self._send.on_event(event.data)
        if time.monotonic() > self._end:
            self._is_cut = not self._events.is_over
            return True
        return self._events.is_closed

    def _is_medium(self) -> bool:
        """Tell whether the first bytes begin a medium that can be spooled."""
        is_success = self._response is not None and self._response.is_success
        is_json = self._bytes.lstrip()[:1] in JSON_STARTS
        if is_json or not is_success or not self._send.spool or self._events is not None:
            return False
        from callsheet.magic import is_medium

        return is_medium(self._kind, bytes(self._bytes[:HEAD]))

    def _spill(self, *, is_text: bool) -> None:
        """Move what came to the disk; raise ``NetworkError`` where it cannot go there."""
        if not self._send.spool:
            raise self._error(f"is over {LARGEST_REPLY >> 20} MiB")
        from callsheet.storage.kept_replies import Spool

        self._masking = b"" if is_text else None
        with self._disk():
            try:
                self._spool = Spool(self._state_dir, self._send.spool)
            except OSError:  # what was paid for is stored anywhere else before it is lost
                from tempfile import mkdtemp

                self._spool = Spool(mkdtemp(prefix="callsheet-"), self._send.spool)
        self._write(bytes(self._bytes))
        self._bytes.clear()

    def _write(self, chunk: bytes) -> None:
        spool = self._spool
        if spool is None:
            return
        limit = LARGEST_MEDIUM if self._masking is None else LARGEST_TEXT
        if spool.size > limit:
            raise self._error(f"is over {limit >> 20} MiB")
        plain = self._key.reveal().encode() if self._key is not None else b""
        with self._disk():
            if self._masking is None or not plain:
                spool.write(chunk)
                return
            # The key may lie across two chunks: the end of this one waits for the next.
            text = (self._masking + chunk).replace(plain, _mask(self._key))
            cut = max(0, len(text) - len(plain) + 1)
            spool.write(text[:cut])
            self._masking = text[cut:]

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._error(f"cannot be stored: {error.strerror or error}") from None

    def _error(self, words: str) -> NetworkError:
        return NetworkError(f"the reply of {origin_of(self._url)} {words}", sent=True)

    def reply(self) -> HttpReply:
        """Return the whole reply, with the key masked where the server repeats it.

        Raise ``NetworkError`` for a medium whose end is missing.
        """
        response = self._response
        if response is None:
            raise AssertionError("a reply has a head")
        if self._spool is None and len(self._bytes) < HEAD and self._is_medium():
            self._spill(is_text=False)
        spool = self._spool
        if spool is None:
            reply = reply_of(response, bytes(self._bytes))._replace(is_cut=self._is_cut)
            return reply if self._key is None else _mask_key(reply, self._key)
        is_medium = self._masking is None
        has_end = {"content-length", "transfer-encoding"} & set(response.headers)
        with self._disk():
            if is_medium and not has_end and not spool.is_whole():
                raise self._error(f"ended early; what came is in {spool.abandon()}")
            spool.write(self._masking or b"")
            file = spool.finish(self._kind, is_medium=is_medium)
        return reply_of(response, b"")._replace(file=file, is_cut=self._is_cut)


def _mask_key(reply: HttpReply, key: Secret) -> HttpReply:
    """Mask the key in a reply, so that no ledger, cache, log or output holds it."""
    plain = key.reveal()
    is_repeated = plain and (
        plain.encode() in reply.body or any(plain in header for header in reply.headers.values())
    )
    if not is_repeated:
        return reply
    mask = _mask(key).decode()
    headers = {name: header.replace(plain, mask) for name, header in reply.headers.items()}
    return reply._replace(body=reply.body.replace(plain.encode(), mask.encode()), headers=headers)


def _mask(key: Secret | None) -> bytes:
    return str(key).encode("ascii", "replace")


def deadline_error(settings: Settings, send: Send) -> NetworkError:
    """Return the error for a reply that was not complete within ``send.within`` seconds."""
    origin = origin_of(send.url or settings.host) or "the server"
    return NetworkError(f"{origin} did not finish its answer in time", sent=True)
