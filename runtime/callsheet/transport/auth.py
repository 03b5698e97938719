"""Decide where the key may go: to the configured origin alone, in the header that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.config.settings import Settings, origin_of
from callsheet.errors import AuthError
from callsheet.masking import mask_logs
from callsheet.protocol.values import NONE, Overrides
from callsheet.version import __version__

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    import httpx


_LOGGERS = ("httpx", *(f"httpcore.{name}" for name in ("connection", "http11", "http2", "proxy")))


class Headers(dict[str, str]):
    """Headers that show no key in a traceback with the values of variables."""

    def __repr__(self) -> str:
        from callsheet.secret import redact_headers

        return repr(redact_headers(self))


def default_headers() -> dict[str, str]:
    """Return the headers that every request has."""
    return {"User-Agent": f"callsheet/{__version__}", "Accept": "application/json"}


def headers_for(settings: Settings, url: str, extra: Any = ()) -> Headers:
    """Return the headers, with the key for the own origin, that a request to ``url`` leaves with.

    They are only shown: what is sent gets its key from ``OriginAuth``.
    """
    headers = Headers({**default_headers(), **dict(extra)})
    if settings.origin and origin_of(url) == settings.origin:
        add_key(headers, settings)
    return headers


def add_key(headers: MutableMapping[str, str], settings: Settings) -> None:
    """Add the key, if there is one, in place, in the header that the settings name."""
    if settings.key is None:
        return
    if settings.auth == "x-api-key":
        headers["X-Api-Key"] = settings.key.reveal()
    else:
        headers["Authorization"] = f"Bearer {settings.key.reveal()}"


class OriginAuth:
    """The ``auth`` of our clients: adds the key to requests for the configured origin alone.

    Scheme, host and port are compared as httpx reads them, since that is where the request goes.
    httpx asks it for each request, so a redirect or a link to another origin gets no key.
    """

    def __init__(self, settings: Settings) -> None:
        import httpx  # which ``load_httpx`` has loaded by now

        self._settings = settings
        mask_logs(*_LOGGERS)
        self._origin = origin_of(str(httpx.URL(settings.origin)))

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """Add the key in place, or for another origin the user and password in its link, if any."""
        if self._origin and origin_of(str(request.url)) == self._origin:
            add_key(request.headers, self._settings)
        elif request.url.userinfo:
            from httpx import BasicAuth

            next(BasicAuth(request.url.username, request.url.password).auth_flow(request))
        return request


def require_key(settings: Settings, overrides: Overrides = NONE) -> None:
    """Raise ``AuthError`` when there is no key to send with something that may cost money.

    The hint names the page where keys are made: ``under_key_page`` of ``overrides``.
    """
    if settings.key is None:
        page = overrides.under_key_page
        raise AuthError(
            f"there is no key for {settings.origin}",
            hint=f"make one at {settings.origin}{page}, then: "
            f"login --host {settings.host} --api-key …",
        )
