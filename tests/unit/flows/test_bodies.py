"""Replies that are no JSON: media, streams, texts, and links to poll."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.scripted import FAMILY, HOST, MAKE, Stage, order, reply

from callsheet.errors import AuthError, CallsheetError, OutcomeUnknown, ServerError, StillRunning
from callsheet.flows.bodies import id_in_link
from callsheet.flows.invoke import ParsedReply, submit
from callsheet.flows.jobs import Job, query_job
from callsheet.protocol.values import Overrides
from callsheet.spec import Action, Family

if TYPE_CHECKING:
    from callsheet.flows.effects import HttpReply

WRITE = Action(id="ai.text.write")
OWN = f"{HOST}/operations/17"


def answered(http: HttpReply, action: Action = MAKE) -> ParsedReply:
    stage = Stage(http)
    return stage.run(submit(order(action), stage.timing))


def stream(*events: Any, kind: str = "text/event-stream") -> HttpReply:
    lines = [
        f"event: {event[0]}\ndata: {json.dumps(event[1])}\n\n"
        if isinstance(event, tuple)
        else f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n"
        for event in events
    ]
    return reply("".join(lines).encode(), content_type=kind)


@pytest.mark.parametrize("header", ["location", "operation_location", "azure_asyncoperation"])
def test_an_empty_202_names_its_job_by_a_header(header: str) -> None:
    parsed = answered(reply(b"", 202, **{header: "/operations/17"}))

    assert parsed.fields.task_ids == ("17", OWN)
    assert parsed.fields.state == "running"
    assert parsed.json == {"taskId": "17", "pollUrl": OWN}


def test_a_link_of_another_origin_gives_the_id_alone() -> None:
    parsed = answered(reply(b"", 202, location="https://other.example/jobs/17/status?v=1"))

    assert parsed.fields.task_ids == ("17",)


def test_the_id_of_the_body_goes_before_that_of_the_header() -> None:
    parsed = answered(reply({"id": "j-1", "status": "queued"}, 202, location="/operations/17"))

    assert parsed.fields.task_ids == ("j-1", OWN)
    assert parsed.json == {"id": "j-1", "status": "queued"}


def test_a_header_that_names_a_medium_is_the_result() -> None:
    parsed = answered(reply(b"", 201, location="/files/film.mp4"))

    assert parsed.fields.media == (f"{HOST}/files/film.mp4",)


def test_a_created_record_is_no_job() -> None:
    parsed = answered(reply({"id": 5, "name": "x"}, 201, location="/items/5"), Action(id="x.add"))

    assert parsed.fields.task_ids == ("5",)


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("https://h/operations/a-1?api-version=2", "a-1"),
        ("https://h/v1/jobs/a1/status", "a1"),
        ("https://h/status?taskId=a1", "a1"),
        ("https://h/x/a%20b", ""),
        ("https://h/", ""),
    ],
)
def test_the_id_is_read_from_a_link(link: str, name: str) -> None:
    assert id_in_link(link) == name


def job(*task_ids: str, query: str = "") -> Job:
    family = Family(create="ai.v.make", query=query)
    return Job("ref-1", "ai.v.make", family, task_ids, 0.0, HOST, Overrides())


def test_a_link_of_the_host_is_asked_by_get() -> None:
    stage = Stage(reply({"status": "running"}))
    stage.run(query_job(job("17", OWN), stage.timing))

    assert [(send.method, send.url) for send in stage.sends] == [("GET", OWN)]


def test_a_link_of_another_host_is_never_asked() -> None:
    stage = Stage(reply({"status": "running"}))
    with pytest.raises(StillRunning, match="about which this server cannot be asked"):
        stage.run(query_job(job("https://other.example/operations/17"), stage.timing))

    assert stage.sends == []


def test_the_query_goes_before_the_link_and_the_link_after_not_found() -> None:
    missing = reply({"error": {"code": "not_found", "message": "no such task"}}, 404)
    stage = Stage(missing, reply(b"", 202))
    parsed = stage.run(query_job(job("17", OWN, query=FAMILY.query), stage.timing))

    assert [send.method for send in stage.sends] == ["POST", "GET"]
    assert (parsed.fields.state, parsed.fields.task_ids) == ("running", ("17", OWN))


def test_the_last_result_of_a_stream_is_the_reply_with_the_id_of_an_earlier_event() -> None:
    parsed = answered(
        stream(
            {"taskId": "t-1", "status": "queued"},
            {"status": "processing", "progress": 40},
            {"status": "success", "videoUrl": "https://h/v.mp4"},
            {"usage": {"credits": 3}},
            "[DONE]",
        )
    )

    assert parsed.fields.task_ids == ("t-1",)
    assert parsed.fields.media == ("https://h/v.mp4",)
    assert parsed.json["status"] == "success"


def test_a_stream_that_ends_early_leaves_its_job_running() -> None:
    parsed = answered(stream({"taskId": "t-1", "status": "processing"}))

    assert (parsed.fields.task_ids, parsed.fields.state) == (("t-1",), "running")


@pytest.mark.parametrize(
    "event", [("error", {"message": "bad prompt"}), {"type": "error", "error": "bad prompt"}]
)
def test_an_error_event_is_a_refusal(event: Any) -> None:
    with pytest.raises(ServerError, match="bad prompt"):
        answered(stream({"status": "starting"}, event))


@pytest.mark.parametrize("action", [MAKE, WRITE])
def test_an_error_event_of_a_job_is_its_failure(action: Action) -> None:
    parsed = answered(stream({"taskId": "t-1"}, ("error", {"message": "no worker"})), action)

    assert (parsed.fields.task_ids, parsed.fields.state) == (("t-1",), "failed")
    assert parsed.fields.message == "no worker"


OPENAI = "response.output_text"
PIECES = {
    "chat": [{"choices": [{"delta": {"content": text}}]} for text in ("Wa", "ves")] + ["[DONE]"],
    "blocks": [
        {"delta": {"type": "text_delta", "text": "Wa"}},
        {"delta": {"type": "text_delta", "text": "ves"}},
        {"type": "message_stop"},
    ],
    "deltas": [
        {"type": f"{OPENAI}.delta", "delta": "Wa"},
        {"type": f"{OPENAI}.delta", "delta": "ves"},
        {"type": f"{OPENAI}.done", "text": "Waves"},
    ],
    "output": [("output", "Wa"), ("output", "ves"), ("done", {})],
    "growing": [{"text": "Wav"}, {"text": "Wave"}, {"text": "Waves"}],
}


@pytest.mark.parametrize("kind", PIECES)
def test_pieces_of_text_are_joined(kind: str) -> None:
    assert answered(stream(*PIECES[kind]), WRITE).json["text"] == "Waves"


def test_lines_of_json_are_a_stream_under_any_content_type() -> None:
    lines = b'{"response": "Wa", "done": false}\n{"response": "ves", "done": false}\n{"done": true}'

    assert answered(reply(lines, content_type="application/json"), WRITE).json["text"] == "Waves"


def test_a_preview_within_a_stream_is_no_result() -> None:
    partial = ("partial_image", {"type": "x.partial_image", "image_url": "https://h/p.png"})
    final = ("completed", {"type": "x.completed", "image_url": "https://h/r.png"})
    action = Action(id="ai.image.draw")

    assert answered(stream(partial, final), action).fields.media == ("https://h/r.png",)


def test_pieces_of_sound_become_one_medium() -> None:
    events = [
        {"type": "speech.audio.delta", "audio": "SUQzBA=="},
        {"type": "speech.audio.delta", "audio": "AAAA"},
        {"type": "speech.audio.done", "usage": {"tokens": 3}},
    ]
    parsed = answered(stream(*events), Action(id="ai.audio.speak"))

    assert parsed.json == {"audio": "data:audio/mpeg;base64,SUQzBAAAAA=="}


def test_plain_text_is_the_result_of_an_action_that_makes_text() -> None:
    text = reply(b"1\n00:00 waves", content_type="text/plain; charset=utf-8")

    assert answered(text, Action(id="ai.audio.transcribe")).json == {"text": "1\n00:00 waves"}
    with pytest.raises(OutcomeUnknown, match="not JSON"):
        answered(text, Action(id="ai.video.generate"))


@pytest.mark.parametrize(
    ("text", "exit_code"),
    [
        (b"[ERROR 400] Invalid or missing API key.", 3),
        (b"Error: the model is not deployed", 1),
        (b"Rate limit exceeded", 7),
        (b'"You do not have enough credits: insufficient credits"', 7),
    ],
)
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "text/plain"])
def test_a_bare_text_that_refuses_is_shown(text: bytes, exit_code: int, kind: str) -> None:
    with pytest.raises(CallsheetError) as caught:
        answered(reply(text, content_type=kind))

    assert caught.value.exit_code == exit_code
    assert text.strip(b'"').decode() in caught.value.message


def test_a_text_that_speaks_of_a_key_is_the_result_of_an_action_that_writes() -> None:
    text = reply(b"Invalid API key, said the door.", content_type="text/plain")
    refusal = reply(b"ERROR: Invalid API key", content_type="text/plain")

    assert answered(text, WRITE).json == {"text": "Invalid API key, said the door."}
    with pytest.raises(AuthError):
        answered(refusal, WRITE)


def test_a_stream_that_broke_off_leaves_its_job_and_no_half_text() -> None:
    running = stream({"data": {"taskId": "t-1"}}, {"status": "processing"})
    assert answered(running._replace(is_cut=True)).fields.task_ids == ("t-1",)

    pieces = stream({"id": "c-1", "choices": [{"delta": {"content": "Wa"}}]})
    with pytest.raises(OutcomeUnknown, match="broke off"):
        answered(pieces._replace(is_cut=True), WRITE)


def test_a_finished_job_leads_to_its_result_on_the_same_host() -> None:
    done = reply({"status": "COMPLETED", "response_url": f"{HOST}/results/17"})
    stage = Stage(done, reply({"video": {"url": "https://cdn/v.mp4"}}))
    parsed = stage.run(query_job(job("17", OWN), stage.timing))

    assert [send.url for send in stage.sends] == [OWN, f"{HOST}/results/17"]
    assert parsed.fields.media == ("https://cdn/v.mp4",)


def test_a_result_on_another_host_is_not_asked_for() -> None:
    done = reply({"status": "COMPLETED", "response_url": "https://other.example/results/17"})
    stage = Stage(done)
    stage.run(query_job(job("17", OWN), stage.timing))

    assert [send.url for send in stage.sends] == [OWN]
