"""A server that says what it is told to, byte for byte, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class ServedPage(NamedTuple):
    """One answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {"Content-Type": "application/json"}


class Hostile(ThreadingHTTPServer):
    """``pages`` maps the path of a request to its answer.

    ``requests`` holds raw request lines, ``keys`` whether a key came along.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HostileHandler)
        self.pages: dict[str, ServedPage] = {}
        self.requests: list[str] = []
        self.keys: list[bool] = []
        self.otherwise = ServedPage(b'{"error": "nothing is here"}', 404)

    @property
    def url(self) -> str:
        """Return the address where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def page(self, path: str) -> ServedPage:
        """Return the answer to a request: by its path as it came, else with the escapes read."""
        plain = path.partition("?")[0]
        return self.pages.get(path) or self.pages.get(unquote(plain)) or self.otherwise

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that hangs up."""


class _HostileHandler(BaseHTTPRequestHandler):
    server: Hostile
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece, or every answer waits for an acknowledgement

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        key = any(self.headers.get(name) for name in ("Authorization", "X-Api-Key"))
        self.server.requests.append(f"{self.command} {self.path}")
        self.server.keys.append(key)
        page = self.server.page(self.path)
        self.send_response(page.status)
        for name, header in page.headers.items():
            self.send_header(name, header)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        self.wfile.write(page.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base names it
        """Say nothing."""


@contextlib.contextmanager
def serving() -> Iterator[Hostile]:
    """Run a server for as long as the context lasts."""
    server = Hostile()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


for _method in ("GET", "POST", "PUT", "DELETE", "HEAD"):
    setattr(_HostileHandler, f"do_{_method}", _HostileHandler._answer)
