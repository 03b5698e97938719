"""Draw the scene: a sun that crosses the sky behind running waves, and the prompt before it."""

import colorsys
import hashlib
import math
from pathlib import Path

from PIL import Image, ImageDraw

from callsheet_sandbox.media.lettering import lettering

_WAVES = 3


class Scene:
    """The scene of one prompt; its colours, text and size (in pixels) stay, only time moves."""

    def __init__(self, prompt: str, caption: str, size: tuple[int, int]) -> None:
        self._sky = _sky(prompt, size)
        self._colours = _colours(prompt)
        self._text = lettering(prompt, caption, size)

    def at(self, time: float) -> Image.Image:
        """Return the picture at `time`, from 0 to 1."""
        picture = _drawn(self._sky, self._colours, time)
        picture.paste(self._text, mask=self._text)
        return picture


def render_image(path: Path, prompt: str, caption: str, size: tuple[int, int]) -> None:
    """Write the scene with the prompt to `path` as PNG."""
    Scene(prompt, caption, size).at(0.4).save(path, format="PNG")


def _shade(prompt: str, hue: float, light: float) -> tuple[int, int, int]:
    """Return a colour near `hue` (0 to 1); the prompt moves it a little."""
    moved = hue + (hashlib.sha256(prompt.encode()).digest()[0] / 255 - 0.5) * 0.12
    red, green, blue = colorsys.hls_to_rgb(moved % 1, light, 0.6)
    return int(red * 255), int(green * 255), int(blue * 255)


def _colours(prompt: str) -> list[tuple[int, int, int]]:
    return [_shade(prompt, 0.55 + 0.03 * n, 0.42 - 0.1 * n) for n in range(_WAVES)]


def _sky(prompt: str, size: tuple[int, int]) -> Image.Image:
    """Return a gradient from dusk above to a warm glow at the horizon."""
    above, below = _shade(prompt, 0.72, 0.3), _shade(prompt, 0.06, 0.68)
    strip = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, below), Image.new("RGB", size, above), strip)


def _drawn(sky: Image.Image, colours: list[tuple[int, int, int]], time: float) -> Image.Image:
    picture = sky.copy()
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    x, y = width * (0.15 + 0.7 * time), height * (0.3 + 0.12 * math.cos(math.tau * time))
    sun = height * 0.11
    draw.ellipse((x - sun, y - sun, x + sun, y + sun), fill=(255, 236, 179))
    for number, colour in enumerate(colours):
        level = height * (0.58 + 0.14 * number)
        swell = height * (0.05 + 0.015 * number)
        phase = math.tau * time * (2 + number)
        crest = [
            (at, level + swell * math.sin(at / width * math.tau * (1.5 + 0.5 * number) + phase))
            for at in range(0, width + 8, 8)
        ]
        draw.polygon([*crest, (width + 8, height), (0, height)], fill=colour)
    return picture
