"""The loopback server of the bench: a catalogue, answers to its actions, and a large file."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.catalogue import actions

JOB = {"taskId": "task-1", "status": "pending"}
FOUND = {"items": [{"id": "one", "tags": ["a"]}], "total": 1, "page": 1}
BLOCK = b"\0" * 65536
KEY = "sk-bench-0123456789"


class DelayedServer:
    """Answers HTTP/1.1 with kept connections; each answer waits for ``delay`` seconds.

    The list carries no schemas, as where each is a request of its own; ``/schemas`` is the
    bulk answer. ``/file/N`` is a file of N bytes. Nothing ever changes: what has an ETag gets 304.
    """

    def __init__(self, count: int, delay: float) -> None:
        listed = actions(count)
        self.delay = delay
        names = ("id", "title", "description")
        self.answers = {
            "/api/actions": _json([{name: action[name] for name in names} for action in listed]),
            "/schemas": _json(listed),
        }
        for action in listed:
            path = f"/api/actions/{action['id']}"
            self.answers[f"{path}/schema"] = _json(action)
            word = action["id"].rpartition(".")[2]
            self.answers[path] = _json(JOB if word.startswith(("generate", "query")) else FOUND)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        line, *headers = head.decode("latin-1").split("\r\n")
        path, is_cached = line.split(" ")[1].partition("?")[0], False
        for header in headers:
            name, _, value = header.partition(":")
            if name.lower() == "content-length":
                await reader.readexactly(int(value))
            is_cached = is_cached or name.lower() == "if-none-match"
        if self.delay:
            await asyncio.sleep(self.delay)
        if path.startswith("/file/"):
            await _file(int(path.rpartition("/")[2]), writer)
        elif is_cached:
            writer.write(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(self.answers.get(path, _json({"error": "nothing here"}, "404 No")))
        await writer.drain()


async def _file(size: int, writer: asyncio.StreamWriter) -> None:
    writer.write(_head("200 OK", size, "application/octet-stream"))
    for _ in range(size // len(BLOCK)):
        writer.write(BLOCK)
        await writer.drain()


def _head(status: str, size: int, kind: str) -> bytes:
    fields = f'Content-Type: {kind}\r\nContent-Length: {size}\r\nServer: bench\r\nETag: "one"'
    return f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode()


def _json(data: Any, status: str = "200 OK") -> bytes:
    body = json.dumps(data).encode()
    return _head(status, len(body), "application/json") + body


async def main(count: int, delay: float, port: int) -> None:
    """Serve until the process is ended; the first line tells the port."""
    server = await asyncio.start_server(
        DelayedServer(count, delay).serve, "127.0.0.1", port, backlog=512
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def served(count: int, *, delay: float = 0.0, port: int = 0) -> Iterator[str]:
    """Run a server in a process of its own; yield its address."""
    words = [sys.executable, __file__, str(count), str(delay), str(port)]
    with Popen(words, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"port {port} is in use: end what holds it")
        try:
            yield f"http://127.0.0.1:{line.strip()}"
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
