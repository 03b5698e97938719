"""The action's own medium is the result; what the request contained, and covers, never are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet.protocol.media import (
    RequestMarks,
    expected_media,
    expects_medium,
    makes_text,
    prefer_format,
)
from callsheet.protocol.replies import read_reply
from callsheet.protocol.values import Overrides

VIDEO, COVER = "https://cdn.example/v.mp4", "https://cdn.example/c.jpg"
BARE = "https://cdn.example/9f1c"
MOVIE = frozenset({"video"})


@pytest.mark.parametrize(
    ("action_id", "out", "kinds"),
    [
        ("ai.video.generate", "", {"video"}),
        ("ai.image.to_video", "", {"video"}),
        ("video.generate", "x.png", {"image"}),
        ("image_to_video", "", {"video"}),
        ("text.to_speech", "", {"audio"}),
        ("speech_to_text", "", set()),
        ("audio.transcribe", "", set()),
        ("video.list", "", set()),
        ("video.query", "", {"video"}),
        ("jobs.create", "", set()),
        ("jobs.create", "out/film.webm", {"video"}),
        ("jobs.create", "data.json", set()),
        ("model3d.make", "mesh.glb", {"file"}),
    ],
)
def test_the_kind_of_medium_that_an_action_makes(action_id: str, out: str, kinds: set[str]) -> None:
    assert expected_media(action_id, out) == kinds


@pytest.mark.parametrize(
    ("action_id", "is_job", "names", "expected"),
    [
        ("ai.video.generate", False, (), True),
        ("render.create", True, ("resultUrl",), True),
        ("render.create", True, (), False),
        ("chat.complete", False, ("videoUrl",), False),
        ("audio.transcribe", True, ("audioUrl",), False),
    ],
)
def test_where_a_medium_is_expected(
    action_id: str, is_job: bool, names: tuple[str, ...], expected: bool
) -> None:
    assert expects_medium(action_id, is_job=is_job, names=names) is expected


@pytest.mark.parametrize(
    ("data", "media"),
    [
        ({"imageUrl": COVER, "videoUrl": VIDEO}, (VIDEO,)),
        ({"imageUrl": COVER, "output": VIDEO}, (VIDEO,)),
        ({"url": COVER}, ()),
        ({"image": {"url": BARE}, "url": VIDEO}, (VIDEO,)),
        (
            {"files": [{"type": "image", "url": BARE}, {"type": "video", "url": BARE + "2"}]},
            (BARE + "2",),
        ),
        ({"url": BARE}, (BARE,)),
        ({"video_url_caption": VIDEO + "?c", "video_url": VIDEO}, (VIDEO,)),
        ({"caption_url": VIDEO + "?c", "url": VIDEO}, (VIDEO, VIDEO + "?c")),
        ({"result_url": "https://x.example/later.json"}, ()),
        ({"output": f"{VIDEO},{VIDEO}2.mp4"}, (VIDEO, VIDEO + "2.mp4")),
    ],
)  # fmt: skip
def test_another_kind_of_medium_is_no_result(data: Any, media: tuple[str, ...]) -> None:
    names = ("videoUrl", "imageUrl")
    assert read_reply(data, media=names, role="query", expected=MOVIE).media == media


@pytest.mark.parametrize(
    "place",
    [
        *("params", "paramJson", "parameters", "request", "requestBody", "input", "inputs"),
        *("args", "options", "source_video", "sourceUrl", "original_video_url", "firstFrameUrl"),
        *("last_frame_image", "reference_videos", "keyframes"),
    ],
)
@pytest.mark.parametrize("value", [VIDEO, [VIDEO], {"url": VIDEO}, json.dumps({"video": VIDEO})])
def test_what_repeats_the_request_is_no_result(place: str, value: Any) -> None:
    assert read_reply({place: value, "status": "done"}, role="query", expected=MOVIE).media == ()


@pytest.mark.parametrize(
    "echoed",
    [
        "https://mine.example/holiday.mp4",
        "https://mine.example/holiday.mp4?signature=2",
        "https://cdn.example/uploads/77/holiday.mp4",
    ],
)
def test_a_file_of_the_request_is_recognised_in_any_later_answer(echoed: str) -> None:
    sent = {"prompt": "x", "video": ["https://mine.example/holiday.mp4?signature=1"]}
    stored = RequestMarks(sorted(RequestMarks.of(sent).digests))
    reply = {"videoUrl": echoed, "url": VIDEO}
    assert read_reply(reply, role="query", expected=MOVIE, marks=stored).media == (VIDEO,)


@pytest.mark.parametrize("name", ["video.mp4", "output_1.mp4", "0001.mp4"])
def test_a_name_that_says_nothing_identifies_no_file(name: str) -> None:
    marks = RequestMarks.of({"video": f"https://mine.example/{name}"})
    reply = {"videoUrl": f"https://cdn.example/results/{name}"}
    assert read_reply(reply, role="query", expected=MOVIE, marks=marks).media != ()


def test_marks_hold_no_text_of_the_request() -> None:
    marks = RequestMarks.of({"prompt": "waves", "image": "https://mine.example/holiday.png"})
    assert len(marks.digests) == 4  # the link, its name, its field and its kind
    assert "holiday" not in repr(sorted(marks.digests))
    assert not marks.contain("waves")


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"id": "u", "result_url": BARE}, ""),
        ({"id": "u", "video_url": BARE}, "done"),
        ({"id": "u", "url": VIDEO}, "done"),
        ({"id": "u", "image_url": COVER}, ""),
    ],
)
def test_the_answer_to_a_create_request_is_final_only_with_its_own_medium(
    data: Any, state: str
) -> None:
    assert read_reply(data, role="create", expected=MOVIE).state == state


def test_of_a_list_of_jobs_only_the_one_asked_about_counts() -> None:
    other = {"id": "u0", "status": "done", "videoUrl": "https://cdn.example/other.mp4"}
    own = {"id": "u1", "status": "done", "videoUrl": VIDEO}
    for reply in ({"jobs": [other, own]}, {"data": [other, own]}, [other, own]):
        reading = read_reply(reply, sent={"taskId": "u1"}, role="query", expected=MOVIE)
        assert reading.media == (VIDEO,)


@pytest.mark.parametrize(
    "key",
    [
        *("download", "generated", "resource", "mp4", "location", "src", "outputVideo", "film"),
        *("artifact", "content", "file_path", "url_mp4", "storage_url", "ResultVideoUrl", "after"),
        *("motionMP4URL", "resource_without_watermark", "download_link", "final_video"),
    ],
)
@pytest.mark.parametrize("link", [VIDEO, BARE])
def test_keys_that_tell_of_results(key: str, link: str) -> None:
    reply = {"status": "done", key: link}
    assert read_reply(reply, role="query", expected=MOVIE).media == (link,)


OTHER = "https://cdn.example/w.mp4"


@pytest.mark.parametrize(
    ("reply", "sent", "media"),
    [
        ({"unheard_of": VIDEO}, {}, (VIDEO,)),
        ({"unheard_of": [VIDEO, OTHER]}, {}, (VIDEO, OTHER)),
        ({"entries": [{"unheard_of": VIDEO}, {"unheard_of": OTHER}]}, {}, (VIDEO, OTHER)),
        ({"unheard_of": {"type": "video", "at": BARE}}, {}, (BARE,)),
        ({"unheard_of": BARE}, {}, ()),
        ({"unheard_of": COVER}, {}, ()),
        ({"unheard_of": VIDEO, "another": OTHER}, {}, ()),
        ({"unheard_of": VIDEO, "url": BARE}, {}, (BARE,)),
        ({"unheard_of": VIDEO}, {"video": "https://mine.example/holiday.mp4"}, ()),
        ({"unheard_of": VIDEO}, {"file": "https://mine.example/holiday"}, ()),
        ({"unheard_of": VIDEO}, {"image": "https://mine.example/holiday.png"}, (VIDEO,)),
    ],
)
def test_a_key_that_tells_nothing_holds_a_result_where_nothing_else_may_be_it(
    reply: Any, sent: Any, media: tuple[str, ...]
) -> None:
    data = {"status": "done", **reply}
    assert read_reply(data, sent=sent, role="query", expected=MOVIE).media == media


def test_a_key_that_tells_nothing_makes_no_state() -> None:
    for role in ("create", "query"):
        assert read_reply({"id": "u", "unheard_of": VIDEO}, role=role, expected=MOVIE).state == ""


@pytest.mark.parametrize(
    ("reply", "media"),
    [
        ({"video": {"url": OTHER, "watermark_free_url": VIDEO}}, (VIDEO, OTHER)),
        ({"resultWaterMarkUrls": [OTHER], "resultUrls": [VIDEO]}, (VIDEO, OTHER)),
        ({"results": {"min": {"url": OTHER}, "raw": {"url": VIDEO}}}, (VIDEO, OTHER)),
        ({"file_path": "/tmp/v.mp4", "url": VIDEO}, (VIDEO, "/tmp/v.mp4")),
        ({"urls": {"stream": OTHER}, "output": VIDEO}, (VIDEO, OTHER)),
        ({"result": {"sample": VIDEO}}, (VIDEO,)),
        ({"sample": VIDEO}, ()),
        ({"before": OTHER, "after": VIDEO}, (VIDEO,)),
        ({"response": {"url": VIDEO}}, (VIDEO,)),
        ({"_links": {"self": {"href": OTHER}, "download": {"href": VIDEO}}}, (VIDEO,)),
        ({"web_url": OTHER.replace(".mp4", ".html"), "api_url": VIDEO}, (VIDEO,)),
        ({"profile_url": OTHER, "view_url": VIDEO}, (VIDEO,)),
        ({"links": [{"rel": "self", "href": OTHER}, {"rel": "file", "href": VIDEO}]}, (VIDEO,)),
        ({"videos": {"1:2": BARE}}, (BARE,)),
        ({"a": [{"type": "cover_video", "url": OTHER}, {"type": "video", "url": VIDEO}]}, (VIDEO,)),
        ({"type": "preview", "status": "done", "url": VIDEO}, (VIDEO,)),
        ({"type": "video", "image_url": BARE}, ()),
        ({"output": {"type": "m2v", "url": BARE}}, (BARE,)),
        ({"data": {"makeVideo": {"edges": [{"node": {"src": BARE}}]}}}, (BARE,)),
        ({"recent": [{"videoUrl": OTHER}], "videoUrl": VIDEO}, (VIDEO,)),
        ({"message": f"It is at {VIDEO}, for a day."}, (VIDEO,)),
        ({"content": f"![film]({VIDEO})\n[page](https://x.example/a)"}, (VIDEO,)),
        ({"prompt": f"like {VIDEO}"}, ()),
    ],
)  # fmt: skip
def test_what_stands_around_a_link_decides(reply: Any, media: tuple[str, ...]) -> None:
    data = {"id": "u", **reply, "state": "done"}
    assert read_reply(data, role="query", expected=MOVIE).media == media


@pytest.mark.parametrize(
    "text",
    [
        f"{VIDEO},{OTHER}",
        f" {VIDEO} ; {OTHER} ",
        f"{VIDEO}\n{OTHER}",
        f"['{VIDEO}', '{OTHER}']",
        f'["{VIDEO}", "{OTHER}"]',
        json.dumps(json.dumps([VIDEO, OTHER])),
    ],
)
def test_a_text_may_hold_several_links(text: str) -> None:
    assert read_reply({"resultUrls": text}, expected=MOVIE).media == (VIDEO, OTHER)


def test_a_link_of_the_prompt_is_the_requests_own() -> None:
    reply = {"status": "done", "url": VIDEO}
    sent = {"prompt": f"Like {VIDEO}, but at night."}
    assert read_reply(reply, sent=sent, role="query", expected=MOVIE).media == ()


def test_the_evidence_tells_each_link_with_its_rules() -> None:
    reply = {
        "status": "done",
        "input": {"video": OTHER},
        "resultJson": json.dumps({"urls": [VIDEO]}),
        "thumbnail": COVER,
    }
    fields = read_reply(reply, role="query", expected=MOVIE)
    evidence = [entry for entry in fields.evidence if entry.part == "media"]

    beside = "-under a key of inputs or previews"
    assert [(entry.pointer, entry.chosen, entry.rules) for entry in evidence] == [
        ("/resultJson/urls/0", True, ("+a key of results", "+video by its name")),
        ("/input/video", False, ("+a key of results", "+video by its name", beside)),
        ("/thumbnail", False, ("+a key of results", "+image by its name", beside)),
    ]


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("a.b", (BARE,)),
        ("a.list", (VIDEO, OTHER)),
        ("a.text", (VIDEO, OTHER)),
        ("a.data", ("data:image/png;base64,AAAA",)),
        ("a.name", ("acme/film",)),
    ],
)
def test_a_path_that_the_user_chose_gives_every_link_there(
    path: str, media: tuple[str, ...]
) -> None:
    places = {
        "b": BARE,
        "list": [VIDEO, {"deep": OTHER}, "no link"],
        "text": f"{VIDEO}, {OTHER}",
        "data": "data:image/png;base64,AAAA",
        "name": "acme/film",
    }
    forced = Overrides.parse({"media": path})
    assert read_reply({"a": places}, overrides=forced, expected=MOVIE).media == media


@pytest.mark.parametrize(
    ("reply", "out", "first"),
    [
        ({"model_urls": {"fbx": "https://x/a.fbx", "glb": "https://x/a.glb"}}, "m.glb", "glb"),
        ({"files": [{"url": "https://x/a.fbx"}, {"url": "https://x/a.glb"}]}, "m.GLB", "glb"),
        ({"url_fbx": "https://x/a", "url_glb": "https://x/a?glb"}, "m.glb", "glb"),
        ({"url": "https://x/a.fbx", "deep": {"url": "https://x/a.glb"}}, "m.glb", "fbx"),
        ({"url_fbx": "https://x/a.fbx", "low_glb": "https://x/a.glb"}, "m.glb", "fbx"),
        ({"url": "https://x/a.fbx", "other": "https://x/a.stl"}, "m.glb", "fbx"),
    ],
)
def test_of_several_formats_the_one_of_the_file_name_is_taken(
    reply: Any, out: str, first: str
) -> None:
    media = prefer_format(read_reply(reply, expected=frozenset({"file"})).candidates, out)
    assert first in media[0].link


def test_a_list_of_other_jobs_alone_has_no_result() -> None:
    others = [{"taskId": f"u{n}", "status": "done", "videoUrl": VIDEO} for n in (2, 3)]
    for reply in ({"data": others}, others):
        reading = read_reply(reply, sent={"taskId": "u1"}, role="query", expected=MOVIE)
        assert (reading.media, reading.state) == ((), "")
    songs = [{"id": f"s{n}", "status": "done", "videoUrl": VIDEO} for n in (2, 3)]
    assert read_reply(songs, sent={"taskId": "u1"}, role="query", expected=MOVIE).media == (VIDEO,)


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("video_translate.create", False),
        ("image.prompt", False),
        ("video.describe", True),
        ("text.translate", True),
        ("audio.translate", True),
        ("prompt.expand", True),
        ("prompt.queue", False),
        ("image.to_prompt", True),
    ],
)
def test_words_of_an_id_tell_whether_it_makes_a_text(action: str, text: bool) -> None:
    assert makes_text(action) == text
