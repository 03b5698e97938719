"""Read files that stand in a reply itself: data links, base64 and hexadecimal text."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import b2a_base64
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes

from callsheet.magic import HEAD, TYPES, container_of, kinds_in

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAST = 40
"""Characters that a file takes at least as text."""
_START = re.compile(r"\s*[A-Za-z0-9+/_-]{40}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]+(?:=\s*){0,2}")
_HEX = re.compile(r"\s*(?:[0-9A-Fa-f]{2}){20,}\s*")
_HEADER = re.compile(r"\s*(data:)?([\w.+-]{1,60}/[\w.+-]{1,60})?((?:;[^,;]{0,60}){0,9}),", re.I)
_HEADER_LENGTH, _STEP = 800, 1 << 20  # characters
_URL_SAFE = str.maketrans("-_", "+/")
_WEAK, _LONG = "audio/mpeg", 400
"""The type whose first two bytes may be chance, and the characters from which on they are not."""
_MEDIA = frozenset({"video", "image", "audio"})


def as_data_link(text: str, stated: str = "") -> str:
    """Return the file that a text holds as a data link; empty for a text that holds none.

    ``stated`` is the media type, or the kind of medium, that the reply names beside it. The
    first bytes decide; only SVG and sound without a header are taken for what is stated.
    """
    header = _HEADER.match(text, 0, _HEADER_LENGTH)
    if header and (header[1] or _is_base64(header[3])):
        return _checked(text, header)
    if len(text) < LEAST or not _START.match(text):
        return ""
    if _HEX.fullmatch(text) and container_of(bytes.fromhex(text.strip()[: 2 * HEAD])):
        text = b2a_base64(bytes.fromhex(text), newline=False).decode()
    media_type = _type_of(_first_bytes(text), stated)
    if not media_type or (media_type == _WEAK and len(text) < _LONG and text[:4] != "SUQz"):
        return ""
    return f"data:{media_type};base64,{text.strip()}" if _BASE64.fullmatch(text) else ""


def _is_base64(parameters: str) -> bool:
    return ";base64" in parameters.lower()


def _checked(text: str, header: re.Match[str]) -> str:
    """Return a data link under the type that its bytes have; empty where it is not a medium."""
    stated = (header[2] or "").lower()
    payload = text[header.end() :]
    media_type = _type_of(_first_bytes(payload), stated) if _is_base64(header[3]) else ""
    if not media_type and stated.partition("/")[0] not in _MEDIA:
        return ""
    if header[1] and media_type in {"", stated}:
        return text.strip()
    return f"data:{media_type or stated};base64,{payload.strip()}"


def _first_bytes(text: str) -> bytes:
    """Decode the first bytes of base64; return none where it is something else."""
    start = "".join(unquote(text[:_HEADER_LENGTH]).split()).translate(_URL_SAFE)
    start = start[: 4 * HEAD].rstrip("=")
    try:
        return b64decode(start[: len(start) // 4 * 4], validate=True)
    except ValueError:
        return b""


def _type_of(head: bytes, stated: str) -> str:
    """Return the media type of a file that begins with ``head``; a stated kind tells MP4 apart."""
    container, stated = container_of(head), stated.lower()
    kind, slash, _ = stated.partition("/")
    if not container:
        is_drawing = head.lstrip()[:4] == b"<svg"
        return "image/svg+xml" if is_drawing else stated if slash and kind == "audio" else ""
    usual = TYPES[container]
    is_other = kind in kinds_in(container) and not usual.startswith(kind)
    return f"{kind}/{usual.partition('/')[2]}" if is_other else usual


def is_data_link(link: str) -> bool:
    """Tell whether a link holds the file itself."""
    return link[:5].lower() == "data:"


def kind_of_link(link: str) -> str:
    """Return the kind of medium that a data link holds; ``file`` for a document or an archive."""
    kind = link[5:80].partition("/")[0].lower()
    return kind if kind in _MEDIA else "file"


def shorten(link: str) -> str:
    """Return a link as it may be shown: of a data link its type and its size alone."""
    if not is_data_link(link):
        return link
    head, _, payload = link.partition(",")
    size = len(payload.rstrip("=")) * 3 // 4 if _is_base64(head) else len(payload)
    return f"{head.partition(';')[0]} ({size:,} bytes)"


def decode(link: str) -> Iterator[bytes]:
    """Yield the bytes of a data link, a part at a time; raise ``ValueError`` for broken base64."""
    head, _, payload = link.partition(",")
    if not _is_base64(head):
        yield unquote_to_bytes(payload)
        return
    payload, rest = unquote(payload) if "%" in payload else payload, ""
    for start in range(0, len(payload), _STEP):
        rest += "".join(payload[start : start + _STEP].split()).translate(_URL_SAFE)
        whole = len(rest) // 4 * 4
        yield b64decode(rest[:whole], validate=True)
        rest = rest[whole:]
    if rest:
        yield b64decode(rest + "=" * (-len(rest) % 4), validate=True)
