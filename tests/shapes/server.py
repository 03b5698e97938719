"""Serve cases over HTTP, one after the other on one address."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from callsheet_sandbox.cases.script import Answer

if TYPE_CHECKING:
    from callsheet_sandbox.cases.script import CaseScript


class CaseServer(ThreadingHTTPServer):
    """Keep one address for many cases; ``script`` is the case that is being played."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _CaseHandler)
        self.script: CaseScript | None = None
        self.faults: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep a fault of this server for the verdict; a client may hang up."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.faults.append(f"the server of the case failed: {error!r}")


class _CaseHandler(BaseHTTPRequestHandler):
    server: CaseServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece, or every answer waits for an acknowledgement

    def do_GET(self) -> None:
        script = self.server.script
        self._send(script.get(self.path) if script else Answer(503, {}, b""))

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(content)
        except ValueError:
            body = content.decode("utf-8", "replace")
        script = self.server.script
        key = self.headers.get("Idempotency-Key")
        self._send(script.post(self.path, body, key) if script else Answer(503, {}, b""))

    do_HEAD = do_GET  # noqa: N815 - the base names it

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status != 204:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base names it
        """Log nothing."""
