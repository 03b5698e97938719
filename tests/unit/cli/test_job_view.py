"""The one object of a job: documented fields first, in their order, and nothing lost."""

from __future__ import annotations

from typing import Any

from callsheet.cli.output import formats
from callsheet.flows.effects import HttpReply
from callsheet.flows.invoke import ParsedReply
from callsheet.protocol.replies import ReplyFields
from callsheet.storage.partial_file import SavedFile

ORDER = ["taskId", "status", "videoUrl", "localPath", "url", "provider", "model", "files"]


def answer(payload: Any, **facts: Any) -> ParsedReply:
    return ParsedReply(HttpReply(200, {}, b"", ""), payload, ReplyFields(payload=payload, **facts))


def test_unknown_fields_are_null_and_others_follow() -> None:
    document = formats.job_object(
        formats.JobView(answer({"extra": 1, "status": "x"}, raw_state="pending"))
    )

    assert list(document) == [*ORDER, "extra"]
    assert document["status"] == "pending"
    assert [document[name] for name in ORDER[2:7]] == [None] * 5


def test_the_link_stands_for_a_missing_url() -> None:
    view = formats.JobView(answer({}, task_ids=("t",)), links=["https://x/y.mp4"])

    assert formats.job_object(view)["url"] == "https://x/y.mp4"
    assert formats.job_object(view._replace(stored="https://s"))["url"] == "https://s"
    assert (
        formats.job_object(view._replace(answer=answer({"url": "https://u"})))["url"] == "https://u"
    )


def test_files_are_listed_with_their_digest() -> None:
    saved = SavedFile("x.mp4", 3, "abc")
    document = formats.job_object(formats.JobView(answer({}), saved=saved))

    assert document["localPath"] == "x.mp4"
    assert document["files"] == [{"path": "x.mp4", "bytes": 3, "sha256": "abc"}]


def test_a_payload_that_is_no_object_is_no_trouble() -> None:
    assert list(formats.job_object(formats.JobView(answer(["a"])))) == ORDER


def test_the_medium_is_the_actions_own() -> None:
    assert formats.medium_of(("imageUrl", "videoUrl"), "a.b") == "imageUrl"
    assert formats.medium_of((), "ai.image.generate") == "imageUrl"
    assert formats.medium_of((), "ai.video.generate") == "videoUrl"


def test_the_short_view_is_inert() -> None:
    lines = formats.job_lines({"taskId": "a\x1b[2J", "status": "done\nfake: x", "model": None})

    assert lines == "taskId     a\nstatus     done fake: x\n"
