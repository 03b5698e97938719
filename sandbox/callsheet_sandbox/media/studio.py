"""Make each picture and video once and keep it in a folder."""

import hashlib
import os
import re
import threading
from pathlib import Path

from callsheet_sandbox.speeds import Speed


class Studio:
    """Media files by what they show; rendering is done by one thread at a time."""

    def __init__(self, folder: Path, speed: Speed) -> None:
        self.folder = folder
        self._speed = speed
        self._turn = threading.Lock()

    def video(self, prompt: str, caption: str) -> Path:
        """Return the MP4 that shows the prompt."""
        path = self._path("mp4", prompt, caption)
        with self._turn:
            if not path.exists():
                from callsheet_sandbox.media.video import render_video

                render_video(_unfinished(path), prompt, caption, self._speed)
                os.replace(_unfinished(path), path)
        return path

    def image(self, prompt: str, caption: str, aspect: str = "") -> Path:
        """Return the PNG that shows the prompt, in an aspect ratio such as ``16:9``."""
        size = _sized(aspect, self._speed.width, self._speed.height)
        path = self._path("png", prompt, caption, size)
        with self._turn:
            if not path.exists():
                from callsheet_sandbox.media.scene import render_image

                render_image(_unfinished(path), prompt, caption, size)
                os.replace(_unfinished(path), path)
        return path

    def _path(self, extension: str, *shown: object) -> Path:
        digest = hashlib.sha256(repr((self._speed, shown)).encode()).hexdigest()
        return self.folder / f"made-{digest[:32]}.{extension}"


def _unfinished(path: Path) -> Path:
    return path.with_suffix(".part")


def _sized(aspect: str, width: int, height: int) -> tuple[int, int]:
    """Return the size in pixels of an aspect ratio up to 4:1; any other text changes nothing."""
    match = re.fullmatch(r"([1-9]\d{0,3}):([1-9]\d{0,3})", aspect)
    if match is None:
        return width, height
    ratio = min(max(int(match[1]) / int(match[2]), 0.25), 4.0)
    return (width, round(width / ratio)) if ratio >= 1 else (round(width * ratio), width)
