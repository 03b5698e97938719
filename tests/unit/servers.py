"""A real HTTP server in a thread that can misbehave in ways the sandbox cannot."""

from __future__ import annotations

import json
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


LISTED = (
    {"id": "v.make", "inputSchema": {"type": "object"}},
    {"id": "v.free", "inputSchema": {"type": "object"}, "readOnly": True},
    {"id": "v.note", "inputSchema": {"type": "object"}, "readOnly": True},
)


class Seen(NamedTuple):
    """A request as it came; header names are in lower case.

    ``port`` is the client's: requests of one connection have one.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int = 0


class Said(NamedTuple):
    """An answer. ``length`` is the announced length where it is not the real one; -1 is none.

    ``cut`` breaks the connection: "before" the answer, or "after" what is said of it.
    ``pieces`` are sent after the body, as they come.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    length: int | None = None
    cut: str = ""
    pieces: Iterable[bytes] = ()


class Server:
    """``url`` is where it listens; ``seen`` is what was asked, in order.

    The list of actions is answered by ``listed`` and not noted: ``v.free`` and ``v.note`` cost
    nothing, and all others may.
    """

    def __init__(self, answer: Callable[[Seen], Said]) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self.url = ""
        self.listed: Said | Callable[[Seen], Said] = said({"actions": list(LISTED)})

    def posts(self) -> list[Seen]:
        """Return the POSTs, in order."""
        return [request for request in self.seen if request.method == "POST"]


def said(document: Any, status: int = 200, **headers: str) -> Said:
    """Return a JSON answer; ``retry_after="3"`` is its header ``retry-after``."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Said(
        status, json.dumps(document).encode(), {"Content-Type": "application/json", **named}
    )


@contextmanager
def serving(*answers: Said | Callable[[Seen], Said]) -> Iterator[Server]:
    """Run a server that gives these answers in turn, the last one again and again."""
    remaining = list(answers)

    def answer(request: Seen) -> Said:
        current = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return current(request) if not isinstance(current, Said) else current

    server = Server(answer)
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"plan": server}))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the plan, and says or breaks what it says."""

    protocol_version = "HTTP/1.1"
    plan: Server

    def __getattr__(self, name: str) -> Any:
        if name in {"do_GET", "do_POST"}:
            return self._do
        raise AttributeError(name)

    def handle(self) -> None:
        """Serve a connection until either side ends it."""
        with suppress(ConnectionError):
            super().handle()

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): text for name, text in self.headers.items()}
        request = Seen(self.command, self.path, headers, body, self.client_address[1])
        if request.path == "/api/actions":
            listed = self.plan.listed
            self._say(listed if isinstance(listed, Said) else listed(request))
        else:
            self.plan.seen.append(request)
            self._say(self.plan.answer(request))

    def _say(self, answer: Said) -> None:
        self.close_connection = bool(answer.cut) or answer.length == -1
        if answer.cut == "before":
            linger = struct.pack("ii", 1, 0)  # close with RST, as a process that died does
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return
        is_dated = any(name.lower() == "date" for name in answer.headers)
        (self.send_response_only if is_dated else self.send_response)(answer.status)
        for name, text in answer.headers.items():
            self.send_header(name, text)
        length = len(answer.body) if answer.length is None else answer.length
        if length >= 0:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()
        with suppress(ConnectionError):  # the client may have left
            for piece in answer.pieces:
                self.wfile.write(piece)
                self.wfile.flush()
        if answer.cut:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        return
