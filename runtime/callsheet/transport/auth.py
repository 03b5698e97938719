"""Decide where key and added headers may go: to the configured origin alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.config.credentials import header_of
from callsheet.config.settings import Settings, origin_of
from callsheet.masking import mask_logs
from callsheet.version import __version__

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    import httpx


_LOGGERS = ("httpx", *(f"httpcore.{name}" for name in ("connection", "http11", "http2", "proxy")))


class Headers(dict[str, str]):
    """Headers that show no key in a traceback with the values of variables.

    ``secret_names`` are those that hold a credential.
    """

    secret_names: frozenset[str] = frozenset()

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
        add_credentials(headers, settings)
        secret = (header.name for header in settings.headers if header.secret is not None)
        headers.secret_names = frozenset({header_of(settings.auth)[0], *secret})
    return headers


def add_credentials(headers: MutableMapping[str, str], settings: Settings) -> None:
    """Add the headers of the settings, in place, and the key, if there is one, where it goes."""
    for header in settings.headers:
        headers[header.name] = header.reveal()
    if settings.key is not None:
        name, before = header_of(settings.auth)
        headers[name] = before + settings.key.reveal()


class OriginAuth:
    """The ``auth`` of our clients: adds key and headers for the configured origin alone.

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
            add_credentials(request.headers, self._settings)
        elif request.url.userinfo:
            from httpx import BasicAuth

            next(BasicAuth(request.url.username, request.url.password).auth_flow(request))
        return request
