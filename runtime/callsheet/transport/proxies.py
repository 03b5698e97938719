"""Choose the proxy of a URL by the environment, and name it where it fails."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

from callsheet.config.settings import origin_of
from callsheet.errors import UsageError
from callsheet.text import one_line

_PORTS = {"http": 80, "https": 443}


class Proxy(NamedTuple):
    """A proxy: its address, with user and password if it has them, and the variable naming it."""

    address: str
    variable: str

    def __str__(self) -> str:
        """Return what may be shown: no user and no password."""
        return f"the proxy {origin_of(self._plain()) or 'without an address'} of {self.variable}"

    def _plain(self) -> str:
        scheme, _, rest = self.address.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"

    def unusable(self, error: Exception) -> UsageError:
        """Return the error for a proxy that httpx cannot use."""
        hint = f"name an http proxy in {self.variable}, or unset it"
        if isinstance(error, ImportError):
            hint = f"pip install 'httpx[socks]', or {hint}"
        scheme = one_line(self.address.partition(":")[0], 40)
        message = f"the proxy of {self.variable} cannot be used: {scheme} is not supported"
        return UsageError(message, hint=hint, code="configuration")


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy that the environment names for a URL; none where ``NO_PROXY`` exempts it."""
    proxies = getproxies()
    scheme = url.partition(":")[0].lower()
    kind = next((kind for kind in (scheme, "all") if proxies.get(kind)), "")
    if not kind or is_exempt(url, proxies.get("no", "")):
        return None
    address = proxies[kind]
    return Proxy(address if "://" in address else f"http://{address}", f"{kind.upper()}_PROXY")


def is_exempt(url: str, no_proxy: str) -> bool:
    """Tell whether a list such as ``NO_PROXY`` names the host of a URL.

    An entry is a domain, which stands for those below it too, an address, a range of addresses
    (``10.0.0.0/8``, ``fd00::/8``) or ``*``; each may have a port.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        own_port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return False
    for entry in re.split(r"[,\s]+", no_proxy.strip().lower()):
        name, port = _split_port(entry.partition("://")[2] or entry)
        if name and port in {"", str(own_port)} and _is_within(host, name):
            return True
    return False


def _split_port(entry: str) -> tuple[str, str]:
    """Divide ``host:port``, ``[v6]:port`` or ``[v6]/bits``; a bare IPv6 address has no port."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return (name + rest, "") if rest.startswith("/") else (name, rest.removeprefix(":"))
    name, _, port = entry.partition(":")
    return (entry, "") if ":" in port else (name, port)


def _is_within(host: str, name: str) -> bool:
    if name == "*":
        return True
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        with suppress(ValueError):
            return address in ipaddress.ip_network(name, strict=False)
        return False
    domain = name.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))
