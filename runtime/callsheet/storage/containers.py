"""Recognise file kinds by their bytes."""

from __future__ import annotations

import os
import struct
from typing import IO

from callsheet.errors import WrongKind

_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp")
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"%PDF", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"fLaC", "flac"),
)
_RIFF = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}
_BY_EXTENSION = {
    **dict.fromkeys((".mp4", ".m4v", ".m4a", ".mov"), "mp4"),
    **dict.fromkeys((".webm", ".mkv"), "webm"),
    **dict.fromkeys((".jpg", ".jpeg"), "jpeg"),
    **{f".{kind}": kind for kind in ("png", "gif", "webp", "wav", "ogg", "mp3", "pdf", "zip")},
}
_MEDIA_KINDS = {
    **dict.fromkeys(("mp4", "webm", "ogg"), frozenset({"video", "audio"})),
    **dict.fromkeys(("wav", "mp3", "flac"), frozenset({"audio"})),
    **dict.fromkeys(("png", "jpeg", "gif", "webp", "avif"), frozenset({"image"})),
    **dict.fromkeys(("pdf", "zip"), frozenset({"file"})),
    "avi": frozenset({"video"}),
}
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_TEXT_STARTS = (b"{", b"[", b"<", b'"')
_TAIL = 4096
HEAD = 64
SHORTEST = 12
"""Bytes by which a container can be told at the latest; none is as short."""


def kind_of(head: bytes) -> str:
    """Return the container that a file begins as, such as ``mp4``; empty for an unknown one."""
    if head[4:8] in _BOXES:
        return "avif" if head[8:12] in _PICTURE_BRANDS else "mp4"
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "")
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0 and head[1] != 0xFF:
        return "jpeg" if head[:3] == b"\xff\xd8\xff" else "mp3"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def expected_kind(name: str) -> str:
    """Return the container that the extension of a name promises; empty where it promises none."""
    return _BY_EXTENSION.get(os.path.splitext(name)[1].lower(), "")


def require_kind(name: str, head: bytes, expected: frozenset[str] = frozenset()) -> str:
    """Return the container that a file begins as; raise ``WrongKind`` for the wrong kind.

    A name that promises a container must hold one, though it may be another one of the same
    kind: a paid file is never thrown away over its extension. ``expected`` are the kinds of
    medium that were asked for (``video``, ``image``, ``audio``, ``file``).
    """
    wanted, container = expected_kind(name), kind_of(head)
    kinds = _MEDIA_KINDS.get(container, frozenset())
    if kinds and expected and not kinds & expected:
        raise WrongKind(f"the link leads to a {container} file, not to {_listing(expected)}")
    is_text = bool(expected) and head.lstrip()[:1] in {*_TEXT_STARTS} and "image" not in expected
    if (wanted or is_text) and not container:
        promised = wanted or _listing(expected)
        raise WrongKind(
            f"the link leads to something that is no {promised} or other medium",
            hint="--json shows the link",
        )
    return container


def _listing(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))


def is_whole(file: IO[bytes], size: int) -> bool:
    """Tell whether a file of ``size`` bytes ends where its structure says; true where none does."""
    file.seek(0)
    kind = kind_of(file.read(HEAD))
    if kind == "mp4":
        return _boxes_end(file, size)
    if kind in {"webp", "wav", "avi"}:
        file.seek(4)
        return int(struct.unpack("<I", file.read(4))[0]) + 8 <= size
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    if kind == "png":
        return b"IEND\xaeB`\x82" in tail
    if kind == "jpeg":
        return b"\xff\xd9" in tail
    return tail.rstrip(b"\0").endswith(b";") if kind == "gif" else True


def _boxes_end(file: IO[bytes], size: int) -> bool:
    """Tell whether the boxes of an MP4 fill the file, with media and an index among them."""
    offset, names = 0, set()
    while offset + 8 <= size:
        file.seek(offset)
        length, name = struct.unpack(">I4s", file.read(8))
        if length == 1:
            more = file.read(8)
            length = struct.unpack(">Q", more)[0] if len(more) == 8 else 0
        elif length == 0:  # to the end of the file
            length = size - offset
        if length < 8:
            return False
        names.add(name)
        offset += length
    return offset == size and b"mdat" in names and bool(names & {b"moov", b"moof"})
