"""R20: whatever drips, floods, pages or unpacks without an end, a request ends in its time."""

from __future__ import annotations

import gzip
import tempfile
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from faults.raw import LONG, drip, head, serving, whole

from callsheet.backoff import Quota
from callsheet.errors import (
    CallsheetError,
    DownloadError,
    LimitReached,
    NetworkError,
    OutcomeUnknown,
    StillRunning,
)
from callsheet.flows.effects import Pace, TimeLimits
from callsheet.flows.retry import Timing
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from faults.tally import Tally

SILENCE = 0.2
AT_ONCE = 3  # they wait most of the time
MIB = 1 << 20
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


_JSON, _VIDEO = "Content-Type: application/json", "Content-Type: video/mp4"
_CHUNKED = "Transfer-Encoding: chunked"
_EMPTY_BLOCK = b"\0\0\0\xff\xff"  # of deflate: five bytes that unpack to nothing
FORMS: dict[str, Callable[[], Iterable[bytes | float]]] = {
    "silent from the start": lambda: [LONG],
    "a status line and silence": lambda: [b"HTTP/1.1 200 OK\r\n", LONG],
    "a head that drips": lambda: drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "slow 100s": lambda: drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a flood of 103s": lambda: drip(b"", b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" * 50, 0.0),
    "a body that drips": lambda: drip(head(_JSON, "Content-Length: 9000"), b" "),
    "a body without a length": lambda: drip(head(_JSON, "Connection: close"), b" "),
    "chunks of one byte": lambda: drip(head(_JSON, _CHUNKED), b"1\r\n \r\n"),
    "a chunk's name that drips": lambda: drip(head(_JSON, _CHUNKED) + b"5;", b"x"),
    "packed nothing": lambda: drip(
        head(_JSON, "Content-Encoding: gzip", "Connection: close") + gzip.compress(b"")[:10],
        _EMPTY_BLOCK,
    ),
    "a flood of packed nothing": lambda: drip(
        head(_JSON, "Content-Encoding: gzip", "Connection: close") + gzip.compress(b"")[:10],
        _EMPTY_BLOCK * 9999,
        0.0,
    ),
    "an event stream of comments": lambda: drip(
        head("Content-Type: text/event-stream", "Connection: close"), b": alive\n\n"
    ),
    "a medium that drips": lambda: drip(head(_VIDEO, "Connection: close"), b"\0"),
}


class Target(NamedTuple):
    """A request that meets it: its path, what a client does, how that ends, how often it asks."""

    path: str
    steps: Any
    ends: tuple[type[BaseException] | None, ...]
    most: int = 1


async def _list(client: Any, wait: Any, home: Path) -> Any:
    return await wait(client._run(client._engine.host.refresh()))


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


def _bomb(coding: str) -> bytes:
    """Return 4 GiB of nothing, packed as often as that, without the end of its stream."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    inner = coding.split(", ")[0]
    body = (b"" if inner == "deflate" else gzip.compress(b"")[:10]) + block * 4096
    for _ in coding.split(", ")[1:]:
        body = gzip.compress(body)
    return body


CODINGS = ("gzip", "deflate", "gzip, gzip", "deflate, gzip", "gzip, gzip, gzip")


def _packed(tally: Tally, home: Path, coding: str, name: str, driver: str) -> None:
    target, usual, body = TARGETS[name], _usual(name), _bomb(coding)
    title = f"4 GiB as {coding}, {name} ({driver}):"

    def answer(path: str, count: int) -> Iterable[bytes | float]:
        return whole(body, f"Content-Encoding: {coding}") if path == target.path else usual(path)

    with serving(answer) as server:
        settings = stage.settings_for(server.url, home)
        tracemalloc.start()
        try:
            error = _end_of(target.steps, settings, stage.Play(driver, timing=_timing(60)), home)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    ends = tuple(kind for kind in target.ends if kind is not None)
    tally.hold(isinstance(error, ends) or None in target.ends, title, "ended with", repr(error))
    tally.hold(peak < 96 * MIB, title, "memory", peak >> 20, "MiB")
    tally.hold(server.asked[target.path] <= 2, title, "asked", server.asked[target.path], "times")
    tally.ran(f"4 GiB as {coding}, {name}")


def _paged(tally: Tally, home: Path, driver: str, pause: float) -> None:
    """Serve a list whose every page has an action and a link to the next one."""
    title = f"a list without an end, {pause} s a page ({driver}):"

    def answer(path: str, count: int) -> Iterable[bytes | float]:
        entry = {"id": f"v.a{count}", "inputSchema": OBJECT}
        return [pause, *whole({"actions": [entry], "nextCursor": f"c{count}"})]

    missing: list[str] = []

    async def steps(client: Any, wait: Any, home: Path) -> None:
        missing.append((await wait(client._run(client._engine.host.refresh()))).missing)

    with serving(answer) as server:
        settings = stage.settings_for(server.url, home)
        error = _end_of(steps, settings, stage.Play(driver, timing=_timing(3.0)), home)
    tally.hold(error is None and "cut" in "".join(missing), title, repr(error), missing)
    tally.hold(0 < server.asked[LIST] <= 100, title, "asked", server.asked[LIST], "times")
    tally.ran(title)


def _hinted(tally: Tally, home: Path, name: str, driver: str) -> None:
    """Serve nothing but 503 with a pause: the client may wait for two minutes in all."""
    target, usual = TARGETS[name], _usual(name)
    title = f"Retry-After: 50 again and again, {name} ({driver}):"
    slept: list[float] = []

    def answer(path: str, count: int) -> Iterable[bytes | float]:
        busy = whole({}, "Retry-After: 50", status=503)
        return busy if path == target.path else usual(path)

    with serving(answer) as server:
        settings = stage.settings_for(server.url, home)
        how = stage.Play(driver, sleep=slept.append, timing=_timing(600))
        error = _end_of(target.steps, settings, how, home)
    is_told = isinstance(error, LimitReached) and "try again after" in error.hint
    tally.hold(is_told, title, "ended with", repr(error))
    tally.hold(sum(slept) <= 120, title, "slept", slept)
    tally.hold(server.asked[target.path] == 3, title, "asked", server.asked[target.path], "times")
    tally.ran(title)


def play(tally: Tally, *, every: int, commands: int) -> None:
    """Play R20: every so many-th case, and of those at the command line."""
    from faults import hurried

    cases: list[tuple[Any, ...]] = [(_slow, form, name) for form in FORMS for name in TARGETS]
    cases += [(_packed, coding, name) for coding in CODINGS for name in ("list", "free call")]
    cases += [(_hinted, name) for name in ("list", "free call", "download")]
    with tempfile.TemporaryDirectory() as folder:
        hurried.play(tally, Path(folder), every=commands)
        slow: list[Any] = []
        for number, (function, *words) in enumerate(cases[::every]):
            home = Path(folder) / f"case-{number}"
            home.mkdir()
            driver = stage.DRIVERS[number % 3]
            if function is _slow:
                slow.append((tally, home, SlowCase(*words, driver)))
            else:
                function(tally, home, *words, driver)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_slow, *zip(*slow, strict=True)))
        for number, pause in enumerate((0.0, 0.1)):
            home = Path(folder) / f"pages-{number}"
            home.mkdir()
            _paged(tally, home, stage.DRIVERS[number], pause)
