"""A local picture that does not exist is refused on a media field, however it is given."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.conftest import BareProgram

VIDEO = ("video", "generate", "--prompt", "x", "--no-wait")
IMAGE = "https://a.example/1.png"
HOSTED = {
    "id": "film.make",
    "description": "Makes a film.",
    "input": {
        "type": "object",
        "properties": {
            "prompt": {"type": "string"},
            "style": {"type": "string"},
            "model": {"type": "string"},
            "imagePrompt": {"type": "string"},
            "first_frame_image": {"type": "string"},
            "referenceImages": {"type": "array", "items": {"type": "string"}},
            "video_url": {"type": "string"},
        },
    },
}


def whole(**fields: object) -> tuple[str, ...]:
    return ("--input", json.dumps({"prompt": "x", **fields}))


REFUSED = [
    ((*VIDEO, "--image-input", "gone.png"), "--image-input at /0", "gone.png"),
    ((*VIDEO, "--image-input", "pictures/gone"), "--image-input at /0", "pictures/gone"),
    ((*VIDEO, "--image-input", "/uploads/a.png"), "--image-input at /0", "/uploads/a.png"),
    ((*VIDEO, "--image-input", f"{IMAGE},gone.png"), "--image-input at /0", "gone.png"),
    ((*VIDEO, "--image-input", f"gone.png,{IMAGE}"), "--image-input at /0", "gone.png"),
    ((*VIDEO, "--image-input", IMAGE, "--image-input", "a/b"), "--image-input at /1", "a/b"),
    ((*VIDEO, "--image-input", '["gone.png"]'), "--image-input at /0", "gone.png"),
    ((*VIDEO, "--image-input", "here.png,gone.png"), "--image-input at /0", "gone.png"),
    ((*VIDEO, "--image-input", "here.png", "--image-input", "gone.png"),
     "--image-input at /1", "gone.png"),
    ((*VIDEO, "--video-input", "gone.mp4"), "--video-input at /0", "gone.mp4"),
    ((*VIDEO, "--image-input", "gone.png", "--dry-run"), "--image-input at /0", "gone.png"),
    (("video", "generate", *whole(imageInput=["a/b"])), "--image-input at /0", "a/b"),
    (("call", "ai.video.generate", *whole(imageInput=["a/b"])), "--image-input at /0", "a/b"),
    (("call", "ai.video.generate", "--prompt", "x", "--image-input", "a/b"),
     "--image-input at /0", "a/b"),
    (("storage", "upload-image", "--data", "gone.png"), "--data", "gone.png"),
    (("film", "make", "--first-frame-image", "gone.jpg"), "--first-frame-image", "gone.jpg"),
    (("film", "make", "--video-url", "films/gone"), "--video-url", "films/gone"),
    (("film", "make", "--reference-images", "gone.png"), "--reference-images at /0", "gone.png"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "place", "path"), REFUSED)
def test_nothing_is_sent(ads: BareProgram, words: tuple[str, ...], place: str, path: str) -> None:
    (ads.folder / "here.png").write_bytes(b"x")
    ads.server.add_action(HOSTED)
    done = ads(*words)

    assert (done.code, done.error["code"]) == (2, "invalid_input"), done.err
    assert done.error["message"] == f"{place}: there is no file {path!r}"
    assert done.error["flag"] == place.partition(" ")[0]
    assert "--no-check" in done.error["hint"]
    assert ads.posts() == []


def test_a_field_without_a_flag_is_named_as_well(ads: BareProgram) -> None:
    done = ads("image", "generate", *whole(imageInput=["gone.png"]))

    assert (done.code, done.error["flag"]) == (2, "--input")
    assert done.error["message"] == "/imageInput/0: there is no file 'gone.png'"
    assert ads.posts() == []


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (("--video-url", "films/gone"), "video_url", "films/gone"),
        (("--reference-images", "gone.png"), "referenceImages", ["gone.png"]),
        (("--input", '{"video_url": "gone.mp4"}'), "video_url", "gone.mp4"),
    ],
)
def test_no_check_sends_it_as_it_is(
    ads: BareProgram, words: tuple[str, ...], field: str, value: object
) -> None:
    ads.server.add_action(HOSTED)
    done = ads("film", "make", *words, "--no-check")

    assert "there is no file" in done.err
    assert [body[field] for _, body in ads.posts()] == [value]


def test_texts_and_names_of_assets_are_sent(ads: BareProgram) -> None:
    ads.server.add_action(HOSTED)
    texts = {"prompt": "a/b.png", "style": "x.png", "model": "a/b-1.5", "imagePrompt": "c.png"}
    flags = ("--prompt", "a/b.png", "--style", "x.png", "--model", "a/b-1.5")
    media = ("--reference-images", "asset_123", "--reference-images", "v2.0", "--video-url", IMAGE)
    done = ads("film", "make", *flags, "--image-prompt", "c.png", *media)

    assert "there is no file" not in done.err
    sent = {"referenceImages": ["asset_123", "v2.0"], "video_url": IMAGE}
    assert [body for _, body in ads.posts()] == [{**texts, **sent}]


MANY = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}
TAKES_BYTES = {
    "id": "film.cut",
    "description": "Cuts a film.",
    "input": {
        "type": "object",
        "properties": {
            "image": {"type": "string", "contentEncoding": "base64"},
            "image_urls": MANY,
            "photo": {"type": "string", "format": "data-uri"},
        },
    },
}
CONTENT = b"\x89PNG\r\n\x1a\nx"
ENCODED = base64.b64encode(CONTENT).decode()


def test_a_field_that_takes_the_file_itself_gets_it(ads: BareProgram) -> None:
    (ads.folder / "a.png").write_bytes(CONTENT)
    ads.server.add_action(TAKES_BYTES)
    done = ads("film", "cut", "--image", "a.png", "--photo", "@a.png", "--image-urls", IMAGE)

    assert done.code in {0, 5}, done.err
    (_, body), = ads.posts()  # fmt: skip
    assert body["image"] == ENCODED
    assert body["photo"] == f"data:image/png;base64,{ENCODED}"


def test_a_flag_of_one_or_many_collects_its_uses(ads: BareProgram) -> None:
    ads.server.add_action(TAKES_BYTES)
    for count in (1, 2):
        ads("film", "cut", *("--image-urls", IMAGE) * count)

    assert [body["image_urls"] for _, body in ads.posts()] == [IMAGE, [IMAGE, IMAGE]]


def test_a_dry_run_says_how_each_file_would_go(ads: BareProgram) -> None:
    (ads.folder / "a.png").write_bytes(CONTENT)
    ads.server.add_action(TAKES_BYTES)
    done = ads("film", "cut", "--image", "a.png", "--image-urls", "a.png", "--dry-run")

    assert "a.png would go out inside the body, as base64" in done.err
    assert "uploaded first, by storage.upload_image, as a data URI in `data`" in done.err
    assert ads.posts() == []


def test_the_same_picture_is_uploaded_once(ads: BareProgram) -> None:
    (ads.folder / "a.png").write_bytes(CONTENT)
    for _ in range(2):
        done = ads(*VIDEO, "--image-input", "a.png")
        assert done.code == 0, done.err

    assert [action for action, _ in ads.posts()].count("storage.upload_image") == 1
