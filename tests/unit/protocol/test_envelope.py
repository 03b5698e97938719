"""What is an envelope, what it holds, and when it says no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.values import Overrides

VERDICTS = json.loads(Path(__file__).with_name("verdicts.json").read_text("utf-8"))
TASK = {"taskId": "t-1", "status": "pending"}


@pytest.mark.parametrize(
    "data",
    [
        {"code": 0, "message": "ok", "data": TASK},
        {"code": 200, "msg": "success", "data": TASK},
        {"code": "0", "data": TASK},
        {"code": "SUCCESS", "data": TASK},
        {"code": 1, "msg": "success", "data": TASK},
        {"code": 0, "message": "ok", "data": TASK, "error": None, "extra": None},
        {"success": True, "data": TASK},
        {"success": True, "result": TASK, "requestId": "r"},
        {"ok": True, "payload": TASK},
        {"status": "success", "data": TASK},
        {"status": 200, "message": "OK", "data": TASK},
        {"errno": 0, "errmsg": "", "data": TASK},
        {"data": TASK},
        {"data": TASK, "requestId": "r"},
        {"code": 0, "data": json.dumps(TASK)},
        {"code": 0, "data": {"success": True, "data": TASK}},
        json.dumps({"code": 0, "data": TASK}),
    ],
)
def test_every_envelope_is_opened(data: Any) -> None:
    opened = open_envelope(data)

    assert (opened.payload, opened.refusal) == (TASK, None)


@pytest.mark.parametrize(
    "data",
    [
        *(None, True, 1.5, "text", [], [TASK], {}),
        TASK,
        {"code": 0, "message": "ok", **TASK},
        {"success": True, "videoUrl": "https://x/v.mp4", "data": None},
        {"result": TASK},
        {"code": "US", "name": "United States"},
        {"code": 49, "name": "Germany"},
        {"taskId": "t", "status": "failed", "error": "nsfw"},
        {"success": False, "taskId": "t", "status": "failed", "error": "nsfw"},
        {"title": "A page", "data": {"a": 1}, "type": "chart"},
        {"success": True, "result": "text", "taskId": "t"},
    ],
)
def test_what_is_none_stays_as_it_came(data: Any) -> None:
    opened = open_envelope(data)

    assert (opened.payload, opened.refusal) == (data, None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"code": 1001, "message": "no", "data": None}, "no"),
        ({"code": -1, "message": "no auth, please sign in"}, "no auth, please sign in"),
        ({"code": 500, "msg": "no"}, "no"),
        ({"code": 500, "message": "no", "statusText": "Bad"}, "no"),
        ({"code": "PROMPT_REFUSED", "message": "no"}, "no"),
        ({"code": 1, "data": None}, ""),
        ({"success": False, "message": "no"}, "no"),
        ({"success": False, "error": {"message": "no"}}, "no"),
        ({"ok": False, "error": "no"}, "no"),
        ({"error": "no"}, "no"),
        ({"error": {"code": "x", "message": "no"}, "requestId": "r"}, "no"),
        ({"errors": [{"message": "no"}, {"message": "never"}]}, "no; never"),
        ({"status": "error", "message": "no"}, "no"),
        ({"status": 422, "message": "no"}, "no"),
        ({"code": 0, "data": {"success": False, "message": "no"}}, "no"),
    ],
)
def test_every_no_with_http_200(data: Any, message: str) -> None:
    opened = open_envelope(data)

    assert opened.refusal is not None
    assert opened.refusal.message == message
    assert opened.payload == data


def test_only_three_envelopes_are_opened() -> None:
    data: Any = TASK
    for _ in range(5):
        data = {"code": 0, "data": data}

    assert open_envelope(data).payload == {"code": 0, "data": {"code": 0, "data": TASK}}


@pytest.mark.parametrize(
    ("rule", "data", "refused"),
    [
        ("code=1000", {"code": 1000, "data": TASK}, False),
        ("code=1000", {"code": 0, "data": TASK}, True),
        ("meta.ok=true", {"meta": {"ok": True}, "data": TASK}, False),
        ("meta.ok=true", {"meta": {"ok": False}, "data": TASK}, True),
        ("code=0, code=7", {"code": 7, "message": "m", "data": TASK}, False),
        ("ret=fine", TASK, False),
    ],
)
def test_a_forced_word_decides(rule: str, data: Any, refused: bool) -> None:
    opened = open_envelope(data, Overrides.parse({"envelope-ok": rule}))

    assert (opened.refusal is not None) == refused
    assert refused or opened.payload == TASK


@pytest.mark.parametrize(("message", "data"), VERDICTS["refused"])
def test_every_spelling_of_a_refusal(message: str, data: Any) -> None:
    refusal = open_envelope(data).refusal

    assert refusal is not None
    assert refusal.message == message


@pytest.mark.parametrize("data", VERDICTS["accepted"])
def test_what_only_looks_like_a_refusal(data: Any) -> None:
    assert open_envelope(data).refusal is None
