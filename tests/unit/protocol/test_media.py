"""Which links are the result, in which order, and which never are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet.protocol.replies import read_reply
from callsheet.protocol.values import Overrides

V, W, P = "https://cdn.example/v.mp4", "https://cdn.example/w.mp4", "https://cdn.example/p.png"
NAMES = ("videoUrl", "imageUrl")


@pytest.mark.parametrize(
    "data",
    [
        {"videoUrl": V},
        {"video_url": V},
        {"videos": [{"videoUrl": V}]},
        {"images": [{"imageUrl": V}]},
        {"resultUrls": [V]},
        {"output": [V]},
        {"output": V},
        {"output": [{"url": V}]},
        {"url": V},
        {"fileUri": V},
        {"download-url": V},
        {"video": {"url": V, "cover": {"url": P}}},
        {"result": {"video_url": V}},
        {"data": {"data": {"video": V}}},
        {"taskResult": json.dumps({"videoUrl": V})},
        {"output": json.dumps(json.dumps({"url": V}))},
        {"code": 0, "data": {"resultJson": json.dumps({"resultUrls": [V]})}},
    ],
)
def test_every_place_of_a_link(data: Any) -> None:
    assert read_reply(data).media == (V,)
    assert read_reply(data, media=NAMES).media == (V,)


@pytest.mark.parametrize(
    "key",
    [
        *(
            "thumbnail",
            "thumbnailUrl",
            "thumbnails",
            "cover",
            "cover_url",
            "coverImageUrl",
            "poster",
        ),
        *("previewUrl", "preview", "callbackUrl", "webhook", "webhook_url", "input", "inputUrl"),
        *("imageInputUrl", "COVER_URL", "coverurl"),
    ],
)
@pytest.mark.parametrize("content", [V, [V], {"url": V}, {"videoUrl": V}, json.dumps({"url": V})])
def test_never_under_these_keys(key: str, content: Any) -> None:
    assert read_reply({key: content, "status": "done"}, media=NAMES, role="query").media == ()


@pytest.mark.parametrize(
    "key", ["statusUrl", "response_url", "cancelUrl", "docs_url", "dashboardUrl", "avatarUrl"]
)
def test_addresses_of_pages_are_no_media(key: str) -> None:
    assert read_reply({key: V}).media == ()


@pytest.mark.parametrize(
    "key", ["recoverVideoUrl", "discoveryVideoUrl", "outputUrl", "postVideoUrl"]
)
def test_a_forbidden_word_inside_another_does_no_harm(key: str) -> None:
    assert read_reply({key: V}).media == (V,)


@pytest.mark.parametrize(
    "sent",
    [
        {"imageInput": [V]},
        {"imageInput": f"{P}, {V}"},
        {"options": {"deep": [{"x": V}]}},
        {"options": json.dumps({"x": V})},
        V,
    ],
)
def test_never_what_the_request_contained(sent: Any) -> None:
    data = {"videoUrl": V, "output": [V, W], "url": f" {V} "}

    assert read_reply(data, sent=sent, media=NAMES).media == (W,)
    assert read_reply({"videoUrl": V}, sent=sent, media=NAMES).media == ()
    forced = Overrides.parse({"media": "videoUrl"})
    assert read_reply({"videoUrl": V}, sent=sent, overrides=forced).media == ()


@pytest.mark.parametrize(
    ("data", "names", "media"),
    [
        ({"imageUrl": P, "videoUrl": V}, NAMES, (V, P)),
        ({"imageUrl": P, "videoUrl": V}, ("imageUrl", "videoUrl"), (P, V)),
        ({"imageUrl": P, "video_url": V, "url": W}, NAMES, (V, P)),
        ({"pictureUrl": P, "myVideoUrl": V}, NAMES, (V, P)),
        ({"old": {"videoUrl": W}, "videoUrl": V}, NAMES, (V, W)),
        ({"videos": [{"videoUrl": V}, {"videoUrl": W}, {"videoUrl": V}]}, NAMES, (V, W)),
        ({"thumbnailUrl": P}, ("thumbnailUrl",), (P,)),
        ({"cover": {"imageUrl": P}, "imageUrl": V}, NAMES, (V,)),
    ],
)
def test_order_and_names(data: Any, names: tuple[str, ...], media: tuple[str, ...]) -> None:
    assert read_reply(data, media=names).media == media


@pytest.mark.parametrize(
    "link",
    [
        *(
            "/media/a.mp4",
            "/media/a.mp4?Expires=1&Signature=x",
            "./a.mp4",
            "../a/b.mp4",
            "files/a.mp4",
        ),
        *("a.mp4", "//cdn.example/a.mp4", "HTTPS://X/a", "data:image/png;base64,AAAA"),
        *("https://x/my film.mp4", "https://x/my film.mp4?signed=a b"),
    ],
)
def test_links_come_as_they_were(link: str) -> None:
    assert read_reply({"videoUrl": link}).media == (link,)


@pytest.mark.parametrize("link", ["/media/a.mp4", "data:video/mp4;base64,AAAA"])
def test_links_from_the_root_count_under_output(link: str) -> None:
    assert read_reply({"output": [link]}).media == (link,)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "/", "..", "pending", "javascript:alert(1)", "file:///etc/passwd", "ftp://x/a"),
        *(
            "s3://bucket/a.mp4",
            "https://",
            "https://x/a b",
            "https://x/a.mp4 is ready",
            "https://x/\x1b[31m",
            "data:text/html,x",
        ),
        *("https://x/\ud800", "mailto:a@b.c", "C:\\a.mp4", "https://x/\u202ea"),
    ],
)
def test_what_is_no_link(text: str) -> None:
    assert read_reply({"videoUrl": text, "output": [text]}, media=NAMES).media == ()


def test_a_plain_text_under_output_is_no_link() -> None:
    assert read_reply({"output": "a/b", "result": "v.mp4", "file": "no link"}).media == ()
