"""A server that keeps the bytes of every body it is sent, and advertises what it is told to."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-fidelity-0123456789"


class PostRecorder:
    """What was POSTed, in order: action id and raw bytes. ``answer`` is what every POST gets.

    The list names the actions, and each one's document at ``/schema`` carries its schemas: a
    client that asks for the list before every call does not read every schema each time.
    """

    def __init__(self) -> None:
        self.url = ""
        self.list: bytes = b'{"actions": []}'
        self.documents: dict[str, Any] = {}
        self.answer: Any = {"ok": True}
        self.posts: list[tuple[str, bytes]] = []

    def advertise(self, catalogue: list[dict[str, Any]]) -> None:
        """Serve these actions from now on; each is an entry that carries its schemas."""
        summaries = [{"id": entry["id"]} for entry in catalogue]
        self.list = json.dumps({"actions": summaries}).encode()
        self.documents = {quote(entry["id"], safe=""): entry for entry in catalogue}

    def take(self) -> list[tuple[str, bytes]]:
        """Return what came since this was last asked."""
        posts, self.posts = self.posts, []
        return posts


class _PostServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, recorder: PostRecorder) -> None:
        super().__init__(("127.0.0.1", 0), _PostHandler)
        self.recorder = recorder


class _PostHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _PostServer

    def log_message(self, form: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        recorder = self.server.recorder
        path = self.path.partition("?")[0].removesuffix("/schema")
        document = recorder.documents.get(path.rpartition("/")[2])
        self._send(recorder.list if document is None else json.dumps(document).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.recorder.posts.append((self.path.rpartition("/")[2], body))
        self._send(json.dumps(self.server.recorder.answer).encode())

    def _send(self, body: bytes) -> None:
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + body)


@contextmanager
def recorder() -> Iterator[PostRecorder]:
    """Listen on a free port of this machine until the block ends."""
    record = PostRecorder()
    server = _PostServer(record)
    record.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield record
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
