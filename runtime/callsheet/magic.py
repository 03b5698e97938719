"""Tell which container a file is, and which kind of medium, by its first bytes."""

from __future__ import annotations

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
    (b"glTF", "glb"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"FLV\x01", "flv"),
)
_NESTED = {
    b"RIFF": {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"},
    b"FORM": {b"AIFF": "aiff", b"AIFC": "aiff"},
}
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
TYPES = {
    **{kind: f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "tiff")},
    **{kind: f"audio/{kind}" for kind in ("wav", "flac", "aiff", "ogg")},
    **{kind: f"application/{kind}" for kind in ("pdf", "zip")},
    **{kind: f"video/{kind}" for kind in ("mp4", "webm")},
    "mp3": "audio/mpeg",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "glb": "model/gltf-binary",
}
"""The media type of each container."""
_NO_SYNC = (0xFE, 0xFF)  # a byte order mark, and no audio
_MEDIA_TYPES = frozenset({"video", "audio", "image", "model", "font"})
_BINARY_TYPES = frozenset(
    f"application/{name}"
    for name in (
        *("octet-stream", "binary", "zip", "x-zip", "x-zip-compressed", "pdf", "gzip", "x-tar"),
        *("ogg", "mp4", "x-binary", "download", "force-download", "x-download"),
    )
) | {"binary/octet-stream"}
_TEXT_STARTS = (b"{", b"[", b"<", b'"')
_EITHER = frozenset({"mp4", "webm", "ogg"})
HEAD = 64
SHORTEST = 12
"""Bytes by which a container can be told at the latest; none is as short."""


def container_of(head: bytes) -> str:
    """Return the container by a file's first bytes, such as ``mp4``; empty for an unknown one."""
    if head[4:8] in _BOXES:
        return "avif" if head[8:12] in _PICTURE_BRANDS else "mp4"
    if head[:4] in _NESTED:
        return _NESTED[head[:4]].get(head[8:12], "")
    is_sync = head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0
    if is_sync and head[1] not in _NO_SYNC:
        return "jpeg" if head[:3] == b"\xff\xd8\xff" else "mp3"
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")


def kinds_in(container: str) -> frozenset[str]:
    """Return which of video, audio, image and file a container may hold; none if unknown."""
    if container in _EITHER:
        return frozenset({"video", "audio"})
    kind = TYPES.get(container, "").partition("/")[0]
    return frozenset({kind if kind in {"video", "image", "audio"} else "file"} if kind else ())


def kinds_of_file(container: str, media_type: str = "") -> frozenset[str]:
    """Return which of video, audio, image and file a file may be; empty where nothing tells.

    A known container decides; the media type chooses between its kinds, and decides alone
    where the container is unknown (``""``).
    """
    main, _, subtype = media_type.partition("/")
    kinds = kinds_in(container)
    if main in kinds:
        return frozenset({main})
    if kinds or main in {"video", "audio", "image"}:
        return kinds or frozenset({main})
    return frozenset({"file"}) if subtype and subtype != "octet-stream" else kinds


def is_medium(media_type: str, head: bytes) -> bool:
    """Tell whether a body is a medium, not text: by its first bytes, else by its media type.

    ``media_type`` has no parameters; it may be wrong or empty.
    """
    if container_of(head) or media_type == "image/svg+xml":
        return True
    is_binary = media_type.partition("/")[0] in _MEDIA_TYPES or media_type in _BINARY_TYPES
    return is_binary and bool(head) and head.lstrip()[:1] not in _TEXT_STARTS
