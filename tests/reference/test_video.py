"""The file that a command saves: a playing video with the prompt in it, the first of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
from PIL import Image, ImageChops, ImageStat
from reference.jobs import start

from callsheet_sandbox.media.lettering import lettering

if TYPE_CHECKING:
    from pathlib import Path

    from program import Program

    from callsheet_sandbox.server import Running

PROMPT = "ocean waves at sunset"
CAPTION = "text-to-video · kie · bytedance/seedance-2-mini"


def frames(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def distance(frame: Image.Image, prompt: str) -> float:
    """Return how far a frame is from showing a prompt, as 0 to 255, where its letters would be."""
    text = lettering(prompt, CAPTION, frame.size)
    opaque = text.getchannel("A").point(lambda alpha: 255 if alpha == 255 else 0)
    apart = ImageChops.difference(frame, text.convert("RGB"))
    return sum(ImageStat.Stat(apart, opaque).mean) / 3


def test_the_file_plays_and_shows_the_prompt(ads: Program) -> None:
    completed = ads.run("video", "generate", "--prompt", PROMPT, "--out", "waves.mp4")
    assert completed.code == 0, completed.stderr
    path = ads.folder / "waves.mp4"

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec, rate = stream.codec_context.name, stream.average_rate
    pictures = frames(path)
    assert codec == "h264"
    assert rate is not None
    assert len(pictures) / rate >= 2
    assert max(distance(frame, PROMPT) for frame in pictures) < 20
    assert min(distance(frame, "a quiet mountain lake") for frame in pictures) > 80


def test_another_prompt_gives_another_picture(ads: Program) -> None:
    for name, prompt in (("waves.mp4", PROMPT), ("lake.mp4", "a quiet mountain lake")):
        assert ads.run("video", "generate", "--prompt", prompt, "--out", name).code == 0
    waves, lake = (frames(ads.folder / name) for name in ("waves.mp4", "lake.mp4"))

    assert ImageStat.Stat(ImageChops.difference(waves[0], lake[0])).mean != [0, 0, 0]


def test_the_first_of_several_videos_is_saved(ads: Program, sandbox: Running) -> None:
    first, second = (start(sandbox, running=False) for _ in range(2))
    links = [{"videoUrl": f"{sandbox.url}/media/{task}.mp4"} for task in (first, second)]
    reply = {"taskId": first, "status": "success", "videos": links}
    sandbox.add_action({**ANSWER, "reply": reply})

    completed = ads.run("video", "generate", "--prompt", "kites", "--out", "one.mp4")
    assert completed.code == 0, completed.stderr
    assert completed.json["videoUrl"] == links[0]["videoUrl"]
    assert [path.name for path in ads.folder.iterdir()] == ["one.mp4"]


ANSWER = {
    "id": "ai.video.generate",
    "does": "reply",
    "input": {"type": "object", "properties": {"prompt": {"type": "string"}}},
    "cost": 50,
}


def test_an_output_folder_is_made_and_kept(ads: Program) -> None:
    words = ("video", "generate", "--prompt", "kites", "--out", "./output/video.mp4")
    first, again, forced = (ads.run(*more) for more in (words, words, (*words, "--force")))

    assert (first.code, again.code, forced.code) == (0, 2, 0)
    assert "--force" in again.stderr
    assert (ads.folder / "output" / "video.mp4").is_file()


def test_without_credit_the_server_says_why(ads: Program, sandbox: Running) -> None:
    sandbox.set_credits(49)
    completed = ads.run("video", "generate", "--prompt", "kites")

    assert completed.code == 7
    assert "Insufficient credits: this costs 50, the balance is 49" in completed.stderr
    assert sandbox.charges() == []
