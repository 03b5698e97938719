"""A paid request is recorded before it leaves, leaves once, and its outcome is never guessed."""

from __future__ import annotations

import json
from asyncio import CancelledError
from typing import Any

import pytest
from unit.scripted import HOST, MAKE, Stage, order, reply

from callsheet.errors import (
    AuthError,
    CallsheetError,
    LimitReached,
    NetworkError,
    OutcomeUnknown,
    ReferenceUsed,
    ServerError,
    UsageError,
)
from callsheet.flows.effects import Flow, HttpReply, KeepReply, Record, Send
from callsheet.flows.invoke import submit
from callsheet.flows.retry import action_path, is_sendable
from callsheet.spec import Action, Family, Role

REFUSED = NetworkError("refused", sent=False)
LOST = NetworkError("the connection broke", sent=True)
ACCEPTED = reply({"taskId": "t-1", "status": "pending"})
SAFE = Action(id="ai.v.query", paid=False, role="query")


def allowed() -> Flow[bool]:
    """Answer that the server honours the key, without asking it."""
    return True
    yield


def failure(stage: Stage, **changes: Any) -> CallsheetError:
    with pytest.raises(CallsheetError) as caught:
        stage.run(submit(order(**changes), stage.timing))
    return caught.value


def test_the_intent_is_recorded_before_the_request_and_the_task_after_it() -> None:
    stage = Stage(ACCEPTED)
    answer = stage.run(submit(order(facts={"host": HOST}), stage.timing))
    assert answer.fields.task_ids == ("t-1",)
    assert stage.kinds == ["Record", "Send", "Record"]
    assert stage.effects[0] == Record("intent", "ref-1", {"host": HOST})
    assert stage.of(Record)[1].event == "accepted"
    assert stage.of(Record)[1].values["task_ids"] == ["t-1"]


def test_the_request_carries_the_exact_bytes_and_the_reference() -> None:
    stage = Stage(ACCEPTED)
    stage.run(submit(order(), stage.timing))
    (send,) = stage.sends
    assert (send.method, send.path, send.body) == (
        "POST",
        "/api/actions/ai.v.make",
        b'{"prompt":"waves"}',
    )
    assert send.headers == {"Content-Type": "application/json", "Idempotency-Key": "ref-1"}


def test_no_request_leaves_without_its_intent() -> None:
    stage = Stage(ACCEPTED)

    def unwritable(record: Record) -> None:
        raise UsageError("the ledger cannot be used", code="ledger")

    stage.record = unwritable
    assert failure(stage).code == "ledger"
    assert stage.sends == []


@pytest.mark.parametrize("answer", [ACCEPTED, LOST, reply({"error": "bad"}, 400)])
def test_a_ledger_that_fails_afterwards_hides_nothing(answer: object) -> None:
    working = Stage(answer)
    broken = Stage(answer)

    def fail(record: Record) -> None:
        if record.event != "intent":
            raise UsageError("disk full", code="ledger")

    broken.record = fail

    def outcome(stage: Stage) -> object:
        try:
            return stage.run(submit(order(), stage.timing))
        except CallsheetError as error:
            return type(error), error.message

    assert outcome(broken) == outcome(working)


def test_nothing_left_when_nobody_could_be_reached() -> None:
    stage = Stage(REFUSED)
    assert isinstance(failure(stage), NetworkError)
    assert stage.events == ["intent", "unsent"]
    assert len(stage.sends) == 5


def test_a_request_that_could_not_leave_is_tried_again() -> None:
    stage = Stage(REFUSED, REFUSED, ACCEPTED)
    stage.run(submit(order(), stage.timing))
    assert stage.events == ["intent", "accepted"]
    assert {send.headers["Idempotency-Key"] for send in stage.sends} == {"ref-1"}


def test_a_lost_reply_is_unknown_and_not_asked_for_again() -> None:
    stage = Stage(LOST)
    error = failure(stage)
    assert isinstance(error, OutcomeUnknown)
    assert error.exit_code == 5
    assert "ref-1"[:8] in error.hint
    assert stage.events == ["intent", "unknown"]
    assert len(stage.sends) == 1


def test_a_fault_of_this_machine_after_the_answer_sends_nothing_again() -> None:
    full = NetworkError("the reply cannot be stored: no space left on device", sent=True)
    full.retryable = False
    stage = Stage(full)
    assert isinstance(failure(stage, may_resend=allowed), OutcomeUnknown)
    assert (stage.events, len(stage.sends)) == (["intent", "unknown"], 1)


