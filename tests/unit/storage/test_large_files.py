"""A large file is written and hashed as it comes: whole, in order, and without remains."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from callsheet.errors import DownloadError
from callsheet.storage.partial_file import MOST, PartialFile, ResumePoint, part_path, resume_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINK = "https://cdn.example/v.bin"
MB = 1024 * 1024
DATA = random.Random(1).randbytes(9 * MB + 5)
CHUNK = 65536


def started(target: Path, data: bytes, *, etag: str = '"1"', chunk: int = CHUNK) -> PartialFile:
    part = PartialFile(str(target))
    part.resume(LINK)
    head = {"content-length": str(len(data)), "etag": etag}
    content_range = {"content-range": f"bytes {part.size}-{len(data) - 1}/{len(data)}"}
    if not (part.size and part.begin(206, head | content_range)):
        part.begin(200, head)
    feed(part, data[part.size :], chunk)
    return part


def feed(part: PartialFile, data: bytes, chunk: int = CHUNK) -> None:
    for at in range(0, len(data), chunk):
        part.write(data[at : at + chunk])


def is_whole(part: PartialFile, data: bytes) -> bool:
    part.end()
    saved = part.commit()
    with open(saved.path, "rb") as file:
        is_same = file.read() == data
    names = os.listdir(os.path.dirname(saved.path))
    is_right = saved.bytes == len(data) and saved.sha256 == hashlib.sha256(data).hexdigest()
    return part.complete and is_same and is_right and names == [os.path.basename(saved.path)]


@pytest.mark.parametrize("chunk", [len(DATA), MB, 1_000_003, 4099])
def test_chunks_may_have_any_size(tmp_path: Path, chunk: int) -> None:
    assert is_whole(started(tmp_path / "v.bin", DATA, chunk=chunk), DATA)


@pytest.mark.parametrize("piece", [1000, 40_000])
def test_a_system_that_writes_less_than_it_gets_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, at: real(handle, data[:piece], at))
    assert is_whole(started(tmp_path / "v.bin", DATA[:MB]), DATA[:MB])


@pytest.mark.parametrize("cut", [MB + 1, 5_000_003, len(DATA) - 1])
def test_another_process_goes_on_anywhere(tmp_path: Path, cut: int) -> None:
    first = PartialFile(str(tmp_path / "v.bin"))
    first.resume(LINK)
    first.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    feed(first, DATA[:cut])
    first.suspend()
    second = PartialFile(str(tmp_path / "v.bin"))
    second.resume(LINK)
    assert second.size == cut
    second.suspend()
    assert is_whole(started(tmp_path / "v.bin", DATA), DATA)


def test_a_file_that_changes_on_the_way_starts_again(tmp_path: Path) -> None:
    part = started(tmp_path / "v.bin", DATA)
    other = DATA[::-1]
    part.begin(200, {"content-length": str(len(other)), "etag": '"2"'})
    feed(part, other)
    assert is_whole(part, other)


def test_a_broken_body_is_resumed_in_the_same_part(tmp_path: Path) -> None:
    at = 2 * MB + 9
    part = started(tmp_path / "v.bin", DATA[:at])
    assert part.begin(206, {"content-range": f"bytes {at}-{len(DATA) - 1}/{at}", "etag": '"1"'})
    part._expected = len(DATA)
    feed(part, DATA[at:])
    assert is_whole(part, DATA)


@contextmanager
def limited(size: int) -> Iterator[None]:
    """Let no file of this process grow over ``size``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("limit", [MB + 100, len(DATA) - 1])
def test_a_full_disk_names_the_target(tmp_path: Path, limit: int) -> None:
    part = PartialFile(str(tmp_path / "v.bin"))
    part.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    with limited(limit), pytest.raises(DownloadError, match=r"v\.bin cannot be written"):
        feed(part, DATA)
    part.discard()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("before", [True, False])
def test_an_interruption_leaves_a_part_that_is_right(
    tmp_path: Path, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.pwrite, []

    def interrupted(handle: int, data: bytes, at: int) -> int:
        calls.append(at)
        if before and len(calls) == 30:
            raise KeyboardInterrupt
        written = real(handle, data, at)
        if len(calls) == 30:
            raise KeyboardInterrupt
        return written

    monkeypatch.setattr(os, "pwrite", interrupted)
    part = PartialFile(str(tmp_path / "v.bin"))
    part.resume(LINK)
    part.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    with pytest.raises(KeyboardInterrupt):
        feed(part, DATA)
    part.suspend()
    point = ResumePoint.read(part_path(str(tmp_path / "v.bin")))
    assert point is not None
    assert point.size == 29 * CHUNK
    assert is_whole(started(tmp_path / "v.bin", DATA), DATA)


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


@pytest.mark.parametrize("chunks", [40, 300])
def test_a_killed_program_leaves_what_its_resume_point_says(tmp_path: Path, chunks: int) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", KILLED, str(tmp_path / "v.bin"), str(chunks)]
    assert subprocess.run(argv, env=environ, check=False).returncode == -signal.SIGKILL
    path = part_path(str(tmp_path / "v.bin"))
    point = ResumePoint.read(path)
    assert point is not None
    sent = b"".join(bytes([n % 251]) * 65536 for n in range(chunks))
    assert len(sent) - max(MOST, len(sent) // 2) <= point.size <= len(sent)
    with open(path, "rb") as file:
        assert file.read(point.size) == sent[: point.size]


def test_a_resume_point_is_written_only_when_its_bytes_are_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable, real, write = [0], os.fsync, ResumePoint.write

    def fsync(handle: int) -> None:
        size = os.fstat(handle).st_size
        real(handle)
        durable.append(size)

    def checked(point: ResumePoint, part: str) -> None:
        assert point.size <= durable[-1]
        write(point, part)
        sizes.append(point.size)

    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(ResumePoint, "write", checked)
    ticks = iter(range(10**9))
    part = PartialFile(str(tmp_path / "v.bin"), clock=lambda: float(next(ticks)))
    part.resume(LINK)
    part.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    feed(part, DATA)
    assert is_whole(part, DATA)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] >= len(DATA) - 2 * MOST


def test_nothing_is_left_where_a_resume_point_cannot_be_written(tmp_path: Path) -> None:
    part = PartialFile(str(tmp_path / "v.bin"))
    part.resume(LINK)
    part.begin(200, {"content-length": str(len(DATA)), "etag": '"1"'})
    os.mkdir(resume_path(part.path) + ".new")
    with pytest.raises(DownloadError, match=r"v\.bin cannot be written"):
        feed(part, DATA)
    part.discard()
    os.rmdir(resume_path(part.path) + ".new")
    assert os.listdir(tmp_path) == []
