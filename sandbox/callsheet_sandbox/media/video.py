"""Render a short moving scene with the prompt in it as an H.264 MP4."""

import colorsys
import hashlib
import math
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image, ImageDraw

from callsheet_sandbox.media.lettering import lettering
from callsheet_sandbox.speeds import Speed

_WAVES = 3


def render_video(path: Path, prompt: str, caption: str, speed: Speed) -> None:
    """Write the video to `path`: yuv420p, its index in front, size and length of the speed."""
    size = (speed.width, speed.height)
    sky, colours = _sky(prompt, size), _colours(prompt)
    text = lettering(prompt, caption, size)
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=speed.fps)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, speed.fps)
        stream.options = {"preset": "veryfast", "crf": "26"}
        total = int(speed.length * speed.fps)
        for number in range(total):
            picture = _scene(sky, colours, number / total)
            picture.paste(text, mask=text)
            frame = av.VideoFrame.from_bytes(picture.convert("RGBA").tobytes(), *size)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _hue(prompt: str) -> float:
    return hashlib.sha256(prompt.encode()).digest()[0] / 255


def _colour(hue: float, light: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hls_to_rgb(hue % 1, light, 0.6)
    return int(red * 255), int(green * 255), int(blue * 255)


def _colours(prompt: str) -> list[tuple[int, int, int]]:
    return [_colour(_hue(prompt) + 0.06 * n, 0.42 - 0.1 * n) for n in range(_WAVES)]


def _sky(prompt: str, size: tuple[int, int]) -> Image.Image:
    """Return a gradient from a light colour to a warm one, chosen by the prompt."""
    start, end = _colour(_hue(prompt) + 0.5, 0.3), _colour(_hue(prompt) + 0.58, 0.68)
    strip = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, end), Image.new("RGB", size, start), strip)


def _scene(sky: Image.Image, colours: list[tuple[int, int, int]], time: float) -> Image.Image:
    """Return the scene at `time`, 0 to 1: a sun that crosses the sky behind running waves."""
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


def render_image(path: Path, prompt: str, caption: str, speed: Speed) -> None:
    """Write one frame of the scene with the prompt to `path` as PNG."""
    size = (speed.width, speed.height)
    picture = _scene(_sky(prompt, size), _colours(prompt), 0.4)
    text = lettering(prompt, caption, size)
    picture.paste(text, mask=text)
    picture.save(path, format="PNG")
