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


class FinishedJob(NamedTuple):
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


def make_job(running: Running, home: Path, action: str = "ai.video.generate") -> FinishedJob:
    """Let the sandbox make a file, and take it where nothing goes wrong."""
    task_ids: list[str] = []

    async def steps(client: Any, wait: Any) -> None:
        task = await wait(client.submit(action, BODY))
        task_ids.append(task.id)
        await wait((await wait(task.wait(timeout=30))).save(str(home / "right")))

    stage.run(stage.settings_for(running.url, home), steps)
    return FinishedJob(task_ids[0], (home / "right").read_bytes())


def save(
    running: Running | Address, home: Path, job: FinishedJob, out: Path, how: stage.Play
) -> CallsheetError | None:
    """Save a job's file with a client of this kind; ``None`` is success."""

    async def steps(client: Any, wait: Any) -> None:
        if how.ledger is None:
            reply = await wait(client.call("ai.video.query", {"taskId": job.task_id}))
        else:
            task = await wait(client.tasks.get(job.task_id))
            reply = await wait(task.wait(timeout=30))
        await wait(reply.save(str(out)))

    try:
        stage.run(stage.settings_for(running.url, home), steps, how)
    except CallsheetError as error:
        return error
    return None


def _cuts(tally: Tally, running: Running, home: Path, job: FinishedJob, points: int) -> None:
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


def _only_right(tally: Tally, name: str, folder: Path, job: FinishedJob, *names: str) -> None:
    """Check that what has a name, ``cup.mp4`` or another, is the whole file and nothing is left."""
    for path in folder.iterdir():
        expected = path.name in {"cup.mp4", *names}
        tally.hold(expected, name, "left", path.name)
        if expected:
            tally.hold(_digest(path.read_bytes()) in job.right, name, "half or wrong file")


@contextmanager
def _mounted(folder: Path, *options: str) -> Iterator[bool]:
    """Mount a small file system where this user may; yield whether it is mounted."""
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    can = os.geteuid() == 0 and sys.platform == "linux"
    mounted = can and subprocess.run(argv, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _refused(tally: Tally, name: str, folder: Path, error: CallsheetError | None) -> None:
    named = isinstance(error, CallsheetError) and str(folder) in error.message
    tally.hold(named, name, "told as", repr(error))
    tally.hold(not [path.name for path in folder.iterdir()], name, "left", list(folder.iterdir()))
    tally.ran(name)


def _no_room(tally: Tally, running: Running, home: Path, job: FinishedJob) -> None:
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
sys.dont_write_bytecode = True  # the limit would cut the files of compiled modules
from pathlib import Path
from faults import stage
from faults.downloading import Address, FinishedJob, save
url, home, task, out, limit, driver = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
how = stage.Play(driver)
if int(limit):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    how = stage.Play(driver, ledger=None)  # the limit would meet its file too
error = save(Address(url), Path(home), FinishedJob(task, b""), Path(out), how)
print("saved" if error is None else type(error).__name__ + " " + error.message)
"""


def _saver(
    running: Running,
    home: Path,
    job: FinishedJob,
    out: Path,
    *,
    limit: int = 0,
    driver: str = "sync",
) -> subprocess.Popen[str]:
    """Start a process that saves a job's file when a line is sent; ``limit`` caps its files."""
    argv = [running.url, str(home), job.task_id, str(out), str(limit), driver]
    process = subprocess.Popen(
        [sys.executable, "-c", SAVER, *argv],
        env=stage.program_environ(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _too_large(tally: Tally, running: Running, home: Path, job: FinishedJob, drivers: int) -> None:
    running.clear_faults()
    for driver in stage.DRIVERS[:drivers]:
        name, folder = f"file too large ({driver})", home / f"limit-{driver}"
        folder.mkdir()
        limit = len(job.content) // 2
        process = _saver(running, home, job, folder / "cup.mp4", limit=limit, driver=driver)
        output = process.communicate("go\n", timeout=60)[0].strip()
        refused = output.startswith("DownloadError") and str(folder) in output
        tally.hold(refused, name, "told as", output)
        tally.hold(not list(folder.iterdir()), name, "left", list(folder.iterdir()))
        tally.ran(name)


def _together(tally: Tally, running: Running, home: Path, job: FinishedJob, rounds: int) -> None:
    """Save to one name from two processes at once: one has it, the other a free name beside."""
    for number in range(rounds):
        running.set_faults("bandwidth rate=2000000 /media/* x2" if number % 2 else "cut bytes=99")
        folder = home / f"together-{number}"
        folder.mkdir()
        both = [_saver(running, home, job, folder / "cup.mp4") for _ in range(2)]
        for process in both:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        outputs = sorted(process.communicate(timeout=60)[0].strip() for process in both)
        name = f"two processes, round {number}:"
        tally.hold(outputs[1] == "saved", name, outputs)
        tally.hold(outputs[0].startswith(("SavedElsewhere", "UsageError")), name, outputs)
        _only_right(tally, name, folder, job, "cup-2.mp4" if "cup-2" in outputs[0] else "")
        tally.hold((folder / "cup.mp4").exists(), name, "no file")
        tally.hold(outputs.count("saved") == 1, name, "both say that they saved")
        tally.ran("two processes")


def play(tally: Tally, *, points: int, rounds: int, drivers: int) -> None:
    """Play R10."""
    with tempfile.TemporaryDirectory() as name, stage.sandbox() as running:
        home = Path(name)
        job = make_job(running, home)
        tally.hold(len(job.content) > 1000, "the file is too small to be cut")
        _cuts(tally, running, home, job, points)
        _no_room(tally, running, home, job)
        _too_large(tally, running, home, job, drivers)
        _together(tally, running, home, job, rounds)
