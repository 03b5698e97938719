"""A name on disk is a complete file: nothing is overwritten, followed or left behind."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.errors import DownloadError, UsageError
from callsheet.storage.output_path import check_target, extension_of, target_path
from callsheet.storage.partial_file import PartialFile

if TYPE_CHECKING:
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
    with pytest.raises(DownloadError, match="appeared"):
        part.commit()
    part.discard()
    assert (names(tmp_path), target.read_bytes()) == (["v.mp4"], b"old")


def test_force_replaces_a_file(tmp_path: Path) -> None:
    target = tmp_path / "v.mp4"
    target.write_bytes(b"old")
    written(target, force=True).commit()
    assert (names(tmp_path), target.read_bytes()) == (["v.mp4"], b"abc")


@pytest.mark.parametrize("force", [False, True])
def test_a_link_at_the_target_is_not_followed(tmp_path: Path, force: bool) -> None:
    victim, target = tmp_path / "victim", tmp_path / "v.mp4"
    victim.write_bytes(b"precious")
    target.symlink_to(victim)
    part = written(target, force=force)
    if force:
        part.commit()
        assert (target.is_symlink(), target.read_bytes()) == (False, b"abc")
    else:
        with pytest.raises(DownloadError, match="appeared"):
            part.commit()
        part.discard()
    assert victim.read_bytes() == b"precious"


def test_a_link_at_the_part_is_not_followed_and_not_removed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    part = PartialFile(str(tmp_path / "v.mp4"))
    os.symlink(victim, part.path)
    with pytest.raises(DownloadError, match="cannot be written"):
        part.write(b"abc")
    part.discard()
    assert victim.read_bytes() == b"precious"
    assert os.path.islink(part.path)


def test_two_parts_of_one_name_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "v.mp4"
    first, second = written(target, b"first"), written(target, b"second!")
    assert first.path != second.path
    assert first.commit().bytes == 5
    with pytest.raises(DownloadError, match="appeared"):
        second.commit()
    second.discard()
    assert (names(tmp_path), target.read_bytes()) == (["v.mp4"], b"first")


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
    other = written(tmp_path / "v.mp4", b"other")
    with pytest.raises(DownloadError, match="appeared"):
        other.commit()
    assert (tmp_path / "v.mp4").read_bytes() == b"abc"
    other.discard()


def test_a_full_disk_names_the_target_and_leaves_nothing(tmp_path: Path) -> None:
    part = PartialFile(str(tmp_path / "v.mp4"))
    part.begin(200, {})
    part._file = open("/dev/full", "wb")  # noqa: SIM115 - the part closes it
    with pytest.raises(DownloadError, match=r"v\.mp4 cannot be written") as caught:
        part.write(b"x" * 1_000_000)
    assert "space" in caught.value.hint
    part.discard()
    assert names(tmp_path) == []


def test_a_folder_that_is_gone_names_the_target(tmp_path: Path) -> None:
    part = PartialFile(str(tmp_path / "gone" / "v.mp4"))
    with pytest.raises(DownloadError, match=r"gone/v\.mp4 cannot be written"):
        part.write(b"x")


def test_a_long_name_still_has_a_part(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".mp4")
    written(target).commit()
    assert names(tmp_path) == [target.name]


def test_a_target_is_checked_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    check_target(str(tmp_path / "a" / "b" / "v.mp4"), force=False)
    assert (tmp_path / "a" / "b").is_dir()
    check_target(str(tmp_path / "there"), force=True)
    for wrong in ("there", "dangling", "a", "there/v.mp4", "nul\0/v.mp4"):
        with pytest.raises(UsageError) as caught:
            check_target(str(tmp_path / wrong), force=False)
        assert caught.value.flag == "--out"


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(UsageError, match="not writable"):
        check_target(str(tmp_path / "v.mp4"), force=False)


def test_templates_take_safe_words_alone(tmp_path: Path) -> None:
    words: dict[str, Any] = {
        "action": "ai.v../make",
        "task_id": "../../etc/passwd",
        "extension": ".mp4",
    }
    assert target_path("{action}_{task_id}.{ext}", **words) == "ai-v-make_etc-passwd.mp4"
    assert target_path("out/", **words) == "out/ai-v-make-etc-passwd-1.mp4"
    assert target_path(str(tmp_path), **words) == f"{tmp_path}/ai-v-make-etc-passwd-1.mp4"
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
