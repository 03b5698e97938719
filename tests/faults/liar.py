"""A server that says names and links which the sandbox never would."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LISTED = {"actions": [{"id": "v.free", "inputSchema": {"type": "object"}, "readOnly": True}]}


class Answer(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    headers: dict[str, str]


def json_answer(document: Any) -> Answer:
    """Return a JSON answer."""
    return Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


@contextmanager
def lying(answer: Callable[[str], Answer], listed: Any = LISTED) -> Iterator[str]:
    """Serve what ``answer`` says for a path, beside the list of actions; gives the address."""

    class LiarHandler(BaseHTTPRequestHandler):
        """Reads a request and says the answer in one piece."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536

        def do_GET(self) -> None:
            """Answer anything."""
            self.rfile.read(int(self.headers.get("content-length") or 0))
            is_list = self.path == "/api/actions"
            reply = json_answer(listed) if is_list else answer(self.path)
            self.send_response(reply.status)
            for name, text in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(reply.body)

        def do_POST(self) -> None:
            """Answer as to a GET."""
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Keep quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), LiarHandler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
