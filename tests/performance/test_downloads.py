"""What a download costs beside its bytes: no thread, and few waits for the disk."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from callsheet.storage.partial_file import MOST, PartialFile

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CHUNK = 65536
LARGE = 64 * 1024 * 1024


class Disk:
    """Counts the waits for the disk; ``size`` is how much the file had at each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        real = os.fsync

        def fsync(handle: int) -> None:
            self.sizes.append(os.fstat(handle).st_size)
            real(handle)

        monkeypatch.setattr(os, "fsync", fsync)


def fetched(target: Path, size: int, pause: float = 0.0) -> PartialFile:
    """Fetch a file in chunks, with so many seconds between two looks at the clock."""
    now = [0.0]

    def clock() -> float:
        now[0] += pause
        return now[0]

    part = PartialFile(str(target), clock=clock)
    part.begin(200, {"content-length": str(size), "etag": '"1"'})
    for _ in range(size // CHUNK):
        part.write(bytes(CHUNK))
    part.end()
    return part


def test_a_download_starts_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    part = fetched(tmp_path / "v.bin", LARGE)
    assert threading.active_count() == before
    part.commit()


def test_a_fast_download_waits_for_the_disk_three_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    part = fetched(tmp_path / "v.bin", LARGE)
    assert disk.sizes == [CHUNK]  # the first resume point
    part.commit()
    assert disk.sizes[1] == LARGE
    assert len(disk.sizes) == 3  # the file and its folder


def test_a_slow_download_waits_for_the_disk_every_four_megabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    part = fetched(tmp_path / "v.bin", LARGE, pause=2.0)
    early = MOST.bit_length() - CHUNK.bit_length() + 1
    assert len(disk.sizes) <= early + LARGE // MOST
    assert all(size < LARGE for size in disk.sizes)
    waits = len(disk.sizes)
    part.commit()
    assert len(disk.sizes) == waits + 2


def test_a_small_file_waits_for_the_disk_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    fetched(tmp_path / "v.bin", CHUNK).commit()
    assert len(disk.sizes) == 2
