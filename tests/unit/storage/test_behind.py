"""A large file is written and checked behind its receiver: whole, in order, and without remains."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from callsheet.errors import DownloadError
from callsheet.storage import behind
from callsheet.storage.behind import BLOCK, START
from callsheet.storage.partial_file import PartialFile, ResumePoint, part_path, trail_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINK = "https://cdn.example/v.bin"
DATA = random.Random(1).randbytes(3 * BLOCK + START + 5)
CHUNK = 65536


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def begun(target: Path, data: bytes, *, etag: str = '"1"', chunk: int = CHUNK) -> PartialFile:
    part = PartialFile(str(target))
    part.resume(LINK)
    head = {"content-length": str(len(data)), "etag": etag}
    rest = {"content-range": f"bytes {part.size}-{len(data) - 1}/{len(data)}"}
    if not (part.size and part.begin(206, head | rest)):
        part.begin(200, head)
    feed(part, data[part.size :], chunk)
    return part


def feed(part: PartialFile, data: bytes, chunk: int = CHUNK) -> None:
    for at in range(0, len(data), chunk):
        part.write(data[at : at + chunk])


def finish(part: PartialFile, data: bytes) -> None:
    feed(part, data)
    part.require_kind()
    part.commit()


def is_whole(part: PartialFile, data: bytes) -> bool:
    part.end()
    saved = part.commit()
    with open(saved.path, "rb") as file:
        same = file.read() == data
    left = os.listdir(os.path.dirname(saved.path))
    right = saved.bytes == len(data) and saved.sha256 == hashlib.sha256(data).hexdigest()
    return part.complete and same and right and left == [os.path.basename(saved.path)]


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize(
    "size", [1, START - 1, START, START + 1, 2 * START, BLOCK, BLOCK + START + 7, len(DATA)]
)
def test_every_byte_arrives_in_its_place(
    tmp_path: Path, size: int, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not direct:
        monkeypatch.setattr(behind, "DIRECT", 0)
    assert is_whole(begun(tmp_path / "v.bin", DATA[:size]), DATA[:size])


@pytest.mark.parametrize("chunk", [len(DATA), BLOCK, 1_000_003, 4099])
def test_chunks_may_have_any_size(tmp_path: Path, chunk: int) -> None:
    assert is_whole(begun(tmp_path / "v.bin", DATA, chunk=chunk), DATA)


@pytest.mark.parametrize("cut", [START + 1, 5_000_003, BLOCK, 2 * BLOCK + 4096, len(DATA) - 1])
def test_another_process_goes_on_anywhere(tmp_path: Path, cut: int) -> None:
    first = PartialFile(str(tmp_path / "v.bin"))
    first.resume(LINK)
    first.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    feed(first, DATA[:cut])
    first.keep()
    second = PartialFile(str(tmp_path / "v.bin"))
    second.resume(LINK)
    assert second.size == cut
    second.keep()
    assert is_whole(begun(tmp_path / "v.bin", DATA), DATA)


def test_a_file_that_changes_on_the_way_starts_again(tmp_path: Path) -> None:
    part = begun(tmp_path / "v.bin", DATA)
    other = DATA[::-1]
    part.begin(200, {"content-length": str(len(other)), "etag": '"2"'})
    feed(part, other)
    assert is_whole(part, other)


def test_a_broken_body_is_gone_on_with_in_the_same_part(tmp_path: Path) -> None:
    part = begun(tmp_path / "v.bin", DATA[: 2 * BLOCK + 9])
    at = 2 * BLOCK + 9
    assert part.begin(206, {"content-range": f"bytes {at}-{len(DATA) - 1}/{at}", "etag": '"1"'})
    part._expected = len(DATA)
    feed(part, DATA[at:])
    assert is_whole(part, DATA)


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file of this process may grow over ``size``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("limit", [START + 100, BLOCK, 2 * BLOCK + 12_345])
def test_a_thread_without_room_names_the_target(tmp_path: Path, limit: int) -> None:
    part = PartialFile(str(tmp_path / "v.bin"))
    part.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    with limited(limit), pytest.raises(DownloadError, match=r"v\.bin cannot be written"):
        finish(part, DATA)
    part.keep()
    assert os.listdir(tmp_path) == []


def test_room_that_is_short_for_the_last_bytes_alone_is_told(tmp_path: Path) -> None:
    part = begun(tmp_path / "v.bin", DATA)
    with limited(len(DATA) - 1), pytest.raises(DownloadError, match=r"v\.bin cannot be written"):
        part.commit()
    part.discard()
    assert os.listdir(tmp_path) == []


def test_a_disk_that_takes_no_direct_writes_gets_usual_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = os.pwrite, []

    def pwrite(handle: int, data: memoryview, at: int) -> int:
        import fcntl

        if fcntl.fcntl(handle, fcntl.F_GETFL) & behind.DIRECT:
            refused.append(at)
            raise OSError(22, "Invalid argument")
        return real(handle, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    assert is_whole(begun(tmp_path / "v.bin", DATA), DATA)
    assert refused == ([START] if behind.DIRECT else [])


@pytest.mark.parametrize("place", ["wait", "give", "start", "end"])
def test_an_interruption_leaves_a_part_that_is_right(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = getattr(behind._Worker, place), []

    def interrupted(worker: behind._Worker, *given: object) -> None:
        calls.append(place)
        real(worker, *given)
        if len(calls) == {"start": 1, "end": 1}.get(place, 5):
            raise KeyboardInterrupt

    monkeypatch.setattr(behind._Worker, place, interrupted)
    part = PartialFile(str(tmp_path / "v.bin"))
    part.resume(LINK)
    part.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    with pytest.raises(KeyboardInterrupt):
        finish(part, DATA)
    part.keep()
    left = ResumePoint.read(part_path(str(tmp_path / "v.bin")))
    assert left is not None
    assert left.size >= START - CHUNK
    assert is_whole(begun(tmp_path / "v.bin", DATA), DATA)


KILLED = """
import itertools, os, signal, sys
from callsheet.storage.partial_file import PartialFile
part = PartialFile(sys.argv[1], clock=itertools.count().__next__)
part.resume("https://cdn.example/v.bin")
part.begin(200, {"content-length": "99000000", "etag": '"1"'})
for n in range(int(sys.argv[2])):
    part.write(bytes([n % 251]) * 65536)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("chunks", [40, 130, 300, 700])
