"""Videos and pictures are real, show the prompt, and are made once."""

import time
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops

from callsheet_sandbox.media.lettering import lettering
from callsheet_sandbox.media.studio import Studio
from callsheet_sandbox.speeds import SPEEDS


@pytest.mark.parametrize(
    ("speed", "size", "frames", "seconds"),
    [("fast", (320, 180), 24, 2.0), ("demo", (640, 360), 72, 3.0)],
)
def test_video(
    tmp_path: Path, speed: str, size: tuple[int, int], frames: int, seconds: float
) -> None:
    path = Studio(tmp_path, SPEEDS[speed]).video("ocean waves at sunset", "text-to-video")
    with av.open(path) as container:
        stream = container.streams.video[0]
        pictures = [frame.to_image() for frame in container.decode(stream)]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert container.duration == seconds * av.time_base
    assert len(pictures) == frames
    assert pictures[0].size == size
    assert ImageChops.difference(pictures[0], pictures[-6]).getbbox() is not None


def test_the_index_stands_in_front(tmp_path: Path) -> None:
    content = Studio(tmp_path, SPEEDS["fast"]).video("waves", "").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_prompt_is_in_the_frames(tmp_path: Path) -> None:
    """Check that a decoded frame is light where the lettering is white."""
    path = Studio(tmp_path, SPEEDS["demo"]).video("ocean waves", "")
    ink = lettering("ocean waves", "", (640, 360)).getchannel("R").point(lambda v: v // 255 * 255)
    with av.open(path) as container:
        frame = next(container.decode(video=0)).to_image().convert("L")
    inked = Image.composite(frame, Image.new("L", frame.size, 0), ink)
    share = sum(inked.histogram()[180:]) / max(sum(ink.histogram()[255:]), 1)
    assert sum(ink.histogram()[255:]) > 1000
    assert share > 0.85


def test_a_long_prompt_stays_inside(tmp_path: Path) -> None:
    layer = lettering("a very long prompt " * 40, "caption", (320, 180))
    box = layer.getchannel("R").point(lambda v: v // 255 * 255).getbbox()
    assert box is not None
    assert (box[0] > 0, box[2] < 320, box[3] <= 180) == (True, True, True)


def test_a_fast_video_is_quick(tmp_path: Path) -> None:
    studio = Studio(tmp_path, SPEEDS["fast"])
    studio.video("warm up", "")
    spent = []
    for number in range(5):
        start = time.process_time()
        studio.video(f"waves {number}", "")
        spent.append(time.process_time() - start)
    assert min(spent) < 0.15


def test_a_file_is_made_once(tmp_path: Path) -> None:
    studio = Studio(tmp_path, SPEEDS["fast"])
    first = studio.video("waves", "a").stat()
    assert studio.video("waves", "a").stat() == first
    assert studio.video("waves", "b").stat().st_ino != first.st_ino
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".mp4", ".mp4"]


@pytest.mark.parametrize(
    ("aspect", "size"),
    [("", (320, 180)), ("1:1", (320, 320)), ("9:16", (180, 320)), ("wide", (320, 180))],
)
def test_image(tmp_path: Path, aspect: str, size: tuple[int, int]) -> None:
    path = Studio(tmp_path, SPEEDS["fast"]).image("a cup", "", aspect)
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("PNG", size)
