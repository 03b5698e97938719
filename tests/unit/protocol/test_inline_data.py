"""Files that stand in a reply become data links, whatever they are written in."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from callsheet.protocol.inline_data import as_data_link, decode, is_data_link, shorten
from callsheet.protocol.replies import read_reply

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
MP4 = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 8
MP3 = b"\xff\xfb\x90\x64" + bytes(400)
PCM = bytes(range(1, 200))
KINDS = {"video": MP4, "image": PNG, "audio": MP3}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def wrapped(data: bytes) -> str:
    return base64.encodebytes(data).decode()


@pytest.mark.parametrize(
    ("text", "stated", "media_type", "data"),
    [
        (encoded(PNG), "", "image/png", PNG),
        (wrapped(MP4), "", "video/mp4", MP4),
        (base64.urlsafe_b64encode(MP4).decode().rstrip("="), "", "video/mp4", MP4),
        (encoded(MP3), "", "audio/mpeg", MP3),
        (MP3.hex(), "", "audio/mpeg", MP3),
        (encoded(MP4), "audio", "audio/mp4", MP4),
        (encoded(PNG), "image/jpeg", "image/png", PNG),
        (encoded(PCM), "audio/L16;rate=24000", "audio/l16;rate=24000", PCM),
        (f"data:image/png;base64,{encoded(PNG)}", "", "image/png", PNG),
        (f"data:application/octet-stream;base64,{encoded(MP4)}", "", "video/mp4", MP4),
        (f"data:;base64,{encoded(MP4)}", "", "video/mp4", MP4),
        (f"DATA:video/mp4;charset=x;base64,{encoded(MP4)}", "", "video/mp4", MP4),
        (f"image/png;base64,{encoded(PNG)}", "", "image/png", PNG),
        ("data:image/svg+xml,%3Csvg/%3E", "", "image/svg+xml", b"<svg/>"),
        (f"data:image/png;base64,{encoded(PNG).replace('=', '%3D')}", "", "image/png", PNG),
    ],
)
def test_a_file_in_a_text_becomes_a_data_link(
    text: str, stated: str, media_type: str, data: bytes
) -> None:
    link = as_data_link(text, stated)

    assert is_data_link(link)
    assert link[5:].lower().startswith(media_type)
    assert b"".join(decode(link)) == data


@pytest.mark.parametrize(
    "text",
    [
        "https://cdn.example/" + "a" * 80,
        "//cdn/" + "a" * 80,
        "a" * 64,
        "0123456789abcdef" * 4,
        "The quick brown fox " * 20,
        encoded(b"these are only words, and no file of any kind at all"),
        encoded(PCM),
        encoded(MP3)[:200],
        encoded(PNG)[:60] + "!" + encoded(PNG)[60:],
        f"data:text/html;base64,{encoded(b'<html>')}",
        f"data:application/json;base64,{encoded(b'{}')}",
        "",
    ],
)
def test_other_texts_hold_no_file(text: str) -> None:
    assert as_data_link(text) == ""


def test_broken_base64_is_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        b"".join(decode("data:image/png;base64,AAA*BBBB"))


def test_long_files_are_decoded_in_parts() -> None:
    data = MP4 * 2000
    parts = list(decode(f"data:video/mp4;base64,{wrapped(data)}"))

    assert len(parts) > 3
    assert b"".join(parts) == data


def test_a_data_link_is_shown_by_type_and_size() -> None:
    assert shorten(f"data:image/png;base64,{encoded(PNG)}") == "data:image/png (264 bytes)"
    assert shorten("https://x.example/a") == "https://x.example/a"


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        ("image", {"data": [{"b64_json": "@"}]}),
        ("image", {"images": ["@"], "parameters": {}}),
        ("image", {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": "@"}]}),
        ("image", {"artifacts": [{"base64": "@", "seed": 1, "finishReason": "SUCCESS"}]}),
        ("image", {"output": [{"type": "image_generation_call", "result": "@"}]}),
        ("image", {"data": {"binary_data_base64": ["@"]}}),
        ("image", {"choices": [{"message": {"role": "assistant", "content": [{"image": "@"}]}}]}),
        (
            "image",
            {
                "candidates": [
                    {"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "@"}}]}}
                ]
            },
        ),
        ("audio", {"audioContent": "@"}),
        ("audio", {"audio_base64": "@", "alignment": {"characters": ["a"]}}),
        ("audio", {"choices": [{"message": {"audio": {"id": "a", "data": "@"}}}]}),
        ("video", {"status": "done", "videoBase64": "@"}),
        ("video", {"status": "done", "output": {"message": "@"}}),
        ("video", {"status": "done", "unheard_of": "@"}),
    ],
)
def test_every_place_of_a_file(kind: str, reply: Any) -> None:
    filled = _filled(reply, encoded(KINDS[kind]))
    (link,) = read_reply(filled, role="", expected=frozenset({kind})).media

    assert b"".join(decode(link)) == KINDS[kind]


def _filled(reply: Any, text: str) -> Any:
    if isinstance(reply, dict):
        return {key: _filled(child, text) for key, child in reply.items()}
    if isinstance(reply, list):
        return [_filled(child, text) for child in reply]
    return text if reply == "@" else reply


@pytest.mark.parametrize("key", ["thumbnail_base64", "input_image", "mask", "cover"])
def test_a_file_under_a_key_of_inputs_or_previews_is_no_result(key: str) -> None:
    reply = {"status": "done", key: encoded(PNG)}
    assert read_reply(reply, role="query", expected=frozenset({"image"})).media == ()


@pytest.mark.parametrize("sent", [encoded(PNG), f"data:image/png;base64,{encoded(PNG)}"])
@pytest.mark.parametrize("echoed", [encoded(PNG), f"data:image/png;base64,{encoded(PNG)}"])
def test_a_file_that_the_request_held_is_no_result(sent: str, echoed: str) -> None:
    reading = read_reply({"image": echoed}, sent={"picture": sent}, expected=frozenset({"image"}))
    assert reading.media == ()


def test_a_picture_in_the_reply_is_no_video() -> None:
    reply = {"status": "done", "output": encoded(PNG)}
    assert read_reply(reply, role="query", expected=frozenset({"video"})).media == ()
