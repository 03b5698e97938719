"""An interrupted download is resumed by the next process, and by no other file."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from callsheet.storage.partial_file import (
    PAUSE,
    PartialFile,
    ResumePoint,
    is_due,
    part_path,
    resume_path,
)

if TYPE_CHECKING:
    from pathlib import Path

LINK = "https://cdn.example/v.bin"
HEAD = {"content-length": "6", "etag": '"1"'}


def started(target: Path, data: bytes = b"abc", link: str = LINK, **head: str) -> PartialFile:
    part = PartialFile(str(target))
    part.resume(link)
    part.begin(200, HEAD | {name.replace("_", "-"): text for name, text in head.items()})
    part.write(data)
    return part


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_another_process_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    started(tmp_path / "v.bin").suspend()
    part = PartialFile(str(tmp_path / "v.bin"))
    part.resume(LINK)
    assert part.headers() == {
        "Accept-Encoding": "identity", "Range": "bytes=3-", "If-Range": '"1"',
    }  # fmt: skip
    assert part.begin(206, {"content-range": "bytes 3-5/6", "etag": '"1"'})
    part.write(b"def")
    part.end()
    saved = part.commit()
    assert saved.sha256 == hashlib.sha256(b"abcdef").hexdigest()
    assert names(tmp_path) == ["v.bin"]
    assert (tmp_path / "v.bin").read_bytes() == b"abcdef"


@pytest.mark.parametrize(
    "point",
    [
        b"",
        b"[" * 60_000,
        b"{}",
        ResumePoint("another link", '"1"', 3, 6),
        ResumePoint(LINK, '"1"', 4, 6),
        ResumePoint(LINK, '"1"', 0, 6),
        ResumePoint(LINK, '"1"\r\nX: y', 3, 6),
        None,
    ],
)
def test_a_resume_point_that_does_not_fit_is_ignored(
    tmp_path: Path, point: ResumePoint | bytes | None
) -> None:
    started(tmp_path / "v.bin").suspend()
    path = part_path(str(tmp_path / "v.bin"))
    ResumePoint.remove(path)
    if isinstance(point, ResumePoint):
        point.write(path)
    elif point is not None:
        (tmp_path / os.path.basename(resume_path(path))).write_bytes(point)
    part = PartialFile(str(tmp_path / "v.bin"))
    part.resume(LINK)
    assert (part.size, "Range" in part.headers()) == (0, False)
    part.discard()
    assert names(tmp_path) == []


def test_without_a_strong_tag_nothing_is_left(tmp_path: Path) -> None:
    started(tmp_path / "v.bin", etag='W/"1"').suspend()
    assert names(tmp_path) == []


def test_a_file_that_changed_meanwhile_starts_again(tmp_path: Path) -> None:
    started(tmp_path / "v.bin").suspend()
    part = started(tmp_path / "v.bin", b"ABCDEF", etag='"2"')
    part.end()
    part.commit()
    assert (tmp_path / "v.bin").read_bytes() == b"ABCDEF"
    assert names(tmp_path) == ["v.bin"]


@pytest.mark.parametrize(
    "answer",
    [
        {"content-range": "bytes 3-8/9", "etag": '"1"'},
        {"content-range": "bytes 3-5/6", "etag": '"2"'},
        {"content-range": "bytes 2-5/6"},
    ],
)
def test_a_rest_of_another_file_is_not_added(tmp_path: Path, answer: dict[str, str]) -> None:
    part = started(tmp_path / "v.bin")
    assert part.begin(206, answer) is False
    assert (part.size, "Range" in part.headers()) == (0, False)
    part.discard()


def test_two_programs_do_not_write_one_part(tmp_path: Path) -> None:
    first = started(tmp_path / "v.bin")
    first._save_resume_point()
    second = started(tmp_path / "v.bin", b"ABCDEF")
    assert first.path != second.path
    second.discard()
    first.suspend()
    assert len(names(tmp_path)) == 2


def test_a_finished_file_under_two_names_is_not_written_to(tmp_path: Path) -> None:
    target = tmp_path / "v.bin"
    target.write_bytes(b"finished")
    os.link(target, part_path(str(target)))  # the program ended between the two steps
    part = PartialFile(str(target), force=True)
    part.resume(LINK)
    part.write(b"new")
    assert target.read_bytes() == b"finished"
    part.discard()
    assert names(tmp_path) == ["v.bin"]


KILLED = """
import os, signal, sys
from callsheet.storage.partial_file import PartialFile
part = PartialFile(sys.argv[1])
part.resume("https://cdn.example/v.bin")
part.begin(200, {"content-length": "200000", "etag": '"1"'})
for n in range(100):
    part.write(bytes([n]) * 1000)
os.kill(os.getpid(), signal.SIGKILL)
"""


CHILD = """
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, b"x")
    sys.stdin.read()
    os._exit(0)
os.read(reading, 1)
"""


@pytest.mark.parametrize("fork", ["", CHILD], ids=["", "a child lives on"])
def test_a_killed_program_leaves_a_part_that_can_be_resumed(tmp_path: Path, fork: str) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    lines = KILLED.replace("os.kill(", f"{fork}os.kill(")
    words = [sys.executable, "-c", lines, str(tmp_path / "v.bin")]
    with subprocess.Popen(words, env=environ, stdin=subprocess.PIPE) as process:
        assert process.wait() == -signal.SIGKILL
        _resume(tmp_path)


def _resume(tmp_path: Path) -> None:
    part = PartialFile(str(tmp_path / "v.bin"))
    part.resume(LINK)
    assert 0 < part.size <= 100_000
    content = b"".join(bytes([n % 256]) * 1000 for n in range(200))
    assert part.begin(206, {"content-range": f"bytes {part.size}-199999/200000"})
    part.write(content[part.size :])
    part.end()
    assert part.complete
    assert part.commit().sha256 == hashlib.sha256(content).hexdigest()
    assert names(tmp_path) == ["v.bin"]


def test_resume_points_are_written_more_seldom_as_a_file_grows() -> None:
    points, last, size = 0, None, 0
    while size < 64 * 1024 * 1024:
        size += 65536
        if is_due(size, last, PAUSE):
            last = ResumePoint("x", "y", size, None)
            points += 1
    assert points < 30


def test_a_fast_download_needs_one_resume_point() -> None:
    last = ResumePoint("x", "y", 65536, None)
    assert is_due(65536, None, 0.0)
    assert not is_due(64 * 1024 * 1024, last, PAUSE / 2)
    assert is_due(64 * 1024 * 1024, last, PAUSE)
