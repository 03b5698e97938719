"""R10: a final name exists only when the file is complete and checked; interruptions resume."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage

from callsheet.errors import CallsheetError
from callsheet_sandbox.faults.downloads import another

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.tally import Tally

    from callsheet_sandbox.server import Running

VARIANTS = {
    "206": ("cut bytes={at}",),
    "200 instead": ("cut bytes={at}; whole @2",),
    "416": ("cut bytes={at}; unsatisfiable @2",),
    "ETag changed": ("cut bytes={at}; changed @2-",),
    "wrong Content-Range": ("cut bytes={at}; misrange @2",),
    "gzip": ("cut bytes={at}; gzip @2", "gzip; cut bytes={at} @2"),
    "no length": (
        "cut bytes={at} framing=chunked; unsized @2",
        "unsized framing=close; cut bytes={at} framing=chunked @2",
        "cut bytes={at} framing=close",  # the file's own structure has to tell
    ),
    "HEAD refused": ("405 HEAD /media/* x*; cut bytes={at} end=reset",),
    "link expired": ("cut bytes={at}; expired @2",),
}
TINY = 64 * 1024
BODY = {"prompt": "a cup", "options": {"sandboxSeconds": 0}}


class Made(NamedTuple):
    """A finished job: its id, and what its file is."""

    task_id: str
    content: bytes

    @property
    def right(self) -> tuple[str, str]:
        """Digests of the file and of the version that may replace it."""
        return _digest(self.content), _digest(another(self.content))


class Address(NamedTuple):
    """All that a process has to know of a sandbox."""

    url: str


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def made(running: Running, home: Path, action: str = "ai.video.generate") -> Made:
    """Let the sandbox make a file, and take it where nothing goes wrong."""
    found: list[str] = []

    async def steps(client: Any, wait: Any) -> None:
        task = await wait(client.submit(action, BODY))
        found.append(task.id)
        await wait((await wait(task.wait(timeout=30))).save(str(home / "right")))

    stage.run(stage.settings_for(running.url, home), steps)
    return Made(found[0], (home / "right").read_bytes())


def save(
    running: Running | Address, home: Path, job: Made, out: Path, how: stage.Play
) -> CallsheetError | None:
    """Save a job's file with a client of this kind; ``None`` is success."""

    async def steps(client: Any, wait: Any) -> None:
        if how.ledger is None:
            result = await wait(client.call("ai.video.query", {"taskId": job.task_id}))
        else:
            task = await wait(client.tasks.get(job.task_id))
            result = await wait(task.wait(timeout=30))
        await wait(result.save(str(out)))

    try:
        stage.run(stage.settings_for(running.url, home), steps, how)
    except CallsheetError as error:
        return error
    return None


def _cuts(tally: Tally, running: Running, home: Path, job: Made, points: int) -> None:
    size = len(job.content)
    dice = random.Random(10)
    edges = [0, 1, 2, size - 2, size - 1]
    places = [*edges, *sorted(dice.randrange(size) for _ in range(points - len(edges)))]
    for variant, scripts in VARIANTS.items():
        for number, at in enumerate(places):
            running.set_faults(scripts[number % len(scripts)].format(at=at))
            folder = home / f"{variant}-{number}".replace(" ", "-")
            folder.mkdir()
            error = save(
                running, home, job, folder / "cup.mp4", stage.Play(stage.DRIVERS[number % 3])
            )
            name = f"{variant}, cut at {at} of {size} ({stage.DRIVERS[number % 3]}):"
            tally.hold(error is None, name, repr(error))
            _only_right(tally, name, folder, job)
            tally.ran(f"{variant} {at}")


def _only_right(tally: Tally, name: str, folder: Path, job: Made) -> None:
    """Whatever has a name is the whole file; nothing is left beside it."""
    for path in folder.iterdir():
        tally.hold(path.name == "cup.mp4", name, "left", path.name)
        if path.name == "cup.mp4":
            tally.hold(_digest(path.read_bytes()) in job.right, name, "half or wrong file")


