"""Hold one request under a fault: carry it out, answer it, or take hold of its connection."""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply at hand; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def head(self, framing: str = "length") -> bytes:
        """Return status line and headers; framing says the length, `chunked`, or nothing."""
        headers = {key: text for key, text in self.headers.items() if key != "content-length"}
        if framing == "length":
            headers["content-length"] = self.headers.get("content-length", str(len(self.body)))
        elif framing == "chunked":
            headers["transfer-encoding"] = "chunked"
        lines = "".join(f"{key}: {text}\r\n" for key, text in headers.items())
        phrase = HTTPStatus(self.status).phrase
        top = f"HTTP/1.1 {self.status} {phrase}\r\nconnection: close\r\n{lines}\r\n"
        return top.encode("latin-1", "replace")


def reset(transport: asyncio.Transport) -> None:
    """End a connection with a TCP reset."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def leave(receive: Receive) -> None:
    """Wait until the connection is gone; the server answers 500 where it is not."""
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, the application that would answer it, and addresses of other origins.

    `rewrite` is applied to the text of every reply that the application gives to a POST.
    """

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    origins: Mapping[str, str]
    rewrite: Callable[[Reply], Reply]

    @property
    def transport(self) -> asyncio.Transport:
        """Return the connection on which the request came."""
        connection: asyncio.Transport = self.scope["state"]["transport"]
        return connection

    def header(self, name: str) -> str:
        """Return a header of the request, empty where it has none."""
        encoded = name.encode()
        return next(
            (text.decode("latin-1") for key, text in self.scope["headers"] if key == encoded), ""
        )

    async def carry_out(self, *, without: tuple[bytes, ...] = (), forced: object = None) -> Reply:
        """Let the application do its work and return its reply, which is not sent.

        `without` names request headers to leave out, `forced` is the standing in which the
        request finds every job.
        """
        headers = [pair for pair in self.scope["headers"] if pair[0] not in without]
        state = {**self.scope.get("state", {}), "forced": forced}
        start: Message = {"status": 500, "headers": []}
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self.app({**self.scope, "headers": headers, "state": state}, self.receive, keep)
        headers_of = {
            key.decode("latin-1").lower(): text.decode("latin-1") for key, text in start["headers"]
        }
        reply = Reply(start["status"], headers_of, b"".join(parts))
        return self.rewrite(reply) if self.scope["method"] == "POST" else reply

    async def answer(self, reply: Reply) -> None:
        """Send a reply in the usual way."""
        pairs = [
            (key.encode(), text.encode("latin-1", "replace")) for key, text in reply.headers.items()
        ]
        await self.send({"type": "http.response.start", "status": reply.status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": reply.body})

    async def write(self, content: bytes, *, piece: int = _PIECE, pause: float = 0.0) -> None:
        """Put bytes on the connection, in pieces of this size and with a pause (s) after each."""
        for start in range(0, len(content), piece):
            if self.transport.is_closing():
                return
            self.transport.write(content[start : start + piece])
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """End the connection in order."""
        self.transport.close()
        await leave(self.receive)

    async def reset(self) -> None:
        """End the connection with a TCP reset, once all that was written has left."""
        while self.transport.get_write_buffer_size() and not self.transport.is_closing():
            await asyncio.sleep(0.001)
        reset(self.transport)
        await leave(self.receive)
