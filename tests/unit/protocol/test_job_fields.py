"""Ids, states and reasons as well-known services write them, and what only looks like them."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.protocol.evidence import setting_for
from callsheet.protocol.job_state import read_state
from callsheet.protocol.replies import read_reply

LINK = "https://cdn.example/v.mp4"


@pytest.mark.parametrize(
    "data",
    [
        {"error": None, "data": {"video_id": "u1"}},
        {"render_id": "u1", "message": "queued"},
        {"talk_id": "u1"},
        {"run_id": "u1", "status": "running", "workspace_id": "w9"},
        {"executionId": "u1"},
        {"uuid": "u1", "user_id": "z9"},
        {"ticket": "u1"},
        {"operation": "u1"},
        {"operationName": "operations/u1"},
        {"dubbing_id": "u1", "expected_duration_sec": 12.5},
        {"prompt_id": "u1", "number": 4, "node_errors": {}},
        {"success": True, "inference_job_token": "u1"},
        {"asset_id": "u1", "model_id": "m9"},
        {"project_id": "u1", "user_id": "z9"},
        {"TaskId": "u1", "RequestId": "r9"},
        {"taskUUID": "u1"},
        {"taskid": "u1"},
        {"task_ids": ["u1"]},
        {"Resp": {"JobId": "u1"}},
        {"motionSvdGenerationJob": {"generationId": "u1", "apiCreditCost": 25}},
        {"data": {"createVideo": {"job": {"id": "u1"}}}},
        {"data": {"imagine": {"uuid": "u1"}}},
        {"jsonrpc": "2.0", "id": 7, "result": {"id": "u1"}},
        {"request_id": "u1", "status": "IN_QUEUE"},
        {"code": 0, "message": "ok", "result": "u1"},
        {"generation_request_id": "u1", "trace_id": "t9"},
        {"scrape_id": "u1", "account": {"id": "a9"}},
        {"output": {"task_id": "u1"}, "request_id": "r9"},
        {"task": "text2video", "id": "u1"},
        {"id": "u1", "model": {"id": "m9"}, "voice": {"voice_id": "v9"}},
        {"external_task_id": "e9", "task_id": "u1"},
        {"wrapper": [{"id": "u1", "status": "queued"}]},
    ],
)
def test_the_jobs_id_comes_first_whatever_its_name(data: Any) -> None:
    reading = read_reply(data, role="create")

    assert reading.task_ids[:1] in {("u1",), ("operations/u1",)}
    assert not {"m9", "z9", "w9", "v9", "a9", "e9", "t9"}.intersection(reading.task_ids)


def test_the_name_of_an_operation_is_an_id_and_that_of_a_person_is_not() -> None:
    name = "models/veo/operations/u1"

    assert read_reply({"name": name, "done": False}, role="create").task_ids == (name,)
    assert read_reply({"name": "Ada1", "title": "x"}, role="create").task_ids == ()


def test_the_property_of_the_action_that_asks_goes_before_every_other_key() -> None:
    data = {"taskId": "a1", "data": {"sessionId": "u1"}}

    assert read_reply(data, role="create", id_key="session_id").task_ids == ("u1", "a1")
    assert read_reply(data, role="create").task_ids == ("a1",)


@pytest.mark.parametrize(
    "data",
    [
        {"user_id": "z9", "account_id": "a9"},
        {"model": {"id": "m9"}},
        {"input": {"task_id": "t9"}},
        {"task": "image-to-video"},
        {"webhook": {"id": "h9", "status": "active"}},
        {"one_id": "x1", "two_id": "x2"},
        {"tasks": [{"id": "x1"}, {"id": "x2"}]},
    ],
)
def test_ids_of_other_things_are_no_task(data: Any) -> None:
    assert read_reply(data, role="create").task_ids == ()


def test_an_id_of_unknown_meaning_counts_only_for_a_request_that_makes_a_job() -> None:
    assert read_reply({"scrape_id": "u1"}, role="create").task_ids == ("u1",)
    assert read_reply({"scrape_id": "u1"}).task_ids == ()


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *((text, "done") for text in ("succeed", "TASK_STATUS_SUCCEED", "FINISH", "TaskDone")),
        *((text, "done") for text in ("JobSuccess", "rendered", "available", "end", "generated")),
        *((text, "done") for text in ("video_generation_completed", "taskfinished", "已完成")),
        *((text, "done") for text in ("processing_complete", "Completed Successfully")),
        *((text, "failed") for text in ("Content Moderated", "banned", "nsfw", "blocked")),
        *((text, "failed") for text in ("unsafe", "sensitive", "TASK_STATUS_FAILED", "terminated")),
        *((text, "failed") for text in ("moderation_failed", "WORD_ERROR", "unsuccessful")),
        *((text, "failed") for text in ("CREATE_TASK_FAILED", "blocked_by_safety", "生成失败")),
        *((text, "running") for text in ("rendering", "TASK_STATUS_PROCESSING", "in_review")),
        *((text, "running") for text in ("task_created_successfully", "submitted_success")),
        *((text, "") for text in ("not_finished", "unfinished", "incomplete", "not ready")),
        *(
            (text, "")
            for text in ("TEXT_SUCCESS", "FIRST_SUCCESS", "upload_completed", "unblocked")
        ),
        *(
            (text, "")
            for text in ("partially_completed", "completed_with_errors", "zufrieden", "2")
        ),
    ],
)
def test_words_are_read_by_their_parts_and_ends(word: str, state: str) -> None:
    assert read_state(word) == state
    fields = read_reply({"taskId": "u1", "status": word}, role="query")
    assert fields.state == (state or "running")
    assert fields.has_new_word is (state == "")


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"status": "success", "task": {"status": "processing"}}, "running"),
        ({"status": "success", "taskId": "u1", "data": {"status": "processing"}}, "running"),
        ({"status": "success", "task_status": "processing"}, "running"),
        ({"id": "u1", "status": "processing", "output": {"status": "success"}}, "running"),
        ({"id": "u1", "status": "completed", "result": {"status": "failed"}}, "failed"),
        ({"id": "u1", "status": "running", "images": [{"status": "success"}]}, "running"),
        ({"id": "u1", "status": "queued", "stage": {"status": "completed"}}, "running"),
        ({"id": "u1", "status": "queued", "payment_status": "completed"}, "running"),
        ({"status": "success", "task": {"status": "zufrieden"}}, "running"),
        ({"status": {"state": "running", "percent": 3}}, "running"),
        ({"status": {"code": 2, "name": "completed"}}, "done"),
        ({"u1": {"status": {"status_str": "success", "completed": True}}}, "done"),
        ({"u2": {"status": "failed"}, "u1": {"status": "running"}}, "running"),
        ({"data": {"generations_by_pk": {"id": "u1", "status": "COMPLETE"}}}, "done"),
        ({"done": True, "error": {"code": 3, "message": "bad"}}, "failed"),
        ({"done": True, "error": {"code": 0, "message": ""}}, "done"),
        ({"is_finished": False}, "running"),
        ({"successFlag": 0}, "running"),
        ({"successFlag": 1}, "done"),
        ({"successFlag": "3"}, "failed"),
        ({"status": 3, "failReason": "no gpu"}, "failed"),
        ({"status": 1, "errorCode": 0, "errorMessage": ""}, ""),
        ({"status": "completed", "error": "bad luck"}, "failed"),
        ({"status": "completed", "error": {"code": "ok", "message": ""}}, "done"),
        ({"status": "completed", "warning": "small", "error": None}, "done"),
    ],
)
def test_the_jobs_own_word_decides(data: Any, state: str) -> None:
    assert read_reply(data, sent={"taskId": "u1"}, role="query").state == state


def test_ok_means_done_beside_a_medium_only() -> None:
    video = frozenset({"video"})
    ok = {"taskId": "u1", "status": "OK"}

    assert read_reply(ok, role="query", expected=video).state == "running"
    assert read_reply({**ok, "videoUrl": LINK}, role="query", expected=video).state == "done"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"status": "failed", "failure_reason": "frame refused"}, "frame refused"),
        ({"status": "FAILED", "failure": "text", "failureCode": "SAFETY.X"}, "text (SAFETY.X)"),
        ({"message": "Success", "data": {"status": "failed", "error": {"detail": "x"}}}, "x"),
        ({"status": "failed", "details": {"Moderation Reasons": ["a b", "c"]}}, "a b; c"),
        ({"task": {"status": "FAILED", "reason": "out of memory"}}, "out of memory"),
        ({"status": "failed", "task_status_msg": "too dark", "msg": "SUCCEED"}, "too dark"),
        ({"status": "failed", "output": {"results": [{"message": "too big"}]}}, "too big"),
        ({"status": "failed", "error": "nsfw", "logs": "a\nb", "prompt": "waves"}, "nsfw"),
        ({"status": "errored", "errors": {"type": "bad", "messages": ["a", "b"]}}, "a; b (bad)"),
        ({"status": "Fail", "base_resp": {"status_code": 1, "status_msg": "not safe"}}, "not safe"),
        ({"status": "failed", "response": "the picture is too dark"}, "the picture is too dark"),
        ({"status": "failed", "error": {"en": "too dark", "code": "X1"}}, "too dark (X1)"),
        ({"status": "failed", "remark": "too dark"}, "too dark"),
        ({"status": "failed", "message": "request successful"}, ""),
        ({"status": "failed", "moderation": {"status": "passed"}, "message": "no gpu"}, "no gpu"),
        ({"status": "failed", "input": {"text": "waves", "error": "x"}}, ""),
    ],
)
def test_a_failed_job_says_why_and_never_success(data: Any, message: str) -> None:
    assert read_reply({"id": "u1", **data}, role="query").message == message


@pytest.mark.parametrize(
    ("data", "progress", "cost"),
    [
        ({"progress_percent": 10}, 0.1, None),
        ({"metadata": {"progressPercentage": "35%"}}, 0.35, None),
        ({"progress": "3/10", "apiCreditCost": 8}, 0.3, 8.0),
        ({"usage": {"credits": 3}, "credits_remaining": 70}, None, 3.0),
        ({"status": {"state": "running", "percent": 40}}, 0.4, None),
        ({"estimated_cost": 3, "cost_type": 1}, None, None),
    ],
)
def test_progress_and_cost_by_the_words_of_their_keys(
    data: Any, progress: float | None, cost: float | None
) -> None:
    reading = read_reply({"taskId": "u1", **data}, role="query")

    assert (reading.progress, reading.cost) == (progress, cost)


def test_the_evidence_says_what_was_chosen_and_what_was_not() -> None:
    data = {"status": "success", "user_id": "z9", "task": {"id": "u1", "status": "processing"}}
    reading = read_reply(data, sent={"taskId": "u1"}, role="query")
    places = {(c.part, c.pointer): c for c in reading.evidence}

    assert places["state", "/task/status"].chosen
    assert "+in the job's object" in places["state", "/task/status"].rules
    assert not places["state", "/status"].chosen
    assert places["task_id", "/task/id"].chosen
    assert places["task_id", "/user_id"].rules == ("-id of another thing",)
    assert places["refusal", "/status"].rules == ("-reports success",)


def test_the_evidence_names_links_reasons_and_what_the_configuration_would_choose() -> None:
    data = {"id": "u1", "state": "failed", "failMsg": "no gpu", "videos": [{"cover": LINK}]}
    reading = read_reply(data, sent={"taskId": "u1"}, role="query")
    settings = {c.part: setting_for(c) for c in reading.evidence}

    assert settings["reason"] == "error-message=failMsg"
    assert settings["media"] == "media=videos[].cover"
    assert settings["state"] == "state=state"


@pytest.mark.parametrize(
    ("reply", "ids"),
    [
        ({"result": "018b-77aa-7c3e-beef"}, ("018b-77aa-7c3e-beef",)),
        (
            {"data": "0c5b8f0e-9d7a-4a57-8c0f-3f3d3c1f6a11"},
            ("0c5b8f0e-9d7a-4a57-8c0f-3f3d3c1f6a11",),
        ),
        ({"result": "a heron at dawn"}, ()),
        ({"result": "ok-2031-01-09"}, ()),
        ({"result": "018b-77aa-7c3e-beef", "text": "done"}, ()),
    ],
)
def test_a_uuid_that_is_the_whole_answer_is_the_id_of_a_job(
    reply: dict[str, Any], ids: tuple[str, ...]
) -> None:
    assert read_reply(reply, sent={"prompt": "x"}).task_ids == ids
