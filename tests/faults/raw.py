"""A server of raw bytes, which can drip, flood and be silent as no HTTP library would."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LONG = 30.0
"""Seconds that a server would go on for; a client that waits so long is no faster on any day."""


class SlowServer:
    """A server of raw bytes; ``asked`` counts requests by path.

    ``hung_up`` counts the answers that the client did not wait for.
    """

    def __init__(self, answer: Callable[[str, int], Iterable[bytes | float]]) -> None:
        self.asked: Counter[str] = Counter()
        self.hung_up: Counter[str] = Counter()
        self._answer, self._closing = answer, threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Hang up on everybody."""
        self._closing.set()
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                link, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        with link, suppress(OSError):
            path = _read_request(link)
            if not path:
                return
            self.asked[path] += 1
            if not self._play(link, self._answer(path, self.asked[path])):
                self.hung_up[path] += 1

    def _play(self, link: socket.socket, script: Iterable[bytes | float]) -> bool:
        """Send an answer; return False where the client hung up before its end."""
        end = time.monotonic() + LONG
        for step in script:
            if time.monotonic() > end or self._closing.is_set():
                return True
            try:
                if isinstance(step, bytes):
                    link.sendall(step)
                readable, _, _ = select.select(
                    [link], [], [], 0 if isinstance(step, bytes) else step
                )
                if readable and not link.recv(65536):
                    return False
            except OSError:
                return False
        return True


def _read_request(link: socket.socket) -> str:
    """Read a whole request; return its path without the query, or nothing for none."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = link.recv(65536)
        if not chunk:
            return ""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = (int(lengths[0].split(b":")[1]) if lengths else 0) - len(body)
    while missing > 0:
        missing -= len(link.recv(65536)) or missing
    return head.split(b" ")[1].decode().partition("?")[0]


@contextmanager
def serving(answer: Callable[[str, int], Iterable[bytes | float]]) -> Iterator[SlowServer]:
    """Run such a server; ``answer`` gives the script for a path and how often it was asked."""
    server = SlowServer(answer)
    try:
        yield server
    finally:
        server.close()


def whole(document: Any, *headers: str, status: int = 200) -> list[bytes | float]:
    """Return a whole JSON answer."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", "Connection: close"]
    lines += [f"Content-Length: {len(body)}", *headers]
    return ["\r\n".join(lines).encode() + b"\r\n\r\n" + body]


def head(*headers: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *headers)).encode() + b"\r\n\r\n"


def drip(first: bytes, drop: bytes, pause: float = 0.02) -> Iterator[bytes | float]:
    yield first
    while True:
        yield drop
        yield pause
