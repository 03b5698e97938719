"""Check that a file is of the kind that was asked for, and whole."""

from __future__ import annotations

import os
import struct
from typing import IO

from callsheet.errors import WrongKind
from callsheet.magic import HEAD, container_of, kinds_in

_BY_EXTENSION = {
    **dict.fromkeys((".mp4", ".m4v", ".m4a", ".mov"), "mp4"),
    **dict.fromkeys((".webm", ".mkv"), "webm"),
    **dict.fromkeys((".jpg", ".jpeg"), "jpeg"),
    **{f".{kind}": kind for kind in ("png", "gif", "webp", "wav", "ogg", "mp3", "pdf", "zip")},
}
_TEXT_STARTS = (b"{", b"[", b"<", b'"')
_STREAMED = 0xFFFFFFFF  # the length of a RIFF file that was written before its end was known
_TAIL = 4096


def expected_kind(name: str) -> str:
    """Return the container that the extension of a name promises; empty where it promises none."""
    return _BY_EXTENSION.get(os.path.splitext(name)[1].lower(), "")


def require_kind(name: str, head: bytes, expected: frozenset[str] = frozenset()) -> str:
    """Return the container that a file begins as; raise ``WrongKind`` for the wrong kind.

    A name that promises a container must hold one, though it may be another one of the same
    kind: a paid file is never thrown away over its extension. ``expected`` are the kinds of
    medium that were asked for (``video``, ``image``, ``audio``, ``file``).
    """
    wanted, container = expected_kind(name), container_of(head)
    kinds = kinds_in(container)
    if kinds and expected and not kinds & expected:
        raise WrongKind(f"the link leads to a {container} file, not to {_listing(expected)}")
    is_text = bool(expected) and head.lstrip()[:1] in {*_TEXT_STARTS} and "image" not in expected
    if (wanted or is_text) and not container:
        promised = wanted or _listing(expected)
        raise WrongKind(
            f"the link leads to a file that is not a medium; {promised} was expected",
            hint="--json shows the link",
        )
    return container


def _listing(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))


def is_whole(file: IO[bytes], size: int) -> bool:
    """Tell whether a file of ``size`` bytes ends where its structure says; true where none does."""
    file.seek(0)
    kind = container_of(file.read(HEAD))
    if kind == "mp4":
        return _boxes_end(file, size)
    if kind in {"webp", "wav", "avi"}:
        file.seek(4)
        length = int(struct.unpack("<I", file.read(4))[0])
        return length == _STREAMED or length + 8 <= size
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
