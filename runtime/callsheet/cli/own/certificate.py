"""Until when the certificate of a server holds, asked of the server itself."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from callsheet.errors import NetworkError
from callsheet.settings import is_loopback
from callsheet.wire import verify_for

_PATIENCE = 10.0


def holds_until(url: str) -> float | None:
    """The end of the certificate in seconds since 1970; ``None`` where a proxy stands between.

    The trusted authorities are those of every other request. Raises ``NetworkError`` where the
    server cannot be reached or its certificate is not trusted.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    if not is_loopback(url) and "https" in getproxies() and not proxy_bypass(host):
        return None
    try:
        with (
            socket.create_connection((host, port), timeout=_PATIENCE) as plain,
            verify_for(url).wrap_socket(plain, server_hostname=host) as secured,
        ):
            told = secured.getpeercert() or {}
    except (OSError, ssl.SSLError) as error:
        raise NetworkError(
            f"{host}:{port}: {error}", sent=False, hint="see SSL_CERT_FILE"
        ) from None
    return ssl.cert_time_to_seconds(str(told["notAfter"])) if "notAfter" in told else None
