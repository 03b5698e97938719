"""Make each picture and video once and keep it in a folder."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

from callsheet_sandbox.speeds import Speed

Render = Callable[[Path, str, str, Speed], None]


class Studio:
    """Media files by what they show; rendering is done by one thread at a time."""

    def __init__(self, folder: Path, speed: Speed) -> None:
        self.folder = folder
        self._speed = speed
        self._turn = threading.Lock()

    def video(self, prompt: str, caption: str) -> Path:
        """Return the MP4 that shows the prompt."""
        return self._made("mp4", prompt, caption)

    def image(self, prompt: str, caption: str) -> Path:
        """Return the PNG that shows the prompt."""
        return self._made("png", prompt, caption)

    def _made(self, extension: str, prompt: str, caption: str) -> Path:
        told = repr((self._speed, prompt, caption)).encode()
        path = self.folder / f"made-{hashlib.sha256(told).hexdigest()[:32]}.{extension}"
        with self._turn:
            if not path.exists():
                unfinished = path.with_suffix(".part")
                _renderer(extension)(unfinished, prompt, caption, self._speed)
                os.replace(unfinished, path)
        return path


def _renderer(extension: str) -> Render:
    # Pillow and PyAV take a fifth of a second to import: only what renders pays for it.
    from callsheet_sandbox.media import video

    return video.render_video if extension == "mp4" else video.render_image
