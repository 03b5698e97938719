"""Waiting obeys hints, grows otherwise, survives every poll, and ends at its deadline."""

from __future__ import annotations

import json

import pytest
from unit.scripted import FAMILY, HOST, Stage, replies, reply

from callsheet.backoff import poll_interval
from callsheet.errors import AuthError, NetworkError, ServerError, StillRunning
from callsheet.flows.effects import Notify, Record
from callsheet.flows.jobs import Job, query_job, wait
from callsheet.protocol.overrides import Overrides

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


def test_the_shortest_pause_is_twenty_milliseconds() -> None:
    stage = Stage(reply({"taskId": "t-1", "status": "running", "pollAfterMs": 1}), DONE)
    waited(stage)
    assert stage.pauses == [0.02]


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