@pytest.mark.parametrize("resend", [False, True])
def test_once_a_request_may_have_arrived_its_outcome_stays_unknown(resend: bool) -> None:
    stage = Stage(LOST, REFUSED)
    assert isinstance(failure(stage, may_resend=allowed if resend else None), OutcomeUnknown)
    assert stage.events == ["intent", "unknown"]
    assert len(stage.sends) == (5 if resend else 1)


def test_an_interruption_after_a_lost_try_is_unknown() -> None:
    stage = Stage(LOST, UsageError("no file descriptors"))
    assert isinstance(failure(stage, may_resend=allowed), OutcomeUnknown)
    assert stage.events == ["intent", "unknown"]


@pytest.mark.parametrize("status", [301, 302])
@pytest.mark.parametrize(
    "location",
    [
        *("/login?next=%2Fapi", "/users/sign_in", "/Account/LogOn", "/auth/realms/x", "/oauth2/a"),
        *("/api/actions/x/", "/v2/api/actions/x", "https://elsewhere.example/result"),
    ],
)
def test_a_redirect_before_a_paid_request_ran_is_a_refusal(status: int, location: str) -> None:
    stage = Stage(reply(status=status, location=location))
    error = failure(stage)
    assert (error.exit_code, error.code) == (1, "redirect_refused")
    assert (stage.events, len(stage.sends)) == (["intent", "refused"], 1)


@pytest.mark.parametrize("status", [301, 302])
@pytest.mark.parametrize("location", ["/result", "/authors/7", "/api/actions/x", "?task=7"])
def test_a_redirect_that_may_be_the_answer_leaves_the_outcome_unknown(
    status: int, location: str
) -> None:
    stage = Stage(reply(status=status, location=location))
    error = failure(stage)
    assert (error.exit_code, error.http_status) == (5, None)
    assert "tasks recover ref-1" in error.hint
    assert HOST in error.message
    assert (stage.events, len(stage.sends)) == (["intent", "unknown"], 1)


def test_a_303_to_another_host_leaves_the_outcome_unknown() -> None:
    stage = Stage(reply(status=303, location="https://elsewhere.example/result"))
    assert isinstance(failure(stage), OutcomeUnknown)
    assert (stage.events, len(stage.sends)) == (["intent", "unknown"], 1)


def test_a_303_within_the_origin_starts_a_job_that_its_link_tells_of() -> None:
    stage = Stage(reply(status=303, location="/jobs/j1"))
    parsed = stage.run(submit(order(), stage.timing))
    assert parsed.fields.task_ids == ("j1", f"{HOST}/jobs/j1")
    assert (stage.events, len(stage.sends)) == (["intent", "accepted"], 1)


def test_a_lost_reply_is_asked_for_again_where_the_key_is_honoured() -> None:
    stage = Stage(LOST, LOST, ACCEPTED)
    stage.run(submit(order(may_resend=allowed), stage.timing))
    assert [send.headers["Idempotency-Key"] for send in stage.sends] == ["ref-1"] * 3
    assert stage.events == ["intent", "accepted"]


def test_a_refusal_after_a_lost_try_leaves_the_first_one_unknown() -> None:
    stage = Stage(LOST, reply({"error": "no credit"}, 402))
    assert isinstance(failure(stage, may_resend=allowed), OutcomeUnknown)
    assert stage.events == ["intent", "unknown"]


