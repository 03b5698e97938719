"""Waiting obeys hints, grows otherwise, survives every poll, and ends at its deadline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from unit.scripted import FAMILY, HOST, Stage, replies, reply

from callsheet.backoff import poll_interval
from callsheet.errors import AuthError, NetworkError, ServerError, StillRunning
from callsheet.flows.effects import HttpReply, Notify, Record
from callsheet.flows.jobs import Job, ask_once, query_job, wait
from callsheet.flows.polling import REPORT_AFTER
from callsheet.protocol.media import Medium
from callsheet.protocol.values import Overrides

if TYPE_CHECKING:
    from callsheet.protocol.replies import State

JOB = Job("ref-1", "ai.v.make", FAMILY, ("t-1",), 999_990.0, HOST, Overrides())
DONE = reply({"taskId": "t-1", "status": "success", "videoUrl": "https://cdn.example/v.mp4"})
RUNNING = reply({"taskId": "t-1", "status": "processing"})
UNKNOWN = reply({"error": "no such task"}, 404)


def waited(stage: Stage, job: Job = JOB, seconds: float = 600.0) -> str:
    answer = stage.run(wait(job, stage.timing, deadline=stage.now + seconds))
    state: str = answer.fields.state
    return state


def test_a_job_is_asked_about_until_it_is_done() -> None:
    stage = Stage(*replies(["pending", "running"]), DONE)
    assert waited(stage) == "done"
    assert stage.states == ["running", "running", "done"]
    assert json.loads(stage.sends[0].body or b"") == {"taskId": "t-1"}
    assert stage.events == ["done"]


def test_a_failed_job_is_an_answer_and_recorded() -> None:
    stage = Stage(reply({"taskId": "t-1", "status": "failed", "error": "nsfw"}))
    assert waited(stage) == "failed"
    assert stage.events == ["failed"]


def test_a_job_of_another_ledger_is_not_recorded() -> None:
    stage = Stage(DONE)
    assert waited(stage, JOB._replace(ref="")) == "done"
    assert stage.of(Record) == []


def test_a_failure_that_an_envelope_tells_ends_the_wait() -> None:
    stage = Stage(reply({"success": False, "status": "failed", "message": "nsfw"}))
    assert waited(stage) == "failed"
    assert len(stage.sends) == 1


def test_pauses_grow_where_nobody_says_otherwise() -> None:
    stage = Stage(*[RUNNING] * 8, DONE)
    waited(stage)
    assert stage.pauses == [poll_interval(n) for n in range(8)]
    assert stage.pauses[0] == 1.0
    assert max(stage.pauses) == 8.0


def test_hints_of_the_server_win() -> None:
    hinted = reply({"taskId": "t-1", "status": "running", "pollAfterMs": 250})
    stage = Stage(hinted, reply({"taskId": "t-1"}, retry_after="3"), DONE)
    waited(stage)
    assert stage.pauses == [0.25, 3.0]


@pytest.mark.parametrize("hint", [0, -5])
def test_a_hint_of_nothing_is_no_hint(hint: int) -> None:
    running = reply({"taskId": "t-1", "status": "running", "pollAfterMs": hint}, retry_after="0")
    stage = Stage(running, DONE)
    waited(stage)
    assert stage.pauses == [1.0]


@pytest.mark.parametrize(
    ("host", "least"), [("http://127.0.0.1:9", 0.02), ("http://localhost", 0.02), (HOST, 0.25)]
)
def test_the_shortest_pause_is_shorter_on_this_machine(host: str, least: float) -> None:
    stage = Stage(reply({"taskId": "t-1", "status": "running", "pollAfterMs": 1}), DONE)
    job = JOB._replace(host=host, hint=0.001)
    stage.run(wait(job, stage.timing, deadline=stage.now + 60))
    assert stage.pauses == [least, least]


@pytest.mark.parametrize(
    "trouble",
    [
        reply(b"", 503),
        reply({"error": "oops"}, 500),
        reply(b"<html>gateway</html>", 502),
        reply(b"no json"),
        reply(b"[" * 50_000),
        reply({"message": "slow down"}, 429),
        NetworkError("broken", sent=True),
        reply(b"", 302, location="https://evil.example/"),
    ],
)
def test_trouble_with_a_poll_never_ends_the_job(trouble: object) -> None:
    stage = Stage(*[trouble] * 100, DONE)
    assert waited(stage, seconds=3600.0) == "done"
    assert len(stage.sends) == 101


def test_a_throttled_poll_waits_as_long_as_it_is_told() -> None:
    stage = Stage(reply({"message": "slow"}, 429, retry_after="30"), DONE)
    waited(stage)
    assert stage.pauses == [30.0]


def test_a_key_that_is_refused_ends_the_wait() -> None:
    with pytest.raises(AuthError):
        waited(Stage(reply({"message": "invalid api key"}, 401)))


@pytest.mark.parametrize("seconds", [0.0, 0.5, 7.3, 61.0])
def test_the_deadline_holds(seconds: float) -> None:
    stage = Stage(RUNNING)
    start = stage.now
    with pytest.raises(StillRunning) as caught:
        waited(stage, seconds=seconds)
    assert stage.now - start == pytest.approx(seconds)
    assert caught.value.task_id == "t-1"
    assert "t-1" in caught.value.hint
    assert all(send.timeout <= max(1.0, seconds + 0.001) for send in stage.sends)


def test_a_hint_beyond_the_deadline_does_not_move_it() -> None:
    stage = Stage(reply({"taskId": "t-1", "status": "running"}, retry_after="100"))
    start = stage.now
    with pytest.raises(StillRunning):
        waited(stage, seconds=5.0)
    assert stage.now - start == 5.0


def test_an_id_that_is_not_known_makes_room_for_the_next() -> None:
    job = JOB._replace(task_ids=("row-7", "upstream-9"))
    stage = Stage(UNKNOWN, RUNNING, RUNNING, DONE)
    assert waited(stage, job) == "done"
    polled = [json.loads(send.body or b"")["taskId"] for send in stage.sends]
    assert polled == ["row-7", "upstream-9", "upstream-9", "upstream-9"]


def test_a_job_that_nobody_knows_is_given_up() -> None:
    stage = Stage(UNKNOWN)
    with pytest.raises(ServerError) as caught:
        waited(stage)
    assert (caught.value.code, caught.value.task_id) == ("not_found", "t-1")
    assert len(stage.sends) == 5


def test_a_job_that_appears_late_is_not_given_up() -> None:
    stage = Stage(*[UNKNOWN] * 4, RUNNING, *[UNKNOWN] * 4, DONE)
    assert waited(stage) == "done"


@pytest.mark.parametrize("state", ["warming-up", "queued", "", "第一"])
def test_an_unknown_state_is_running(state: str) -> None:
    stage = Stage(*replies([state, "running", "pending"]), DONE)
    assert waited(stage) == "done"
    assert stage.states == ["running", "running", "running", "done"]


def test_updates_tell_how_long_it_has_been() -> None:
    stage = Stage(RUNNING, DONE)
    waited(stage)
    updates = [effect.update for effect in stage.of(Notify)]
    assert [round(update.elapsed) for update in updates] == [10, 11]
    assert [update.raw_state for update in updates] == ["processing", "success"]


def test_one_look_raises_what_the_answer_stands_for() -> None:
    stage = Stage(reply({"error": "oops"}, 500))
    with pytest.raises(ServerError):
        stage.run(query_job(JOB, stage.timing))
    assert len(stage.sends) == 1


def test_what_went_wrong_last_is_told_at_the_deadline() -> None:
    stage = Stage(RUNNING, reply({"message": "task_id is missing"}, 422))
    with pytest.raises(StillRunning, match=r"goes on as t-1; .*task_id is missing"):
        waited(stage, seconds=5.0)
    with pytest.raises(StillRunning, match=r"goes on as t-1$"):
        waited(Stage(UNKNOWN, RUNNING), seconds=5.0)


FLAGGED = {"detail": [{"loc": ["body", "prompt"], "msg": "flagged as r-%d"}]}


def refusals(body: object, status: int) -> list[HttpReply]:
    return [reply(json.loads(json.dumps(body).replace("%d", str(n))), status) for n in range(9)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((FLAGGED, status) for status in (400, 402, 403, 405, 410, 422, 451, 501)),
        ({"code": 10004, "success": False, "message": "flagged by review"}, 200),
        ({"success": False, "message": "flagged by review", "data": None}, 200),
        ({"code": 422, "message": "flagged"}, 200),
    ],
)
def test_three_equal_refusals_over_five_seconds_end_the_wait(body: object, status: int) -> None:
    stage = Stage(*refusals(body, status))
    start = stage.now
    with pytest.raises(ServerError, match="flagged") as caught:
        waited(stage)
    assert (len(stage.sends), stage.now - start) == (3, pytest.approx(5.0, abs=0.01))
    assert (caught.value.exit_code, caught.value.task_id) == (1, "t-1")
    assert caught.value.hint.endswith("tasks wait t-1")
    assert stage.events == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *(({"message": "no"}, status) for status in (408, 409, 423, 425, 429, 500, 502, 503, 504)),
        ({"code": 429, "message": "slow down"}, 200),
        ({"code": 500, "message": "oops", "data": None}, 200),
        ({"code": 10008, "success": False, "message": "the task is still processing"}, 200),
        ({"code": 10009, "success": False, "message": "system busy, try again later"}, 200),
        ({"error": "the result is not ready yet"}, 400),
    ],
)
def test_a_refusal_that_passes_never_ends_the_wait(body: object, status: int) -> None:
    stage = Stage(*[reply(body, status)] * 30, DONE)
    assert waited(stage, seconds=3600.0) == "done"


def test_refusals_that_differ_do_not_add_up() -> None:
    two, other = [reply({"error": "first"}, 422)] * 2, reply({"error": "second"}, 422)
    assert waited(Stage(*two, other, *two, RUNNING, *two, DONE)) == "done"


def test_a_key_that_is_refused_with_403_ends_the_wait_at_once() -> None:
    stage = Stage(reply({"message": "invalid api key"}, 403))
    with pytest.raises(AuthError):
        waited(stage)
    assert len(stage.sends) == 1


def test_a_job_that_is_not_known_is_given_ten_seconds() -> None:
    stage = Stage(UNKNOWN)
    start = stage.now
    with pytest.raises(ServerError):
        waited(stage)
    assert stage.now - start == pytest.approx(10.0, abs=0.01)


COOKED = reply({"taskId": "t-1", "status": "Cooked", "videoUrl": "https://cdn.example/v.mp4"})


def test_an_unknown_word_with_a_result_twice_is_done_and_told() -> None:
    stage = Stage(COOKED, RUNNING, COOKED)
    assert waited(stage) == "done"
    assert len(stage.sends) == 4
    notes = [effect.update.note for effect in stage.of(Notify)]
    assert notes[:-1] == ["", "", ""]
    assert "--set done=Cooked" in notes[-1]


def test_a_word_of_what_goes_on_is_no_end_whatever_comes_with_it() -> None:
    link = "https://cdn.example/v.mp4"
    stage = Stage(*[reply({"taskId": "t-1", "status": "encoding", "videoUrl": link})] * 9, DONE)
    assert waited(stage) == "done"
    assert len(stage.sends) == 10


def test_an_unknown_word_is_told_once_after_a_minute() -> None:
    stage = Stage(*replies(["cooked"] * 20), DONE)
    waited(stage)
    updates = [effect.update for effect in stage.of(Notify)]
    (told,) = [update for update in updates if update.note]
    later = [update for update in updates if update.elapsed - updates[0].elapsed >= REPORT_AFTER]
    assert told is later[0]
    assert "'cooked'" in told.note
    assert "--set done=cooked" in told.note


def test_an_unknown_word_is_told_at_the_deadline() -> None:
    with pytest.raises(StillRunning, match="--set done=cooked"):
        waited(Stage(*replies(["cooked"])), seconds=5.0)


@pytest.mark.parametrize("state", ["done", "failed"])
def test_the_answer_to_a_create_request_is_never_final(state: State) -> None:
    stage = Stage(DONE)
    answer = stage.run(query_job(JOB, stage.timing))
    early = answer._replace(fields=answer.fields._replace(state=state, media=()))
    stage = Stage(RUNNING)
    assert stage.run(ask_once(early, JOB, stage.timing)).fields.state == "running"
    assert len(stage.sends) == 1
    stage = Stage(reply({"error": "oops"}, 500))
    assert stage.run(ask_once(early, JOB, stage.timing)).fields.state == state


@pytest.mark.parametrize(
    ("link", "word", "asked"),
    [("/jobs/t-1", "", 1), ("/jobs/t-1", "done", 0), ("/f/o.mp4", "", 0)],
)
def test_a_link_without_a_word_is_no_result_until_the_job_was_asked_about(
    link: str, word: str, asked: int
) -> None:
    answer = Stage(DONE).run(query_job(JOB, Stage(DONE).timing))
    url = f"{HOST}{link}"
    medium = Medium(url, "", named=False)
    fields = answer.fields._replace(media=(url,), candidates=(medium,), raw_state=word)
    stage = Stage(RUNNING)
    state = stage.run(ask_once(answer._replace(fields=fields), JOB, stage.timing)).fields.state
    assert (state, len(stage.sends)) == ("running" if asked else "done", asked)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failed_question_ends_no_job_whose_medium_is_missing(status: int) -> None:
    answer = Stage(DONE).run(query_job(JOB, Stage(DONE).timing))
    early = answer._replace(fields=answer.fields._replace(media=(), candidates=()))
    job = JOB._replace(expected=frozenset({"video"}))
    stage = Stage(*[reply({"error": "busy"}, status)] * 9)
    assert stage.run(ask_once(early, job, stage.timing)).fields.state == "running"


GUESS = JOB._replace(family=FAMILY._replace(wait="", guessed=True))


def test_a_guessed_question_is_recorded_and_free_once_its_answer_proves_it() -> None:
    stage, asked = Stage(RUNNING, RUNNING, DONE), dict[str, float]()
    assert waited(stage, GUESS._replace(asked=asked)) == "done"
    assert asked == {FAMILY.query: 1_000_000.0}
    assert [(event.event, event.ref == "ref-1") for event in stage.of(Record)] == [
        ("intent", False),
        ("asked", False),
        ("done", True),
    ]
    assert stage.kinds[:3] == ["Record", "Send", "Record"]
    assert ["Idempotency-Key" in send.headers for send in stage.sends] == [True, False, False]


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (reply({"status": "processing"}), "done"),
        (reply({"taskId": "other", "status": "processing"}), "done"),
        (reply({"taskId": "t-1"}), "done"),
        (reply({"error": "no such task"}, 404), "refused"),
        (reply({"error": "oops"}, 500), "unknown"),
        (NetworkError("broken", sent=True), "unknown"),
    ],
)
def test_a_guessed_question_that_proves_nothing_is_asked_once(answer: object, event: str) -> None:
    stage = Stage(answer)
    with pytest.raises(StillRunning, match="is not asked again") as caught:
        waited(stage, GUESS._replace(asked={}))
    assert stage.events == ["intent", event]
    assert len(stage.sends) == 1
    assert "tasks wait t-1 --set free=ai.v.query" in caught.value.hint


BY_WORDS = GUESS._replace(family=FAMILY._replace(wait="", by_words=True))


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "processing"},
        {"name": "t-1"},
        {"statuses": {"t-1": {"percent": 31.5}}},
        {"done": False, "faulted": False},
    ],
)
def test_words_of_jobs_need_an_id_or_a_state_in_the_first_answer(answer: object) -> None:
    stage = Stage(reply({"error": "no such task"}, 404), reply(answer), RUNNING, DONE)
    assert waited(stage, BY_WORDS._replace(asked={})) == "done"
    assert stage.events == ["done"]
    assert not any("Idempotency-Key" in send.headers for send in stage.sends)


def test_words_of_jobs_are_not_asked_again_where_the_first_answer_tells_of_no_job() -> None:
    stage = Stage(reply({"thanks": True}))
    with pytest.raises(StillRunning, match="is not asked again"):
        waited(stage, BY_WORDS._replace(asked={}))
    assert len(stage.sends) == 1


@pytest.mark.parametrize("holder", [{"meta": {"job": "t-1"}}, {"jobs": {"t-1": {}}}])
def test_the_id_proves_a_question_wherever_it_stands(holder: dict[str, object]) -> None:
    stage, asked = Stage(reply({"done": False, **holder}), DONE), dict[str, float]()
    assert waited(stage, GUESS._replace(asked=asked)) == "done"
    assert asked == {FAMILY.query: 1_000_000.0}


def test_a_guessed_question_is_not_asked_again_by_the_next_wait() -> None:
    job = GUESS._replace(asked={})
    stage = Stage(reply({"status": "processing"}))
    for _ in range(2):
        with pytest.raises(StillRunning):
            waited(stage, job)
    assert len(stage.sends) == 1


def test_a_guessed_question_that_ends_the_job_needs_no_proof() -> None:
    stage = Stage(reply({"status": "success", "videoUrl": "https://cdn.example/v.mp4"}))
    assert waited(stage, GUESS._replace(asked={})) == "done"
