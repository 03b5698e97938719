"""Small real media: what lies under ``/f/`` on the server of a case, and what a file holds."""

from __future__ import annotations

import functools
import io
import struct
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from callsheet_sandbox.media.video import render_video
from callsheet_sandbox.speeds import Speed

BIG = 50_000
_SPEED = Speed(0.0, 0.0, None, 0, width=96, height=64, fps=6, length=0.5)
_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "wav": "audio/wav",
    "html": "text/html",
}


@dataclass(frozen=True)
class Media:
    """The bytes of each kind of file."""

    good: bytes
    big: bytes
    other: bytes
    png: bytes
    cover: bytes
    gif: bytes
    wav: bytes

    def under(self, name: str) -> tuple[bytes, str]:
        """Return the bytes and the content type of a file under ``/f/``."""
        ending = name.rpartition(".")[2].lower()
        if name.endswith(("good", "good.mp4")):
            return self.good, "video/mp4"
        if ending == "mp4":
            return (self.big if name == "big.mp4" else self.other), "video/mp4"
        files = {"png": self.png, "jpg": self.cover, "gif": self.gif, "wav": self.wav}
        content = files.get(ending, f"<html>a page: {name}</html>".encode())
        return content, _TYPES.get(ending, "text/plain")

    def kind(self, path: Path) -> str:
        """Return what lies at a path: the name of a medium, ``json``, ``other`` or ``none``."""
        if not path.is_file():
            return "none"
        content = path.read_bytes()
        for name in ("good", "big", "png", "wav", "cover"):
            if content == getattr(self, name):
                return name
        return "json" if content.lstrip()[:1] in {b"{", b"["} else "other"


@functools.cache
def make() -> Media:
    """Render the media, once a process."""
    with tempfile.TemporaryDirectory() as folder:
        good = _video(Path(folder, "good.mp4"), "good")
        other = _video(Path(folder, "other.mp4"), "other")
    return Media(
        good=good,
        big=_padded(good, BIG),
        other=other,
        png=_picture("png", "teal"),
        cover=_picture("jpeg", "brown"),
        gif=_picture("gif", "olive"),
        wav=_sound(),
    )


def _video(path: Path, words: str) -> bytes:
    render_video(path, words, words, _SPEED)
    return path.read_bytes()


def _padded(video: bytes, size: int) -> bytes:
    """Append a box that players skip, so that the video has at least this many bytes."""
    length = max(8, size - len(video))
    return video + struct.pack(">I4s", length, b"free") + bytes(length - 8)


def _picture(kind: str, colour: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(content, kind)
    return content.getvalue()


def _sound() -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(800))
    return content.getvalue()