@pytest.mark.parametrize("resend", [False, True])
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_trouble_of_the_server_is_unknown_and_never_sent_again(status: int, resend: bool) -> None:
    stage = Stage(reply({"error": "oops"}, status, x_request_id="r-9"))
    error = failure(stage, may_resend=allowed if resend else None)
    assert isinstance(error, OutcomeUnknown)
    assert (error.http_status, error.request_id) == (status, "r-9")
    assert "oops" in error.raw
    assert len(stage.sends) == 1
    assert stage.events == ["intent", "unknown"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"code": "bad", "message": "prompt is empty"}}, ServerError),
        (401, {"message": "no"}, AuthError),
        (402, {"message": "short"}, LimitReached),
        (404, {"message": "no such action"}, ServerError),
        (422, {"detail": "fps"}, ServerError),
        (429, {"message": "slow down"}, LimitReached),
        (200, {"success": False, "message": "prompt is empty"}, ServerError),
    ],
)
def test_a_refusal_is_the_error_that_it_stands_for(
    status: int, body: object, kind: type[CallsheetError]
) -> None:
    stage = Stage(reply(body, status))
    assert type(failure(stage)) is kind
    assert stage.events == ["intent", "refused"]
    assert len(stage.sends) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"<html><title>Login</title></html>", b'{"note": "hm"}', b"[" * 100_000, b"\xff"],
)
def test_a_success_that_nobody_understands_is_unknown_and_kept(body: bytes) -> None:
    stage = Stage(reply(body))
    error = failure(stage)
    assert isinstance(error, OutcomeUnknown)
    assert stage.events == ["intent", "unknown"]
    assert error.raw == stage.of(Record)[1].values["reply"]
    assert len(error.raw) <= 2048


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), CancelledError(), SystemExit(1)])
def test_an_interruption_while_the_request_is_out_is_recorded_first(stop: BaseException) -> None:
    stage = Stage(stop)
    with pytest.raises(type(stop)):
        stage.run(submit(order(), stage.timing))
    assert stage.events == ["intent", "unknown"]


def test_an_interruption_between_tries_that_never_left_is_unsent() -> None:
    stage = Stage(REFUSED)
    flow = submit(order(), stage.timing)
    next(flow), flow.send(None), flow.throw(REFUSED)
    effect = flow.throw(KeyboardInterrupt())
    assert isinstance(effect, Record)
    assert effect.event == "unsent"
    with pytest.raises(KeyboardInterrupt):
        flow.send(None)


def test_what_is_refused_before_it_leaves_is_unsent() -> None:
    stage = Stage(UsageError("the certificates cannot be read"))
    assert failure(stage).exit_code == 2
    assert stage.events == ["intent", "unsent"]


def test_a_safe_action_needs_no_ledger_and_no_key() -> None:
    stage = Stage(reply({"error": "busy"}, 503), LOST, reply({"taskId": "t", "status": "done"}))
    answer = stage.run(submit(order(SAFE), stage.timing))
    assert answer.fields.state == "done"
    assert (stage.events, len(stage.sends)) == ([], 3)
    assert "Idempotency-Key" not in stage.sends[0].headers


def test_what_the_server_says_of_the_key_is_noted() -> None:
    stage = Stage(reply({"taskId": "t"}, idempotent_replayed="true"))
    stage.run(submit(order(), stage.timing))
    assert stage.of(Record)[1].values["idempotency"] is True


def test_a_job_that_is_over_at_once_is_recorded_so() -> None:
    done = {"taskId": "t", "status": "success", "videoUrl": "/v.mp4"}
    stage = Stage(reply(done))
    stage.run(submit(order(), stage.timing))
    assert stage.of(Record)[1].event == "done"
    assert stage.of(Record)[1].values["reply"] == done


def test_an_empty_answer_is_one_where_http_says_so() -> None:
    stage = Stage(reply(b"", 204))
    assert stage.run(submit(order(Action(id="x.drop")), stage.timing)).json is None
    assert stage.events == ["intent", "done"]


def test_an_abandoned_flow_asks_for_nothing_more() -> None:
    stage = Stage()
    flow = submit(order(), stage.timing)
    next(flow)
    flow.send(None)
    flow.close()
    with pytest.raises(StopIteration):
        next(flow)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ai.v.make", "ai.v.make"),
        ("a/../b", "a%2F..%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("ü %2e", "%C3%BC%20%252e"),
    ],
)
def test_an_id_is_one_segment(name: str, path: str) -> None:
    assert action_path(name, "/schema") == f"/api/actions/{path}/schema"
    assert is_sendable(name)


@pytest.mark.parametrize("name", ["", ".", "..", "...", "\ud800"])
def test_an_id_that_cannot_be_a_segment(name: str) -> None:
    assert not is_sendable(name)


def test_the_reply_is_kept_as_it_came() -> None:
    stage = Stage(reply(b'{"taskId": "t", "later": [1, {"x": null}]}'))
    answer = stage.run(submit(order(MAKE), stage.timing))
    assert json.dumps(answer.json) == '{"taskId": "t", "later": [1, {"x": null}]}'


