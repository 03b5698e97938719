"""Jobs from the command line: what is sent, what is printed, where the file lands."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.conftest import BareProgram

FIELDS = ["taskId", "status", "videoUrl", "localPath", "url", "provider", "model", "files"]


def test_generate_waits_and_saves(ads: BareProgram) -> None:
    done = ads("video", "generate", "--prompt", "waves", "--out", "output/x.mp4")
    shown = done.json
    saved = (ads.folder / "output" / "x.mp4").read_bytes()

    assert done.code == 0
    assert list(shown)[:8] == FIELDS
    assert shown["status"] == "success"
    assert shown["localPath"] == "output/x.mp4"
    assert shown["files"] == [
        {
            "path": "output/x.mp4",
            "bytes": len(saved),
            "sha256": hashlib.sha256(saved).hexdigest(),
        }
    ]
    assert f"→ sandbox {ads.server.url} ai.video.generate (free)\n" in done.err
    assert ads.posts()[0] == ("ai.video.generate", {"prompt": "waves"})
    assert {name for name, _ in ads.posts()[1:]} == {"ai.video.query"}


def test_no_wait_prints_the_task_and_query_asks(ads: BareProgram) -> None:
    begun = ads("video", "generate", "--prompt", "x", "--no-wait").json
    ads.server.advance(1000)
    asked = ads("video", "query", "--task-id", begun["taskId"], "--out", "y.mp4")

    assert list(begun)[:8] == FIELDS
    assert begun["status"] == "pending"
    assert begun["videoUrl"] is None
    assert asked.code == 0
    assert asked.json["status"] == "success"
    assert (ads.folder / "y.mp4").stat().st_size == asked.json["files"][0]["bytes"]


def test_blocking_sends_its_deadline(ads: BareProgram) -> None:
    done = ads("video", "generate", "--prompt", "x", "--blocking", "--timeout", "90s")

    assert done.json["status"] == "success"
    assert ads.posts() == [("ai.video.generate_and_wait", {"prompt": "x", "timeoutMs": 90_000})]


def test_the_deadline_enters_no_body_that_lacks_it(ads: BareProgram) -> None:
    assert ads("video", "generate", "--prompt", "x", "--timeout", "600000").code == 0
    assert ads.posts()[0] == ("ai.video.generate", {"prompt": "x"})


def test_input_goes_out_as_it_is(ads: BareProgram) -> None:
    (ads.folder / "body.json").write_text('{ "prompt" : "x",\n"options": {"a": 1.0}}', "utf-8")
    first = ads("video", "generate", "--no-wait", "--input", "body.json")
    second = ads("video", "generate", "--no-wait", "--input", "-", stdin='{"prompt":"y"}')
    third = ads("video", "generate", "--no-wait", "--input", '{"prompt":"y"}', "--prompt", "z")

    assert [first.code, second.code, third.code] == [0, 0, 0]
    assert [body for _, body in ads.posts()] == [
        {"prompt": "x", "options": {"a": 1.0}},
        {"prompt": "y"},
        {"prompt": "z"},
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "taken.mp4"], "taken.mp4 exists"),
        (["--out", "file/x.mp4"], "file/x.mp4 cannot be written: Not a directory"),
        (["--timeout", "600"], "--timeout: 600 is 0.6 s; did you mean 600s?"),
        (["--blocking", "--no-wait"], "--blocking and --no-wait exclude each other"),
        (
            ["--format", "yaml"],
            "--format: 'yaml' is not one of json, jsonl, ndjson, csv, table, raw",
        ),
        (["--input", "nowhere.json"], "--input: nowhere.json: No such file or directory"),
        (["--set", "x"], "--set: 'x' is not KEY=VALUE"),
        (["--nope"], "there is no flag --nope here"),
        (["--scene"], "--scene needs a value"),
        (["more", "words"], "there is no place for more words"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(
    ads: BareProgram, words: list[str], told: str
) -> None:
    (ads.folder / "taken.mp4").touch()
    (ads.folder / "file").touch()
    done = ads("video", "generate", "--prompt", "x", *words)

    assert (done.code, done.error["message"]) == (2, told)
    assert done.err.startswith(f"ads: {told}\n")
    assert ads.posts() == []


def test_force_replaces(ads: BareProgram) -> None:
    (ads.folder / "x.mp4").write_bytes(b"old")
    done = ads("video", "generate", "--prompt", "x", "--out", "x.mp4", "--force")

    assert done.code == 0
    assert (ads.folder / "x.mp4").read_bytes()[4:8] == b"ftyp"


def test_a_folder_and_a_template_name_the_file(ads: BareProgram) -> None:
    first = ads("video", "generate", "--prompt", "x", "--out", "videos/").json
    second = ads("video", "generate", "--prompt", "x", "--out", "t/{task_id}.{ext}").json

    assert first["localPath"] == f"videos/ai-video-generate-{first['taskId']}-1.mp4"
    assert second["localPath"] == f"t/{second['taskId']}.mp4"
    assert (ads.folder / second["localPath"]).is_file()


def test_dry_run_sends_nothing(ads: BareProgram) -> None:
    shown = ads("video", "generate", "--prompt", "x", "--dry-run").json
    curl = ads("video", "generate", "--prompt", "it's", "--dry-run=curl")

    assert shown["method"] == "POST"
    assert shown["url"] == f"{ads.server.url}/api/actions/ai.video.generate"
    assert shown["body"] == {"prompt": "x"}
    assert ads.server.key not in json.dumps(shown) + curl.out
    assert "$ADS_API_KEY" in curl.out
    assert ads.posts() == []


def test_no_credit_is_exit_7(ads: BareProgram) -> None:
    ads.server.set_credits(0)
    done = ads("video", "generate", "--prompt", "x")

    assert done.code == 7
    assert "credit" in done.error["message"].lower()
    assert done.error["http_status"] == 402


def test_a_refused_key_is_exit_3(ads: BareProgram) -> None:
    ads("actions", "list")
    done = ads("video", "generate", "--prompt", "x", ADS_API_KEY="sk-not-this-one")

    assert done.code == 3
    assert "sk-not-this-one" not in done.out + done.err


def test_an_image_has_its_own_link(ads: BareProgram) -> None:
    done = ads("image", "generate", "--prompt", "x", "--aspect", "1:1", "--out", "x.png")

    assert list(done.json)[2] == "imageUrl"
    assert (ads.folder / "x.png").read_bytes().startswith(b"\x89PNG")
    assert ads.posts()[0] == ("ai.image.generate", {"prompt": "x", "aspectRatio": "1:1"})


def test_the_saved_picture_can_be_stored(ads: BareProgram) -> None:
    done = ads("image", "generate", "--prompt", "x", "--out", "x.png", "--upload")

    assert done.code == 0, done.err
    assert done.json["url"] != done.json["imageUrl"]
    assert ads.posts()[-1][0] == "storage.upload_image"
    assert f"→ {ads.server.url} storage.upload_image uploads x.png\n" in done.err


def test_a_local_picture_is_uploaded_first(ads: BareProgram) -> None:
    ads("image", "generate", "--prompt", "x", "--out", "x.png")
    done = ads("video", "generate", "--prompt", "x", "--image-input", "x.png", "--no-wait")
    name, body = ads.posts()[-1]

    assert done.code == 0, done.err
    assert name == "ai.video.generate"
    assert body["imageInput"][0].startswith("http")


def test_two_pictures_with_a_comma_between(ads: BareProgram) -> None:
    links = "https://example.com/a.png,https://example.com/b,c.png"
    done = ads("video", "generate", "--prompt", "x", "--image-input", links, "--no-wait")

    assert done.code == 0
    assert ads.posts()[0][1]["imageInput"] == [
        "https://example.com/a.png",
        "https://example.com/b,c.png",
    ]


def test_a_failed_job_is_exit_6(ads: BareProgram) -> None:
    fail = '{"prompt":"[fail]"}'
    waited = ads("video", "generate", "--input", fail)
    begun = ads("video", "generate", "--input", fail, "--no-wait").json
    ads.server.advance(1000)
    asked = ads("video", "query", "--task-id", begun["taskId"])
    shown = ads("tasks", "show", begun["taskId"])

    assert [waited.code, asked.code, shown.code] == [6, 6, 6]
    assert waited.error["code"] == "task_failed"
    assert list(asked.json)[:8] == list(shown.json)[:8] == FIELDS
    assert asked.error == shown.error
    assert asked.error["message"].startswith("the job failed on the server: ")