def test_a_killed_program_leaves_no_more_than_its_trail_says(tmp_path: Path, chunks: int) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-c", KILLED, str(tmp_path / "v.bin"), str(chunks)]
    assert subprocess.run(words, env=environ, check=False).returncode == -signal.SIGKILL
    path = part_path(str(tmp_path / "v.bin"))
    left = ResumePoint.read(path)
    assert left is not None
    sent = b"".join(bytes([n % 251]) * 65536 for n in range(chunks))
    assert len(sent) - 2 * max(BLOCK, len(sent) // 2) <= left.size <= len(sent)
    with open(path, "rb") as file:
        assert file.read(left.size) == sent[: left.size]


def test_a_trail_is_laid_only_when_its_bytes_are_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable, real, write = [0], os.fsync, ResumePoint.write

    def fsync(handle: int) -> None:
        size = os.fstat(handle).st_size
        real(handle)
        durable.append(size)

    def checked(trail: ResumePoint, part: str) -> None:
        assert trail.size <= durable[-1]
        write(trail, part)
        laid.append(trail.size)

    laid: list[int] = []
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(ResumePoint, "write", checked)
    ticks = iter(range(10**9))
    part = PartialFile(str(tmp_path / "v.bin"), clock=lambda: float(next(ticks)))
    part.resume(LINK)
    part.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    feed(part, DATA)
    assert is_whole(part, DATA)
    assert laid == sorted(set(laid))
    assert laid[-1] > 2 * BLOCK


def test_nothing_is_left_where_a_trail_cannot_be_written(tmp_path: Path) -> None:
    part = PartialFile(str(tmp_path / "v.bin"))
    part.resume(LINK)
    part.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    os.mkdir(trail_path(part.path) + ".new")
    with pytest.raises(DownloadError, match=r"v\.bin cannot be written"):
        feed(part, DATA)
    part.discard()
    os.rmdir(trail_path(part.path) + ".new")
    assert os.listdir(tmp_path) == []
