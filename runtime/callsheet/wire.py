"""What both drivers share: requests as httpx takes them, and its failures in our words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from callsheet.errors import AuthError, NetworkError
from callsheet.flows.effects import Reply
from callsheet.settings import Settings, origin_of
from callsheet.text import one_line

if TYPE_CHECKING:
    import httpx

    from callsheet.files import Part
    from callsheet.flows.effects import Send

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


def url_of(settings: Settings, send: Send) -> str:
    """Where a request goes: the configured host, or a place inside its origin."""
    return send.url or settings.require_host() + send.path


def headers_for(settings: Settings, url: str, extra: Any = ()) -> dict[str, str]:
    """Headers of one request; the key is among them only for the configured origin."""
    from callsheet import __version__

    headers = {
        "User-Agent": f"callsheet/{__version__}",
        "Accept": "application/json",
        **dict(extra),
    }
    if settings.key is not None and origin_of(url) == settings.origin:
        key = settings.key.reveal()
        if settings.auth == "x-api-key":
            headers["X-Api-Key"] = key
        else:
            headers["Authorization"] = f"Bearer {key}"
    return headers


def verify_for(url: str) -> Any:
    """A TLS context for https; none is built for plain http, where it would cost 25 ms."""
    if not url.startswith("https:"):
        return False
    import ssl

    return ssl.create_default_context()


def network_error(error: Exception, url: str) -> NetworkError:
    """Our word for a failure of httpx. ``sent`` is false only where no request can have left."""
    httpx = load_httpx()
    where = origin_of(url)
    words = one_line(str(error))[:200] or type(error).__name__
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return NetworkError(
            f"{where} cannot be reached: {words}",
            sent=False,
            hint="check the address and the network",
        )
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.ProxyError)):
        return NetworkError(f"{where or 'the address'} cannot be used: {words}", sent=False)
    if isinstance(error, httpx.TimeoutException):
        return NetworkError(f"{where} did not answer in time ({type(error).__name__})", sent=True)
    return NetworkError(f"the connection to {where} broke: {words}", sent=True)


def reply_of(response: httpx.Response, body: bytes) -> Reply:
    """An httpx response as flows see it; repeated headers are joined by a comma."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, body, str(response.url))


def require_key(settings: Settings) -> None:
    """Raise ``AuthError`` when there is no key to send with something that may cost money."""
    if settings.key is None:
        raise AuthError(
            f"there is no key for {settings.origin}",
            hint=f"make one at {settings.origin} under Settings → API Keys, then: "
            f"{settings.command} login --host {settings.host} --api-key …",
        )


def save_headers(settings: Settings, url: str, part: Part) -> dict[str, str]:
    """Headers of one download."""
    return headers_for(settings, url, {"Accept": "*/*", **part.headers()})
