"""R20: whatever drips, floods, pages or unpacks without an end, a request ends in its time."""

from __future__ import annotations

import gzip
import json
import select
import socket
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage

from callsheet.backoff import Quota
from callsheet.errors import (
    CallsheetError,
    DownloadError,
    NetworkError,
    OutcomeUnknown,
    StillRunning,
)
from callsheet.flows.effects import Pace, TimeLimits
from callsheet.flows.retry import Timing
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from faults.tally import Tally

LONG = 30.0
"""Seconds that a server would go on for; a client that waits so long is no faster on any day."""
SILENCE = 0.2
OBJECT = {"type": "object"}
LISTED = [
    {"id": "v.free", "inputSchema": OBJECT, "readOnly": True},
    {"id": "v.make", "inputSchema": OBJECT},
    {"id": "v.query", "inputSchema": {**OBJECT, "properties": {"taskId": {"type": "string"}}}},
]
LIST, SCHEMA, FREE, PAID, QUERY, FILE = (
    *("/api/actions", "/api/actions/v.late/schema", "/api/actions/v.free"),
    *("/api/actions/v.make", "/api/actions/v.query", "/cup.mp4"),
)


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


def _head(*headers: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *headers)).encode() + b"\r\n\r\n"


def _drip(first: bytes, drop: bytes, pause: float = 0.02) -> Iterator[bytes | float]:
    yield first
    while True:
        yield drop
        yield pause


_JSON, _VIDEO = "Content-Type: application/json", "Content-Type: video/mp4"
_CHUNKED = "Transfer-Encoding: chunked"
_EMPTY_BLOCK = b"\0\0\0\xff\xff"  # of deflate: five bytes that unpack to nothing
FORMS: dict[str, Callable[[], Iterable[bytes | float]]] = {
    "silent from the start": lambda: [LONG],
    "a status line and silence": lambda: [b"HTTP/1.1 200 OK\r\n", LONG],
    "a head that drips": lambda: _drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "slow 100s": lambda: _drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a flood of 103s": lambda: _drip(b"", b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" * 50, 0.0),
    "a body that drips": lambda: _drip(_head(_JSON, "Content-Length: 9000"), b" "),
    "a body without a length": lambda: _drip(_head(_JSON, "Connection: close"), b" "),
    "chunks of one byte": lambda: _drip(_head(_JSON, _CHUNKED), b"1\r\n \r\n"),
    "a chunk's name that drips": lambda: _drip(_head(_JSON, _CHUNKED) + b"5;", b"x"),
    "packed nothing": lambda: _drip(
        _head(_JSON, "Content-Encoding: gzip", "Connection: close") + gzip.compress(b"")[:10],
        _EMPTY_BLOCK,
    ),
    "a flood of packed nothing": lambda: _drip(
        _head(_JSON, "Content-Encoding: gzip", "Connection: close") + gzip.compress(b"")[:10],
        _EMPTY_BLOCK * 9999,
        0.0,
    ),
    "an event stream of comments": lambda: _drip(
        _head("Content-Type: text/event-stream", "Connection: close"), b": alive\n\n"
    ),
    "a medium that drips": lambda: _drip(_head(_VIDEO, "Connection: close"), b"\0"),
}


class Target(NamedTuple):
    """A request that meets it: its path, what a client does, how that ends, how often it asks."""

    path: str
    steps: Any
    ends: tuple[type[BaseException] | None, ...]
    most: int = 1


async def _list(client: Any, wait: Any, home: Path) -> Any:
    return await wait(client.run(client.engine.host.refresh()))


async def _free(client: Any, wait: Any, home: Path) -> Any:
    return await wait(client.call("v.free", {}, timeout=SILENCE))


async def _paid(client: Any, wait: Any, home: Path) -> Any:
    return await wait(client.call("v.make", {}, timeout=SILENCE))


async def _query(client: Any, wait: Any, home: Path) -> Any:
    task = await wait(client.submit("v.make", {}))
    return await wait(task.wait(timeout=0.5))