@contextmanager
def _mounted(folder: Path, *options: str) -> Iterator[bool]:
    """A small file system of its own, where this user may mount one."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    can = os.geteuid() == 0 and sys.platform == "linux"
    mounted = can and subprocess.run(words, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _refused(tally: Tally, name: str, folder: Path, error: CallsheetError | None) -> None:
    told = isinstance(error, CallsheetError) and str(folder) in error.message
    tally.hold(told, name, "told as", repr(error))
    tally.hold(not [path.name for path in folder.iterdir()], name, "left", list(folder.iterdir()))
    tally.ran(name)


def _no_room(tally: Tally, running: Running, home: Path, job: Made) -> None:
    running.clear_faults()
    for driver in stage.DRIVERS:
        folder = home / f"full-{driver}"
        with _mounted(folder, f"size={TINY // 4096 * 4096}") as mounted:
            if mounted:
                filler = folder / "filler"
                filler.write_bytes(b"x" * (TINY - 8192))
                error = save(running, home, job, folder / "cup.mp4", stage.Play(driver))
                filler.unlink()
                _refused(tally, f"full disk ({driver})", folder, error)
        folder = home / f"read-only-{driver}"
        with _mounted(folder, "ro") as mounted:
            if not mounted:
                folder.chmod(0o500)
            error = save(running, home, job, folder / "cup.mp4", stage.Play(driver))
            _refused(tally, f"read-only folder ({driver})", folder, error)


SAVER = """
import resource, signal, sys
from pathlib import Path
from faults import stage
from faults.downloading import Address, Made, save
url, home, task, out, limit, driver = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
how = stage.Play(driver)
if int(limit):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    how = stage.Play(driver, ledger=None)  # the limit would meet its file too
error = save(Address(url), Path(home), Made(task, b""), Path(out), how)
print("saved" if error is None else type(error).__name__ + " " + error.message)
"""


def _saver(
    running: Running, home: Path, job: Made, out: Path, *, limit: int = 0, driver: str = "sync"
) -> subprocess.Popen[str]:
    """A process that saves a job's file when it is told to; its files have a limit if any."""
    words = [running.url, str(home), job.task_id, str(out), str(limit), driver]
    began = subprocess.Popen(
        [sys.executable, "-c", SAVER, *words],
        env=stage.program_environ(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert began.stdout is not None
    began.stdout.readline()
    return began


def _too_large(tally: Tally, running: Running, home: Path, job: Made, drivers: int) -> None:
    running.clear_faults()
    for driver in stage.DRIVERS[:drivers]:
        name, folder = f"file too large ({driver})", home / f"limit-{driver}"
        folder.mkdir()
        limit = len(job.content) // 2
        one = _saver(running, home, job, folder / "cup.mp4", limit=limit, driver=driver)
        said = one.communicate("go\n", timeout=60)[0].strip()
        told = said.startswith("DownloadError") and str(folder) in said
        tally.hold(told, name, "told as", said)
        tally.hold(not list(folder.iterdir()), name, "left", list(folder.iterdir()))
        tally.ran(name)


def _together(tally: Tally, running: Running, home: Path, job: Made, rounds: int) -> None:
    """Two processes save to one name at the same time: one wins, and the file is right."""
    for number in range(rounds):
        running.set_faults("bandwidth rate=2000000 /media/* x2" if number % 2 else "cut bytes=99")
        folder = home / f"together-{number}"
        folder.mkdir()
        both = [_saver(running, home, job, folder / "cup.mp4") for _ in range(2)]
        for one in both:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        said = sorted(one.communicate(timeout=60)[0].strip() for one in both)
        name = f"two processes, round {number}:"
        tally.hold(said[1] == "saved", name, said)
        tally.hold(said[0].startswith(("saved", "DownloadError", "UsageError")), name, said)
        _only_right(tally, name, folder, job)
        tally.hold((folder / "cup.mp4").exists(), name, "no file")
        tally.hold(said.count("saved") == 1, name, "both say that they saved")
        tally.ran("two processes")


def play(tally: Tally, *, points: int, rounds: int, drivers: int) -> None:
    """R10."""
    with tempfile.TemporaryDirectory() as name, stage.sandbox() as running:
        home = Path(name)
        job = made(running, home)
        tally.hold(len(job.content) > 1000, "the file is too small to be cut")
        _cuts(tally, running, home, job, points)
        _no_room(tally, running, home, job)
        _too_large(tally, running, home, job, drivers)
        _together(tally, running, home, job, rounds)
