"""Open ports beside the server's own: over TLS, of a foreign origin, refusing, of garbage."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from callsheet_sandbox.certificate import write_certificate

_HOST = "127.0.0.1"
_NAMES = ("secure", "foreign", "foreign_tls", "refused", "garbage")
_SECURE = {"secure", "foreign_tls", "garbage"}


class _Garbage(asyncio.Protocol):
    """Speak neither TLS nor HTTP."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say it at once."""
        if isinstance(transport, asyncio.Transport):
            transport.write(b"\x00\xff\x15\x03 neither TLS nor HTTP\r\n\r\n")
            transport.close()


class Ports:
    """Sockets on the loopback; bound in any thread, opened in the server's loop.

    A socket that is bound and does not listen refuses every connection, and nobody else gets its
    port.
    """

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "self-signed.pem"
        self._sockets: dict[str, socket.socket] = {}
        self._servers: list[asyncio.Server] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._state = ServerState()
        self._opened = threading.Event()
        self._protocol: type[H11Protocol] = H11Protocol
        self._main: uvicorn.Config | None = None

    def bind(self) -> None:
        """Take the ports, and write the certificate of the TLS one."""
        if self._sockets:
            return
        write_certificate(self.certificate)
        for name in _NAMES:
            bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            self._sockets[name] = bound
            bound.bind((_HOST, 0))
            if name != "refused":
                # Whoever comes before `open` waits.
                bound.listen()

    @property
    def origins(self) -> Mapping[str, str]:
        """Return the foreign origin by its difference to the server's own; empty before `bind`."""
        if not self._sockets:
            return {}
        return {"port": self.url("foreign"), "scheme": self.url("foreign_tls")}

    def url(self, name: str) -> str:
        """Return the address of secure, foreign, foreign_tls, refused or garbage."""
        scheme = "https" if name in _SECURE else "http"
        return f"{scheme}://{_HOST}:{self._sockets[name].getsockname()[1]}"

    async def open(
        self, main: uvicorn.Config, foreign: ASGIApp, protocol: type[H11Protocol]
    ) -> None:
        """Answer on all ports but the one that refuses; once is enough."""
        if self._loop is not None:
            return
        self.bind()
        self._loop, self._main, self._protocol = asyncio.get_running_loop(), main, protocol
        other = uvicorn.Config(
            foreign, ws="none", lifespan="off", log_config=None, access_log=False
        )
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(self.certificate)
        await self._serve("secure", main, secure)
        await self._serve("foreign", other)
        await self._serve("foreign_tls", other, secure)
        bound = self._sockets["garbage"]
        self._servers.append(await self._loop.create_server(_Garbage, sock=bound))
        self._opened.set()

    async def _serve(
        self, name: str, config: uvicorn.Config, secure: ssl.SSLContext | None = None
    ) -> None:
        self._servers.append(
            await asyncio.get_running_loop().create_server(
                lambda: self._protocol(config=config, server_state=self._state, app_state={}),
                sock=self._sockets[name],
                ssl=secure,
            )
        )

    def open_refused(self) -> None:
        """Let the port that refused lead to the sandbox from now on; from any other thread."""
        if not self._opened.wait(timeout=5) or self._loop is None or self._main is None:
            raise RuntimeError("this sandbox has not opened its other ports")
        work = self._serve("refused", self._main)
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=5)

    async def close(self) -> None:
        """Close all ports and what is connected to them."""
        for server in self._servers:
            server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        for bound in self._sockets.values():
            bound.close()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=1)
