"""Task ids, states, progress and the rest, in every place they are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.protocol.job_state import read_state
from callsheet.protocol.job_words import DONE, FAILED, RUNNING
from callsheet.protocol.replies import read_reply
from callsheet.protocol.values import Overrides

if TYPE_CHECKING:
    from callsheet.spec import Role

LINK = "https://cdn.example/v.mp4"


@pytest.mark.parametrize(
    ("data", "ids"),
    [
        ({"taskId": "a"}, ("a",)),
        (
            {"requestId": "e", "jobId": "d", "id": "c", "taskId": "a", "task_id": "b"},
            tuple("abcde"),
        ),
        ({"code": 0, "data": {"id": "row", "taskId": "upstream"}}, ("upstream", "row")),
        ({"code": 0, "requestId": "r", "data": {"id": "row"}}, ("row", "r")),
        ({"task": {"id": "x", "status": "queued"}}, ("x",)),
        ({"data": [{"taskId": "x"}]}, ("x",)),
        ({"id": 17}, ("17",)),
        ({"id": "a", "taskId": "a"}, ("a",)),
        ({"code": 0, "data": "task-1"}, ("task-1",)),
        ({"predictionId": "p"}, ("p",)),
        ({"taskInfo": '{"taskId": "deep"}'}, ("deep",)),
        ({"id": "two words", "taskId": None, "jobId": "", "requestId": {}}, ()),
        ({"id": True}, ()),
        ({"id": "x" * 513}, ()),
    ],
)
def test_candidates_in_their_order(data: Any, ids: tuple[str, ...]) -> None:
    assert read_reply(data, role="create").task_ids == ids


@pytest.mark.parametrize(
    ("words", "state"), [(RUNNING, "running"), (DONE, "done"), (FAILED, "failed")]
)
def test_every_state_in_every_spelling(words: frozenset[str], state: str) -> None:
    spelled = [f(word) for word in words for f in (str.upper, str.title, "_".join, " - ".join)]

    assert {read_state(word) for word in spelled} == {state}


@pytest.mark.parametrize(
    ("data", "role", "state", "raw_state"),
    [
        ({"status": "IN_PROGRESS"}, "query", "running", "IN_PROGRESS"),
        ({"status": "Rendering\x1b[31m"}, "query", "running", "Rendering"),
        ({"taskId": "t", "status": "active"}, "", "", "active"),
        ({"taskId": "t", "status": "running"}, "", "running", "running"),
        ({"status": "timeout"}, "query", "failed", "timeout"),
        ({"status": "TIMED_OUT"}, "query", "failed", "TIMED_OUT"),
        ({"taskId": "t", "status": "timeout"}, "wait", "running", "timeout"),
        ({"status": "timeout"}, "wait", "failed", "timeout"),
        ({"status": "success", "data": {"status": "processing"}}, "query", "running", "processing"),
        ({"status": "success", "data": {"taskId": "t"}}, "create", "", ""),
        ({"status": "success", "data": {"text": "x"}}, "query", "done", ""),
        ({"state": "CA", "status": "queued"}, "query", "running", "queued"),
        ({"task": {"taskStatus": "ready"}}, "query", "done", "ready"),
        ({"taskInfo": '{"status": "fail"}'}, "query", "failed", "fail"),
        ({"done": False}, "query", "running", ""),
        ({"done": False, "faulted": True}, "query", "failed", ""),
        ({"ok": "ASSEMBLY_EXECUTING"}, "query", "running", "ASSEMBLY_EXECUTING"),
        ({"ok": "ASSEMBLY_COMPLETED"}, "query", "done", "ASSEMBLY_COMPLETED"),
        ({"ok": "ok"}, "query", "", ""),
        ({"done": True, "url": LINK}, "query", "done", ""),
        ({"videoUrl": LINK}, "query", "done", ""),
        ({"videoUrl": LINK}, "", "", ""),
        ({"status": "failed", "error": "nsfw"}, "query", "failed", "failed"),
        ({"status": "failed", "error": "nsfw"}, "wait", "failed", "failed"),
        ({"code": 500, "message": "no", "data": {"status": "fail"}}, "query", "failed", "fail"),
        ({"taskId": "t", "error": "nsfw"}, "query", "failed", ""),
        ({"taskId": "t"}, "query", "", ""),
        ({"status": 2}, "query", "", ""),
    ],
)
def test_states_by_role(data: Any, role: Role, state: str, raw_state: str) -> None:
    reading = read_reply(data, role=role)

    assert reading.state == state
    assert raw_state in {"", reading.raw_state}
    assert reading.refusal is None


@pytest.mark.parametrize(
    ("value", "share"),
    [
        *((0, 0.0), (0.25, 0.25), (1.0, 1.0), (25, 0.25), (100, 1.0), (250, 1.0), (1, 0.01)),
        *(("40%", 0.4), (" 0.5 % ", 0.005), ("40", 0.4), ("0.4", 0.4), ({"percent": 30}, 0.3)),
        *((-3, 0.0), ("soon", None), (None, None), (True, None), (float("nan"), None), ([], None)),
    ],
)
def test_progress_is_a_share_of_one(value: Any, share: float | None) -> None:
    assert read_reply({"status": "running", "progress": value}, role="query").progress == share


def test_one_on_a_finished_job_is_all() -> None:
    assert read_reply({"status": "done", "progress": 1}, role="query").progress == 1.0


@pytest.mark.parametrize(
    ("data", "after", "cost"),
    [
        ({"pollAfterMs": 20, "cost": 5}, 0.02, 5.0),
        ({"code": 0, "data": {"pollAfterMs": "1500", "creditsUsed": "2.5"}}, 1.5, 2.5),
        ({"pollAfterMs": -1, "cost": True}, None, None),
        ({"pollAfterMs": 0}, 0.0, None),
    ],
)
def test_hints_and_costs(data: Any, after: float | None, cost: float | None) -> None:
    reading = read_reply(data, role="query")

    assert (reading.poll_after, reading.cost) == (after, cost)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"status": "fail", "failMsg": "nsfw\x07"}, "nsfw"),
        ({"status": "fail", "error": {"message": "nsfw"}, "message": "ok"}, "nsfw"),
        ({"status": "fail", "taskInfo": '{"error": "nsfw"}'}, "nsfw"),
        ({"status": "running", "message": "3 before you"}, "3 before you"),
        ({"code": 0, "message": "success", "data": {"status": "running"}}, ""),
    ],
)
def test_the_servers_words(data: Any, message: str) -> None:
    assert read_reply({"taskId": "t", **data}, role="query").message == message


@pytest.mark.parametrize(
    ("data", "role", "understood"),
    [
        ({"taskId": "t"}, "create", True),
        ({"imageUrl": LINK}, "create", True),
        ({"hello": "world"}, "create", False),
        ({"code": 0, "message": "ok", "data": None}, "create", False),
        ({"hello": "world"}, "wait", False),
        ({"status": "odd"}, "query", True),
        ({"hello": "world"}, "query", False),
        ({"hello": "world"}, "", True),
        ([1], "", True),
        (0, "", True),
        ("text", "", True),
        ({"success": True}, "", True),
        *((None, "", False), ("", "", False), ({}, "", False), ([], "", False)),
        *((None, "create", False), ({}, "query", False)),
        ("<html>", "", False),
    ],
)  # fmt: skip
def test_what_is_understood(data: Any, role: Role, understood: bool) -> None:
    assert read_reply(data, role=role).is_recognised is understood


def test_strings_are_read_twice_and_the_payload_is_left_alone() -> None:
    inner = json.dumps({"videoUrl": LINK})
    once = {"taskId": "t", "output": inner}
    thrice = {"output": json.dumps({"a": json.dumps({"b": inner})})}

    assert read_reply(once).media == (LINK,)
    assert read_reply(once).payload == once
    assert read_reply({"output": json.dumps(inner)}).media == (LINK,)
    assert read_reply(thrice).media == ()


def test_a_refusal_keeps_the_task_that_it_names() -> None:
    reading = read_reply({"code": 500, "message": "late", "data": {"taskId": "t"}}, role="create")

    assert reading.refusal is not None
    assert (reading.task_ids, reading.message, reading.state) == (("t",), "late", "")


@pytest.mark.parametrize("role", ["query", "wait"])
def test_a_refusal_of_a_kind_is_no_state(role: Role) -> None:
    reading = read_reply({"status": "error", "message": "task not found"}, role=role)

    assert reading.refusal is not None
    assert reading.refusal.kind == "not_found"


def test_a_forced_list_of_ids_counts_as_its_entries() -> None:
    forced = Overrides.parse({"task-id": "data.task_ids"})
    reading = read_reply({"data": {"task_ids": ["u1", 7]}}, overrides=forced, role="create")

    assert reading.task_ids == ("u1", "7")


def test_forced_readings() -> None:
    data = {"r": {"no": 7, "s": 3, "files": [{"at": LINK}, {"at": "https://x/2"}]}, "taskId": "x"}
    forced = Overrides.parse(
        {"task-id": "r.no", "state": "r.s", "done": "3", "failed": ["4"], "media": "r.files[].at"}
    )
    reading = read_reply(data, overrides=forced, role="query")

    assert (reading.task_ids, reading.state, reading.raw_state) == (("7",), "done", "3")
    assert reading.media == (LINK, "https://x/2")
    assert read_reply({"r": {"s": 4}}, overrides=forced, role="query").state == "failed"
    assert read_reply({"r": {"s": 1}}, overrides=forced, role="query").state == "running"
    success_fails = Overrides.parse({"failed": "success", "done": ["success", "aus"]})
    assert (
        read_reply({"status": "success"}, overrides=success_fails, role="query").state == "failed"
    )
    assert read_reply({"status": "aus"}, overrides=success_fails, role="query").state == "done"
