"""A server on raw sockets that answers a request with its prompt, and leaves bytes behind."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OBJECT = {"type": "object"}
ASKING = {"type": "object", "properties": {"jobId": {"type": "string"}}, "required": ["jobId"]}
ACTIONS = (
    {"id": "echo.make", "billable": True, "inputSchema": OBJECT},
    {"id": "echo.free", "readOnly": True, "inputSchema": OBJECT},
    {"id": "job.create", "billable": True, "inputSchema": OBJECT},
    {"id": "job.query", "readOnly": True, "inputSchema": ASKING},
)
HELD = "held"  # a prompt that begins so is answered once ``/release/PROMPT`` is asked for


def message(body: Any, status: str = "200 OK", extra: str = "") -> bytes:
    """Return an answer as it goes over the wire."""
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{extra}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


STALE = message({"echo": "stale", "jobId": "stale", "status": "succeeded"})


class Wire(NamedTuple):
    """What goes out for one request: at once, a moment later, and when the next one comes."""

    now: bytes
    later: bytes = b""
    at_next: bytes = b""


def _chunked(answer: bytes, trailer: bytes = b"") -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    head = b"\r\n".join([*lines, b"Transfer-Encoding: chunked"])
    return head + b"\r\n\r\n%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailer)


def _short(answer: bytes) -> bytes:
    """Announce fewer bytes than follow: blanks, then what looks like an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + body + b" " * 20 + STALE


def _packed(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    packed = gzip.compress(body)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d" % len(packed)
    return head + b"\r\n\r\n" + packed + gzip.compress(STALE)


LEFT: dict[str, Callable[[bytes], Wire]] = {
    "a second answer": lambda answer: Wire(answer + STALE),
    "a second answer, a moment later": lambda answer: Wire(answer, STALE),
    "a second answer, when the next request comes": lambda answer: Wire(answer, at_next=STALE),
    "half an answer, the rest with the next request": lambda answer: Wire(
        answer + STALE[:40], at_next=STALE[40:]
    ),
    "a blank line": lambda answer: Wire(answer + b"\r\n"),
    "blank lines and an answer": lambda answer: Wire(answer + b"\r\n\r\n" + STALE),
    "more than the length says": lambda answer: Wire(_short(answer)),
    "a chunk behind the last one": lambda answer: Wire(
        _chunked(answer) + b"5\r\nstale\r\n0\r\n\r\n"
    ),
    "an answer behind a trailer": lambda answer: Wire(_chunked(answer, b"X-A: b\r\n") + STALE),
    "an answer behind a packed body": lambda answer: Wire(_packed(answer)),
    "an early hint and an answer": lambda answer: Wire(
        answer + b"HTTP/1.1 103 Early Hints\r\n\r\n" + STALE
    ),
    "a refusal": lambda answer: Wire(answer + message({"error": "stale"}, "402 Payment Required")),
    "a notice that the time is over": lambda answer: Wire(
        answer, b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    ),
    "a TLS alert": lambda answer: Wire(answer + b"\x15\x03\x01\x00\x02\x02\x28"),
    "an answer of HTTP/1.0": lambda answer: Wire(answer + STALE.replace(b"HTTP/1.1", b"HTTP/1.0")),
    "a body behind a 304": lambda answer: Wire(
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 90\r\n\r\n" + STALE
    ),
    "a body behind a 204": lambda answer: Wire(
        b"HTTP/1.1 204 No Content\r\nContent-Length: 90\r\n\r\n" + STALE
    ),
}
ONLY_BEHIND = {"a body behind a 304": "/actions", "a body behind a 204": "echo.free"}


class Echo:
    """``posts`` counts paid POSTs by prompt, ``references`` has the reference of each.

    ``left`` is what is left behind the answer to requests whose path ends in ``behind``.
    """

    def __init__(self) -> None:
        self.posts = Counter[str]()
        self.references: dict[str, str] = {}
        self.left: Callable[[bytes], Wire] | None = None
        self.behind = ""
        self.held: dict[str, tuple[threading.Event, threading.Event]] = defaultdict(
            lambda: (threading.Event(), threading.Event())
        )
        self.url = ""

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> bytes:
        """Return the right answer to one request."""
        if path.endswith("/actions"):
            return message({"actions": ACTIONS}, extra='ETag: "one"\r\n')
        if path.startswith(("/wait/", "/release/")):
            came, may_go = self.held[path.rpartition("/")[2]]
            came.wait(30) if path.startswith("/wait/") else may_go.set()
            return message({})
        if method != "POST":
            return message({"error": "not here"}, "404 Not Found")
        if path.endswith("job.query"):
            return message({"jobId": body["jobId"], "status": "succeeded", "echo": body["jobId"]})
        prompt = str(body.get("prompt"))
        if not path.endswith("echo.free"):
            self.posts[prompt] += 1
            self.references[prompt] = headers.get("idempotency-key", "")
        if prompt.startswith(HELD) and not path.endswith("echo.free"):
            came, may_go = self.held[prompt]
            came.set()
            may_go.wait(30)
        if path.endswith("job.create"):
            return message({"jobId": prompt, "status": "running"})
        return message({"echo": prompt})

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection, one after the other."""
        at_next = b""
        with connection, suppress(OSError, ValueError):
            stream = connection.makefile("rb")
            while line := stream.readline():
                method, path, _ = line.decode().split(" ")
                headers: dict[str, str] = {}
                while (field := stream.readline().decode().strip()) != "":
                    name, _, text = field.partition(":")
                    headers[name.lower()] = text.strip()
                body = json.loads(stream.read(int(headers.get("content-length", 0))) or "null")
                connection.sendall(at_next)
                wire = Wire(self.answer(method, path, headers, body))
                if self.left is not None and path.endswith(self.behind):
                    wire = self.left(wire.now)
                connection.sendall(wire.now)
                if wire.later:
                    time.sleep(0.002)
                    connection.sendall(wire.later)
                at_next = wire.at_next


@contextmanager
def echoing() -> Iterator[Echo]:
    """Run a server in threads of this process."""
    server, listener = Echo(), socket.create_server(("127.0.0.1", 0), backlog=64)
    server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection = listener.accept()[0]
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=server.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        listener.close()
