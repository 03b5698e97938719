"""A server that keeps which keys each request carried."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

KEYS = {
    "OPENAI_API_KEY": "sk-openai-0123456789",
    "ADS_API_KEY": "sk-ads-0123456789",
    "ACME_API_KEY": "sk-acme-0123456789",
}
STORED = "sk-stored-0123456789"
LIST = {"actions": [{"id": "zoo.feed", "inputSchema": {"type": "object", "properties": {}}}]}


class Recorder:
    """A server: ``status`` and ``location`` are its answer.

    ``keys`` and ``headers`` are what each request carried.
    """

    def __init__(self) -> None:
        self.url, self.status, self.location = "", 200, ""
        self.keys: list[str] = []
        self.headers: list[Message] = []

    @property
    def port(self) -> str:
        """Return the port that it listens on."""
        return self.url.rpartition(":")[2]

    def requests_without_a_key(self) -> int:
        """Return how many requests came; fail where one carried a key."""
        assert [key for key in self.keys if key] == []
        return len(self.keys)


@contextmanager
def recorder() -> Iterator[Recorder]:
    """Give a server that runs in a thread."""
    recorder = Recorder()

    class RecordingHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            every = " ".join([*self.headers.values(), self.path])
            keys = [key for key in (*KEYS.values(), STORED) if key in every]
            recorder.keys.append(" ".join(keys))
            recorder.headers.append(self.headers)
            body = json.dumps(LIST if recorder.status == 200 else {"error": "no"}).encode()
            self.send_response(recorder.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if recorder.location:
                self.send_header("Location", recorder.location)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), RecordingHandler)
    recorder.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
