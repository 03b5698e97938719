"""Files are known by their first bytes, and a file that was cut off by its structure."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pytest

from callsheet.errors import DownloadError
from callsheet.magic import container_of
from callsheet.storage.containers import expected_kind, is_whole
from callsheet.storage.partial_file import PartialFile

if TYPE_CHECKING:
    from pathlib import Path


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


def large(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, name, len(content) + 16) + content


MP4 = box(b"ftyp", b"isom0000") + box(b"moov", b"x" * 40) + large(b"mdat", b"y" * 99)
OPEN = box(b"ftyp", b"isom0000") + box(b"moov", b"x") + struct.pack(">I4s", 0, b"mdat") + b"yyy"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 99 + b"\0\0\0\0IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0" + b"x" * 99 + b"\xff\xd9"
GIF = b"GIF89a" + b"x" * 99 + b";"
WEBP = b"RIFF" + struct.pack("<I", 24) + b"WEBP" + b"x" * 20
KINDS = {
    "mp4": MP4, "png": PNG, "jpeg": JPEG, "gif": GIF, "webp": WEBP, "webm": b"\x1aE\xdf\xa3xx",
    "mp3": b"ID3\4", "ogg": b"OggS", "pdf": b"%PDF-1.7", "zip": b"PK\x03\x04",
    "wav": b"RIFF\x04\0\0\0WAVE",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_first_bytes_tell(kind: str) -> None:
    assert container_of(KINDS[kind]) == kind


@pytest.mark.parametrize(
    "data", [b"", b"x", b"<?xml version='1.0'?>", b'{"error": 1}', b"\xff\xff"]
)
def test_other_bytes_tell_nothing(data: bytes) -> None:
    assert container_of(data) == ""


@pytest.mark.parametrize("data", [MP4, OPEN, PNG, JPEG, GIF, WEBP])
def test_a_whole_file_is_whole(data: bytes) -> None:
    assert is_whole(io.BytesIO(data), len(data))


@pytest.mark.parametrize("data", [MP4, PNG, JPEG, GIF, WEBP])
def test_no_cut_passes_for_the_whole(data: bytes) -> None:
    for size in range(12, len(data)):
        assert not is_whole(io.BytesIO(data[:size]), size)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a/V.MP4", "mp4"), ("x.jpeg", "jpeg"), ("x.mkv", "webm"), ("x.txt", ""), ("mp4", "")],
)
def test_an_extension_promises_a_container(name: str, kind: str) -> None:
    assert expected_kind(name) == kind


def test_a_page_of_xml_is_no_film_and_another_container_is_kept(tmp_path: Path) -> None:
    for data, container in ((b"<?xml?><Error/>", None), (PNG, "png"), (MP4, "mp4")):
        part = PartialFile(str(tmp_path / "v.mp4"))
        part.write(data)
        if container is None:
            with pytest.raises(DownloadError, match="not a medium; mp4 was expected"):
                part.require_kind()
        else:
            assert part.require_kind() == container
        part.discard()


def test_a_body_without_a_length_is_complete_when_its_structure_is(tmp_path: Path) -> None:
    for cut, complete in ((len(MP4), True), (len(MP4) - 1, False)):
        part = PartialFile(str(tmp_path / "v.mp4"))
        part.begin(200, {})
        part.write(MP4[:cut])
        part.end()
        assert part.complete is complete
        part.discard()
