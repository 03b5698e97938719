"""A name on disk is a complete file: nothing is overwritten, followed or left behind."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import socket
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.errors import DownloadError, UsageError
from callsheet.storage import partial_file
from callsheet.storage.output_path import (
    check_out,
    check_target,
    extension_of,
    resolve,
    target_path,
)
from callsheet.storage.partial_file import PartialFile, SavedFile, StreamedFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def written(target: Path, data: bytes = b"abc", *, force: bool = False) -> PartialFile:
    part = PartialFile(str(target), force=force)
    part.begin(200, {"content-length": str(len(data))})
    part.write(data)
    part.end()
    return part


def test_the_name_appears_with_the_last_byte(tmp_path: Path) -> None:
    target = tmp_path / "v.mp4"
    part = written(target)
    assert len(names(tmp_path)) == 1
    assert not target.exists()
    saved = part.commit()
    assert names(tmp_path) == ["v.mp4"]
    assert saved == (str(target), 3, hashlib.sha256(b"abc").hexdigest())


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "v.mp4"
    target.write_bytes(b"old")
    part = written(target)
    saved = part.commit()
    assert part.moved == f"{target} exists by now"
    assert (saved.path, target.read_bytes()) == (str(tmp_path / "v-2.mp4"), b"old")
    assert (names(tmp_path), (tmp_path / "v-2.mp4").read_bytes()) == (["v-2.mp4", "v.mp4"], b"abc")


def test_force_replaces_a_file(tmp_path: Path) -> None:
    target = tmp_path / "v.mp4"
    target.write_bytes(b"old")
    written(target, force=True).commit()
    assert (names(tmp_path), target.read_bytes()) == (["v.mp4"], b"abc")


def put_link(target: Path) -> None:
    target.symlink_to(target.parent / "victim")


def put_socket(target: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(target))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "put", [put_link, put_socket, os.mkdir, os.mkfifo], ids=["link", "socket", "folder", "fifo"]
)
def test_what_is_no_file_is_neither_followed_nor_replaced(
    tmp_path: Path, put: Callable[[Path], object], force: bool
) -> None:
    victim, target = tmp_path / "victim", tmp_path / "v.mp4"
    victim.write_bytes(b"precious")
    put(target)
    before = target.lstat()
    assert written(target, force=force).commit().path == str(tmp_path / "v-2.mp4")
    assert (target.lstat(), victim.read_bytes()) == (before, b"precious")
    assert names(tmp_path) == ["v-2.mp4", "v.mp4", "victim"]


@pytest.mark.parametrize("put", [put_link, os.mkdir, os.mkfifo], ids=["link", "folder", "fifo"])
def test_what_has_the_name_of_the_part_is_left_alone(
    tmp_path: Path, put: Callable[[Path], object]
) -> None:
    target, victim = tmp_path / "v.mp4", tmp_path / "victim"
    victim.write_bytes(b"precious")
    hidden = tmp_path / os.path.basename(PartialFile(str(target)).path)
    put(hidden)
    before = hidden.lstat()
    written(target).commit()
    assert (target.read_bytes(), victim.read_bytes()) == (b"abc", b"precious")
    assert (hidden.lstat(), len(names(tmp_path))) == (before, 3)


def test_two_parts_of_one_name_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "v.mp4"
    first, second = written(target, b"first"), written(target, b"second!")
    assert first.path != second.path
    assert (first.commit().bytes, second.commit().bytes) == (5, 7)
    assert (names(tmp_path), target.read_bytes()) == (["v-2.mp4", "v.mp4"], b"first")


def test_a_discarded_part_leaves_nothing(tmp_path: Path) -> None:
    part = written(tmp_path / "v.mp4")
    part.discard()
    part.discard()
    assert names(tmp_path) == []


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    assert written(tmp_path / "v.txt", b"").commit().bytes == 0
    assert (tmp_path / "v.txt").read_bytes() == b""


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    written(tmp_path / "v.mp4").commit()
    assert names(tmp_path) == ["v.mp4"]
    assert written(tmp_path / "v.mp4", b"other").commit().path == str(tmp_path / "v-2.mp4")
    assert (tmp_path / "v.mp4").read_bytes() == b"abc"


def test_a_full_disk_names_the_target_and_leaves_nothing(tmp_path: Path) -> None:
    part = PartialFile(str(tmp_path / "v.mp4"))
    part.begin(200, {})
    part._file = open("/dev/full", "wb")  # noqa: SIM115 - the part closes it
    with pytest.raises(DownloadError, match=r"v\.mp4 cannot be written") as caught:
        part.write(b"x" * 1_000_000)
    assert "space" in caught.value.hint
    part.discard()
    assert names(tmp_path) == []


def test_a_folder_that_is_a_file_by_now_names_the_target(tmp_path: Path) -> None:
    (tmp_path / "gone").write_bytes(b"")
    part = PartialFile(str(tmp_path / "gone" / "v.mp4"))
    with pytest.raises(DownloadError, match=r"gone/v\.mp4 cannot be written"):
        part.write(b"x")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_folder_that_is_gone_is_made_again(tmp_path: Path, when: str) -> None:
    target = tmp_path / "gone" / "v.mp4"
    target.parent.mkdir()
    part = written(target) if when == "after" else None
    shutil.rmtree(target.parent)
    (part or written(target)).commit()
    assert (names(target.parent), target.read_bytes()) == (["v.mp4"], b"abc")


def test_another_file_under_the_name_of_the_part_is_not_published(tmp_path: Path) -> None:
    part = written(tmp_path / "v.mp4")
    os.unlink(part.path)
    other = tmp_path / os.path.basename(part.path)
    other.write_bytes(b"not ours")
    part.commit()
    assert ((tmp_path / "v.mp4").read_bytes(), other.read_bytes()) == (b"abc", b"not ours")


def test_a_name_that_no_disk_takes_becomes_a_shorter_one(tmp_path: Path) -> None:
    part = written(tmp_path / ("é" * 200 + ".mp4"))
    saved = part.commit()
    assert "too long" in part.moved
    assert names(tmp_path) == [os.path.basename(saved.path)] == ["é" * 100 + "-2.mp4"]


def test_a_long_name_still_has_a_part(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".mp4")
    written(target).commit()
    assert names(tmp_path) == [target.name]


def test_a_target_is_checked_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    check_target(str(tmp_path / "a" / "b" / "v.mp4"), force=False)
    assert names(tmp_path / "a" / "b") == []
    check_target(str(tmp_path / "there"), force=True)
    for wrong in ("there", "dangling", "a", "there/v.mp4", "nul\0/v.mp4", "n" * 256, "d/" * 3000):
        with pytest.raises(UsageError) as caught:
            check_target(str(tmp_path / wrong), force=False)
        assert caught.value.flag == "--out"
        assert len(caught.value.message) < 500


@pytest.mark.parametrize("folder", ["/proc", "/proc/self", "/dev/fd", "/sys/kernel"])
def test_a_folder_that_takes_no_file_is_found_before(folder: str) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        check_target(f"{folder}/v.mp4", force=False)


def test_a_full_disk_is_found_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(UsageError, match="No space left"):
        check_target(str(tmp_path / "v.mp4"), force=False)
    assert names(tmp_path) == []


def test_a_path_leads_where_it_led_when_it_was_checked(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "new").symlink_to("later")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-folder").symlink_to("folder")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "to-fifo").symlink_to("fifo")

    def led(name: str) -> tuple[str, bool]:
        to = resolve(str(tmp_path / name))
        return os.path.relpath(to.path, tmp_path) + "/" * to.is_folder, to.is_stream

    assert led("folder") == led("folder/") == ("folder/", False)
    assert (led("fifo"), led("to-fifo")) == (("fifo", True), ("to-fifo", True))
    assert [led(name) for name in ("link", "new", "to-folder")] == [
        ("link", False),
        ("new", False),
        ("to-folder", False),
    ]
    assert led("none.mp4") == ("none.mp4", False)
    assert resolve("/dev/null") == ("/dev/null", True)
    for wrong in ("to-folder", "loop", "link", "new"):
        for force in (False, True):
            with pytest.raises(UsageError, match=r"is a (link|folder)"):
                check_out(str(tmp_path / wrong), action="a", force=force)


def test_templates_take_safe_words_alone() -> None:
    words: dict[str, Any] = {
        "action": "ai.v../make",
        "task_id": "../../etc/passwd",
        "extension": ".mp4",
    }
    assert target_path("{action}_{task_id}.{ext}", **words) == "ai-v-make_etc-passwd.mp4"
    assert target_path("out/", **words) == "out/ai-v-make-etc-passwd-1.mp4"
    assert target_path("out/", action="a.b") == "out/a-b.bin"
    assert target_path("plain.mp4", **words) == "plain.mp4"
    assert target_path("{other}{0}", **words) == "{other}{0}"


@pytest.mark.parametrize(
    ("url", "kind", "extension"),
    [
        ("https://h/v.MP4?sig=x.exe", "", ".mp4"),
        ("https://h/v", "video/mp4; x=1", ".mp4"),
        ("https://h/v.mp4", "image/png", ".png"),
        ("https://h/run.sh", "", ""),
        ("https://h/", "", ""),
    ],
)
def test_extensions_are_known_ones(url: str, kind: str, extension: str) -> None:
    assert extension_of(url, kind) == extension


def stream(target: str, data: bytes) -> SavedFile:
    part = StreamedFile(target)
    part.begin(200, {"content-length": str(len(data)), "etag": '"1"'})
    part.write(data)
    part.end()
    try:
        return part.commit()
    finally:
        part.discard()


@pytest.mark.parametrize("size", [0, 3, 3_000_000])
def test_a_fifo_is_written_through_once_the_file_is_whole(tmp_path: Path, size: int) -> None:
    path, data, read = tmp_path / "fifo", os.urandom(size), []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    saved = stream(str(path), data)
    reader.join()
    assert (saved.path, read) == (str(path), [data])
    assert (names(tmp_path), stat.S_ISFIFO(path.lstat().st_mode)) == (["fifo"], True)


def test_a_fifo_that_nobody_reads_or_that_is_a_file_by_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    monkeypatch.setattr(partial_file, "READER_PAUSE", 0)
    with pytest.raises(DownloadError, match="nobody reads it"):
        stream(str(path), b"abc")
    path.unlink()
    path.write_bytes(b"precious")
    with pytest.raises(DownloadError, match="a file by now"):
        stream(str(path), b"abc")
    assert path.read_bytes() == b"precious"


def test_a_stream_that_takes_nothing_is_found_before_where_it_can_be(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(UsageError, match="is not a file"):
            check_out(str(tmp_path / "socket"), action="a", force=True)
    with pytest.raises(UsageError, match="cannot be written"):
        check_out("/dev/fd/987", action="a")
    with pytest.raises(DownloadError, match="/dev/full cannot be written: No space"):
        stream("/dev/full", b"abc")
    assert stream("/dev/null", b"abc").bytes == 3
