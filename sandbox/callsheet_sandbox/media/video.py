"""Render the scene of a prompt as a short H.264 MP4."""

from fractions import Fraction
from pathlib import Path

import av

from callsheet_sandbox.media.scene import Scene
from callsheet_sandbox.speeds import Speed


def render_video(path: Path, prompt: str, caption: str, speed: Speed) -> None:
    """Write the video to `path`: yuv420p, its index in front, size and length of the speed."""
    size = (speed.width, speed.height)
    scene = Scene(prompt, caption, size)
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=speed.fps)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, speed.fps)
        stream.options = {"preset": "veryfast", "crf": "26"}
        total = int(speed.length * speed.fps)
        for number in range(total):
            picture = scene.at(number / total).convert("RGBA")
            frame = av.VideoFrame.from_bytes(picture.tobytes(), *size)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