async def _file(client: Any, wait: Any, home: Path) -> Any:
    result = await wait(client.call("v.make", {}))
    return await wait(result.save(str(home / "cup.mp4")))


TARGETS = {
    "list": Target(LIST, _list, (NetworkError, CallsheetError)),
    "schema": Target(SCHEMA, _list, (None,), 2),
    "free call": Target(FREE, _free, (NetworkError, CallsheetError), 3),
    "paid call": Target(PAID, _paid, (OutcomeUnknown,)),
    "query": Target(QUERY, _query, (StillRunning,), 9),
    "download": Target(FILE, _file, (DownloadError,), 8),
}


def _usual(target: str) -> Callable[[str], list[bytes | float]]:
    """Return the answers of a host that does all the rest as it should."""
    late = [{"id": "v.late"}] if target == "schema" else []
    job: dict[str, Any] = {"taskId": "t-1", "status": "running"}
    done = {"status": "done", "videoUrl": FILE}
    answers = {
        LIST: {"actions": [*LISTED, *late]},
        PAID: job if target == "query" else done,
        QUERY: job,
        FREE: {"ok": True},
    }
    return lambda path: whole(answers.get(path, {"error": "unknown"}))


def _end_of(steps: Any, settings: Any, how: stage.Play, home: Path) -> BaseException | None:
    async def work(client: Any, wait: Any) -> None:
        await steps(client, wait, home)

    try:
        stage.run(settings, work, how)
    except CallsheetError as error:
        return error
    return None


def _timing(seconds: float) -> Timing:
    limits = TimeLimits(seconds, seconds, Pace(seconds, 64 << 10))
    return Timing(time.monotonic, time.time, lambda: 0.0, Quota(), limits)


def _states(home: Path) -> list[str]:
    ledger = Ledger(str(home / "state"))
    try:
        return [job.state for job in ledger.jobs()]
    finally:
        ledger.close()


class SlowCase(NamedTuple):
    """A form of slowness, the request that meets it, the client, and its limits in seconds."""

    form: str
    name: str
    driver: str
    seconds: float = 0.3


def _slow(tally: Tally, home: Path, case: SlowCase) -> None:
    form, name, driver, seconds = case
    target = TARGETS[name]
    usual = _usual(name)
    title = f"{form}, {name} ({driver}):"

    def answer(path: str, count: int) -> Iterable[bytes | float]:
        return FORMS[form]() if path == target.path else usual(path)

    with serving(answer) as server:
        settings = stage.settings_for(server.url, home)
        how = stage.Play(driver, timing=_timing(seconds))
        error = _end_of(target.steps, settings, how, home)
        asked, posts = server.asked[target.path], server.asked[PAID]
        for _ in range(200):  # the server sees the end of a connection a moment later
            if server.hung_up[target.path] == asked:
                break
            time.sleep(0.01)
        hung_up = server.hung_up[target.path]
    if not asked and seconds < LONG:  # too busy a machine to ask in that time
        _slow(tally, home, case._replace(seconds=4 * seconds))
        return
    ends = tuple(kind for kind in target.ends if kind is not None)
    ended = isinstance(error, ends) if error is not None else None in target.ends
    tally.hold(ended, title, "ended with", repr(error))
    tally.hold(asked <= target.most, title, "asked", asked, "times")
    tally.hold(hung_up == asked, title, "it waited to the end", asked - hung_up, "times")
    tally.hold(posts <= 1, title, "posts", posts)
    if name == "paid call":
        tally.hold(_states(home) == ["unknown"], title, "ledger:", _states(home))
    tally.hold(not (home / "cup.mp4").exists(), title, "half a file has the name")
    tally.ran(f"{form}, {name}")


def play(tally: Tally, *, every: int) -> None:
    """Play R20."""
    with tempfile.TemporaryDirectory() as folder:
        number = 0
        for form in FORMS:
            for name in TARGETS:
                number += 1
                if number % every == 0:
                    home = Path(folder) / str(number)
                    home.mkdir()
                    _slow(tally, home, SlowCase(form, name, stage.DRIVERS[number // every % 3]))