@pytest.mark.parametrize(("role", "seconds"), [("wait", 42.0), ("create", None)])
def test_how_long_a_blocking_action_took_is_noted(role: Role, seconds: float | None) -> None:
    def answer(send: Send) -> HttpReply:
        stage.now += 42.0
        return reply({"taskId": "t", "status": "success", "videoUrl": "/v.mp4"})

    stage = Stage(answer)
    stage.run(submit(order(MAKE._replace(role=role)), stage.timing))
    assert stage.of(Record)[1].values["seconds"] == seconds


@pytest.mark.parametrize("code", [408, 500, 504])
def test_an_envelope_that_says_the_server_failed_is_unknown_and_kept(code: int) -> None:
    stage = Stage(reply({"code": code, "message": "late", "data": None}))
    error = failure(stage)
    assert isinstance(error, OutcomeUnknown)
    assert stage.events == ["intent", "unknown"]
    assert [effect.name for effect in stage.of(KeepReply)] == ["ref-1"]
    assert any("/code" in line for line in stage.of(KeepReply)[0].why)


def test_a_task_id_beside_a_refusal_is_a_running_job_where_it_can_be_asked_about() -> None:
    family = Family(create="ai.v.make", query="ai.v.query")
    stage = Stage(reply({"success": False, "message": "busy", "taskId": "t-7"}))
    answer = stage.run(submit(order(MAKE._replace(role="create", family=family)), stage.timing))
    assert (answer.fields.state, answer.fields.task_ids) == ("running", ("t-7",))
    assert stage.events == ["intent", "accepted"]


def test_a_task_id_beside_a_refusal_is_kept_where_nobody_can_be_asked() -> None:
    stage = Stage(reply({"success": False, "message": "busy", "taskId": "t-7"}))
    alone = MAKE._replace(role="", family=None)
    with pytest.raises(OutcomeUnknown):
        stage.run(submit(order(alone), stage.timing))
    assert stage.of(Record)[1].values["task_ids"] == ["t-7"]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        ({"id": "v-1", "error": {"message": "the model is busy"}}, ["intent", "unknown"]),
        ({"id": "req_1", "error": {"message": "the model is busy"}}, ["intent", "refused"]),
        ({"id": "v-1", "error": {"message": "insufficient credits"}}, ["intent", "refused"]),
        ({"id": 1, "jsonrpc": "2.0", "error": {"message": "no model"}}, ["intent", "refused"]),
        ({"code": 7, "msg": "no", "data": {"videoUrl": "https://x/v.mp4"}}, ["intent", "unknown"]),
    ],
)
def test_what_stands_beside_a_refusal_may_be_a_job_or_its_result(
    body: object, events: list[str]
) -> None:
    stage = Stage(reply(body))
    with pytest.raises(CallsheetError):
        stage.run(submit(order(MAKE._replace(role="", family=None)), stage.timing))
    assert stage.events == events


@pytest.mark.parametrize(
    ("tries", "hint"), [(1, "it was not sent again"), (3, "it was sent 3 times with one key")]
)
def test_the_hint_says_how_often_a_request_was_sent(tries: int, hint: str) -> None:
    stage = Stage(*[LOST] * (tries - 1), reply({"error": "oops"}, 500))
    assert failure(stage, may_resend=allowed).hint.startswith(hint)


def test_a_reference_is_used_again_only_where_the_server_honours_it() -> None:
    def conflict(record: Record) -> None:
        if record.event == "intent" and not record.values.get("repeat"):
            raise ReferenceUsed("used")

    stage = Stage(ACCEPTED)
    stage.record = conflict
    assert isinstance(failure(stage), UsageError)
    assert stage.sends == []
    stage.run(submit(order(may_resend=allowed), stage.timing))
    assert len(stage.sends) == 1


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (reply({"error": "Insufficient credits"}, 402), "it was sent 2 times with one key"),
        (reply({"error": "Too many requests"}, 429), "it was sent 2 times with one key"),
        (reply({"error": "oops"}, 500), "it was sent 2 times with one key"),
        (REFUSED, "it was not sent again"),
    ],
)
def test_a_refusal_of_the_second_command_says_nothing_of_the_first(
    answer: object, hint: str
) -> None:
    def conflict(record: Record) -> None:
        if record.event == "intent" and not record.values.get("repeat"):
            raise ReferenceUsed("used")

    stage = Stage(answer)
    stage.record = conflict
    error = failure(stage, may_resend=allowed)
    assert isinstance(error, OutcomeUnknown)
    assert hint in error.hint
    assert stage.events[-1] == "unknown"
