"""R28: streams are written through and never replaced; a range that is refused costs no file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from faults import stage
from faults.downloading import BODY
from faults.forge import forge
from faults.spoiling import CREATE, FILM, TASK, WORDS, Film, House, filming
from unit.servers import Said

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from faults.tally import Tally
    from unit.servers import Seen

HALF = len(FILM) // 2


class Reader:
    """Reads a FIFO in a thread: all of it, or so many bytes."""

    def __init__(self, path: Path, most: int = -1) -> None:
        self.data = b""
        self._path, self._most = path, most
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._path.open("rb", buffering=0) as fifo:
            while self._most < 0 or len(self.data) < self._most:
                chunk = fifo.read(64)
                if not chunk:
                    return
                self.data += chunk

    def join(self) -> bytes:
        """Return what was read."""
        self._thread.join(20)
        return self.data


class Stream(NamedTuple):
    """A stream below the folder: how it is made, the flags, and how the program ends."""

    name: str
    make: Callable[[Path], object]
    more: tuple[str, ...] = ()
    most: int = -1
    code: int = 0


def _link_to_fifo(path: Path) -> None:
    os.mkfifo(path.parent / "fifo")
    path.symlink_to("fifo")


def _link_to_null(path: Path) -> None:
    path.symlink_to("/dev/null")


STREAMS = (
    Stream("a FIFO", os.mkfifo),
    Stream("a FIFO, forced", os.mkfifo, ("--force",)),
    Stream("a link to a FIFO", _link_to_fifo),
    Stream("a link to a FIFO, forced", _link_to_fifo, ("--force",)),
    Stream("a FIFO whose reader leaves", os.mkfifo, most=100, code=1),
    Stream("a link to /dev/null", _link_to_null),
    Stream("a link to /dev/null, forced", _link_to_null, ("--force",)),
)


def _play_stream(tally: Tally, house: House, stream: Stream) -> None:
    ground = house.ground()
    stream.make(ground.target)
    before = sorted((path.name, path.lstat().st_mode) for path in ground.out.iterdir())
    is_fifo = stat.S_ISFIFO(ground.target.stat().st_mode)
    reader = Reader(ground.target, stream.most) if is_fifo else None
    code, document, text = house.run(ground, *WORDS, "--out", str(ground.target), *stream.more)
    tally.ran(stream.name)
    tally.hold(code == stream.code, stream.name, "ended with", code, text)
    task_id = document.get("taskId") or (document.get("error") or {}).get("task_id")
    tally.hold(task_id == TASK, stream.name, "the task id is", task_id)
    if reader is not None:
        expected = FILM[: stream.most] if stream.most >= 0 else FILM
        tally.hold(reader.join()[: len(expected)] == expected, stream.name, "was read differently")
    after = sorted((path.name, path.lstat().st_mode) for path in ground.out.iterdir())
    tally.hold(after == before, stream.name, "changed the folder", before, after)


DESCRIPTORS = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-", "/dev/fd/{}", "/dev/stderr")


def _play_descriptor(tally: Tally, house: House, out: str, kind: str) -> None:
    """Save through a descriptor that is a pipe or a file with something in it."""
    ground, name = house.ground(), f"{out}, a {kind}"
    to_file = ground.root / "log"
    to_file.write_bytes(b"")
    reading, writing = os.pipe() if kind == "pipe" else (-1, os.open(to_file, os.O_WRONLY))
    number = {"/dev/fd/{}": writing, "/dev/stderr": 2}.get(out, 1)
    process = subprocess.Popen(
        [sys.executable, "-m", "ads_client", *WORDS, "--quiet", "--out", out.format(writing)],
        env=house.environ(ground),
        cwd=ground.root,
        stdout=writing if number == 1 else subprocess.DEVNULL,
        stderr=writing if number == 2 else subprocess.DEVNULL,
        pass_fds=[writing],
    )
    os.close(writing)
    if kind == "pipe":
        with os.fdopen(reading, "rb") as pipe:
            data = pipe.read()
    code = process.wait(timeout=60)
    data = data if kind == "pipe" else to_file.read_bytes()
    tally.ran(name)
    tally.hold(code == 0 and data.endswith(FILM), name, "ended with", code, len(data))
    tally.hold(number == 2 or data == FILM, name, "holds", len(data), "bytes")


def _play_links(tally: Tally, house: House) -> None:
    """Refuse a link to a file or to nothing, with --force too: neither followed nor replaced."""
    for name, target in {"link": "file", "link to nothing": "none"}.items():
        for force in ((), ("--force",)):
            ground = house.ground()
            (ground.out / "file").write_bytes(b"old")
            ground.target.symlink_to(target)
            code, _, text = house.run(ground, *WORDS, "--out", str(ground.target), *force)
            title = f"{name}{', forced' * bool(force)}"
            tally.ran(title)
            tally.hold(code == 2, title, "ended with", code, text)
            tally.hold(ground.target.is_symlink(), title, "was replaced")
            tally.hold((ground.out / "file").read_bytes() == b"old", title, "was followed")
            tally.hold(not (ground.out / "none").exists(), title, "was followed")
            tally.hold(house.film.charges() == 0, title, "was charged")


class Refusal(NamedTuple):
    """How a server answers whatever asks for a range."""

    name: str
    answer: Callable[[Film, Seen], Said]


def _status(status: int) -> Callable[[Film, Seen], Said]:
    return lambda film, request: Said(status, b"no ranges")


def _cut(film: Film, request: Seen) -> Said:
    return Said(cut="before")


def _wrong_range(film: Film, request: Seen) -> Said:
    return Said(206, FILM[:9], {"ETag": '"1"', "Content-Range": f"bytes 0-8/{len(FILM)}"})


def _unknown_range(film: Film, request: Seen) -> Said:
    return Said(206, FILM[HALF:], {"ETag": '"2"', "Content-Range": f"bytes {HALF}-/*"})


def _page(film: Film, request: Seen) -> Said:
    return Said(403, b"<html>Signature does not match</html>", {"Content-Type": "text/html"})


REFUSALS = (
    *(Refusal(str(status), _status(status)) for status in (400, 401, 403, 404, 405, 409, 410)),
    *(Refusal(str(status), _status(status)) for status in (412, 416, 418, 500, 501, 503)),
    Refusal("403 with a page", _page),
    Refusal("a connection that ends", _cut),
    Refusal("another range", _wrong_range),
    Refusal("a range of another file", _unknown_range),
)


def _play_refusal(tally: Tally, home: Path, refusal: Refusal, driver: str, *, later: bool) -> None:
    """Break the first download off; the rest is asked for by this process or by a later one."""
    name = f"range refused by {refusal.name}{', later' * later} ({driver})"
    ranges: list[str] = []

    def answer(request: Seen) -> Said:
        if request.method != "GET":
            return film.answer(request)
        ranges.append(request.headers.get("range", ""))
        headers = {"ETag": '"1"', "Content-Type": "video/mp4"}
        if ranges[-1]:
            return refusal.answer(film, request)
        if len(ranges) == 1:
            return Said(200, FILM[:HALF], headers, len(FILM), cut="after")
        return Said(200, FILM, headers)

    target = home / "x.mp4"

    async def steps(client: Any, wait: Any) -> None:
        task = await wait(client.submit(CREATE, BODY, check=False))
        await wait(task.save(str(target)))

    with filming() as film:
        assert film.server is not None
        film.server.answer = answer
        settings = stage.settings_for(film.server.url, home / "home")
        if later:
            leave_part(settings, film.server.url, target)
            ranges.append("")
        stage.run(settings, steps, stage.Play(driver))
        tally.hold(film.charges() == 1, name, film.charges(), "charges")
    tally.ran(name)
    tally.hold(target.read_bytes() == FILM, name, "is not the film")
    asked = [each for each in ranges if each]
    tally.hold(1 <= len(asked) <= 4, name, "asked for", ranges)
    left = [path.name for path in home.iterdir() if path.name not in {"x.mp4", "home"}]
    tally.hold(not left, name, "left", left)


def leave_part(settings: Any, url: str, target: Path) -> None:
    """Leave what an interrupted process fetched of the film."""
    from callsheet.storage.partial_file import PartialFile

    part = PartialFile(str(target), identity=f"{settings.host} {TASK} 0")
    part.begin(200, {"etag": '"1"', "content-length": str(len(FILM))})
    part.write(FILM[:HALF])
    part.suspend()


def play(tally: Tally, *, every: int) -> None:
    """Play R28."""
    with tempfile.TemporaryDirectory() as folder, filming() as film:
        home = Path(folder)
        with forge(home / "forge", stage.program_environ(home)) as program:
            house = House(home, film, program)
            for stream in STREAMS:
                _play_stream(tally, house, stream)
            _play_links(tally, house)
        pairs = [(out, kind) for out in DESCRIPTORS for kind in ("pipe", "file")]
        for out, kind in pairs[::every]:
            _play_descriptor(tally, house, out, kind)
        runs = [(refusal, later) for refusal in REFUSALS for later in (False, True)]
        for number, (refusal, later) in enumerate(runs[::every]):
            own = home / f"refused-{number}"
            own.mkdir()
            _play_refusal(tally, own, refusal, stage.DRIVERS[number % 3], later=later)
