"""Every shape of an error body, the phrases, and the one error that comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet.errors import AuthError, CallsheetError, LimitReached, ServerError
from callsheet.protocol.error_replies import error_for, read_refusal, refusal_of
from callsheet.protocol.values import Overrides

PAGE = b"<!DOCTYPE html><html><head><title>\n Bad \x1b[31mGateway </title></head>"


def failed(status: int, body: Any = b"", **headers: str) -> CallsheetError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lower = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_for(status, lower, raw, action="ai.video.generate", host="h.example", now=0.0)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"code": "bad", "message": "no", "details": []}}, "bad", "no"),
        ({"error": {"type": "bad", "message": "no"}}, "bad", "no"),
        ({"error": "no"}, "", "no"),
        ({"code": "bad", "message": "no"}, "bad", "no"),
        ({"code": 4001, "message": "no"}, "4001", "no"),
        ({"msg": "no"}, "", "no"),
        ({"detail": "no"}, "", "no"),
        ({"type": "about:blank", "title": "T", "status": 422, "detail": "no"}, "", "no"),
        ({"type": "https://e.example/errors/bad", "title": "no"}, "bad", "no"),
        ({"error": "bad_request", "error_description": "no"}, "bad_request", "no"),
        ({"errors": [{"message": "no"}]}, "", "no"),
        ({"message": ["no", "never"]}, "", "no; never"),
        ({"detail": [{"loc": ["body", "x"], "msg": "no"}]}, "", "no"),
        ({"error": {"error": {"message": "no"}}}, "", "no"),
        ({"error": json.dumps({"x": 1})}, "", '{"x": 1}'),
        ({"data": {"message": "no"}}, "", "no"),
        (["no"], "", "no"),
        ("no", "", "no"),
        (b"plain\x1b[2J words\n", "", "plain words"),
        (b"", "", ""),
        ({}, "", "{}"),
    ],
)
def test_every_error_body(body: Any, code: str, message: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    refusal = read_refusal(400, {}, raw)

    assert (refusal.code, refusal.message) == (code, message)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        *((text, "auth") for text in (
            "not signed in", "User is not logged in", "no auth, please sign in", "Invalid API key",
            "invalid_api_key", "InvalidApiKey", "Unauthorized", "The API key is invalid",
            "Incorrect API key provided", "missing access token", "access denied")),
        *((text, "credit") for text in (
            "insufficient credits", "INSUFFICIENT_BALANCE", "Insufficient account balance",
            "Credits insufficient: top up your account", "not enough credits", "out of credits",
            "Your credit balance is too low", "insufficient_quota", "no credits left", "余额不足")),
        *((text, "rate") for text in (
            "rate limit exceeded", "RateLimited", "Too many requests, slow down", "too many jobs",
            "rate", "Request was throttled")),
        *((text, "not_found") for text in (
            "Task not found: 0b5e0f6e-6a0e-4f0a-9d8e", "no such task",
            "Task 0b5e0f6e-6a0e-4f0a-9d8e-3d0f6f1c2b3a not found", "There is no action ai.x.")),
        *((text, "") for text in (
            "prompt is too long", "frame rate must be 24", "no credits were spent",
            "generate is not a scene", "the key `fps` is unknown")),
    ],
)  # fmt: skip
def test_phrases_where_the_status_says_nothing(words: str, kind: str) -> None:
    assert refusal_of({"code": 1, "message": words}, 200).kind == kind
    assert refusal_of({"error": words}, 500).kind == kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, "auth") for code in (
            "AUTH_FAILED", "authentication_error", "NOT_AUTHORIZED", "TOKEN_EXPIRED", "AuthFailure",
            "InvalidAuthKey", "InvalidAccessKeyId", "SignatureDoesNotMatch")),
        *((code, "credit") for code in (
            "NO_CREDITS", "BILLING_HARD_LIMIT_REACHED", "AccountOverdue", "Arrearage", "no_balance",
            "CREDIT_LIMIT_REACHED", "spending_limit_exceeded", "ACCOUNT_IN_ARREARS")),
        *((code, "rate") for code in (
            "RATE_LIMIT_REACHED", "RESOURCE_EXHAUSTED", "CONCURRENCY_LIMIT_EXCEEDED", "QPS_LIMIT",
            "RequestLimitExceeded", "SlowDown", "QUEUE_FULL", "daily_limit_exceeded")),
        *((code, "") for code in (
            "PROMPT_LENGTH_LIMIT_EXCEEDED", "INVALID_FILE_META_DATA", "AUTHOR_UNKNOWN",
            "INVALID_KEY_FRAME", "FRAME_RATE")),
    ],
)  # fmt: skip
def test_a_constant_under_error_names_the_kind(code: str, kind: str) -> None:
    assert refusal_of({"error": code, "message": "no"}, 200).kind == kind


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        *((401, "", "auth"), (402, "", "credit"), (403, "", "auth"), (404, "", "not_found")),
        *(
            (429, "", "rate"),
            (403, "insufficient credits", "credit"),
            (403, "rate limited", "rate"),
        ),
        *((429, "insufficient quota", "credit"), (402, "please sign in to top up", "credit")),
        *(
            (401, "rate", "auth"),
            (401, "You have 12 credits remaining, while 19 credits are required", "credit"),
            (403, "User is locked. Reason: Exhausted balance. Top up your balance", "credit"),
            (401, "insufficient scope", "auth"),
            (404, "no credits left", "not_found"),
            (422, "too many images", ""),
        ),
        *((400, "insufficient credits", "credit"), (400, "invalid api key", "auth")),
    ],
)
def test_status_and_phrase_together(status: int, words: str, kind: str) -> None:
    assert refusal_of({"message": words}, status).kind == kind


@pytest.mark.parametrize(
    ("code", "kind"), [(401, "auth"), ("429", "rate"), (402, "credit"), (7, "")]
)
def test_a_code_that_is_a_status_counts(code: Any, kind: str) -> None:
    assert refusal_of({"code": code, "message": "no"}, 200).kind == kind


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "exit_code", "retryable"),
    [
        (400, {"error": "no"}, ServerError, "server", 1, False),
        (401, {"error": "no"}, AuthError, "auth", 3, False),
        (402, {"error": "no"}, LimitReached, "credit", 7, False),
        (403, PAGE, AuthError, "auth", 3, False),
        (404, {"error": "no"}, ServerError, "not_found", 1, False),
        (405, b"", ServerError, "server", 1, False),
        (408, b"", ServerError, "server", 1, True),
        (409, {"error": "no"}, ServerError, "server", 1, False),
        (422, {"error": "no"}, ServerError, "server", 1, False),
        (429, b"", LimitReached, "rate_limit", 7, True),
        (500, b"", ServerError, "server", 1, True),
        (500, {"error": "insufficient credits"}, LimitReached, "credit", 7, False),
        (502, PAGE, ServerError, "html_page", 1, True),
        (200, PAGE, ServerError, "html_page", 1, False),
        (200, {"code": 1, "msg": "not signed in"}, AuthError, "auth", 3, False),
    ],
)
def test_one_typed_error(
    status: int, body: Any, *, kind: type, code: str, exit_code: int, retryable: bool
) -> None:
    error = failed(status, body, cf_ray="ray-1")

    assert (type(error), error.code, error.exit_code) == (kind, code, exit_code)
    assert (error.retryable, error.http_status) == (retryable, status)
    assert (error.request_id, error.action) == ("ray-1", "ai.video.generate")
    assert f"HTTP {status}" in error.message
    assert "h.example" in error.message


def test_the_servers_words_are_always_shown() -> None:
    messages = [failed(status, {"message": "own words"}).message for status in range(400, 600)]

    assert [text for text in messages if not text.endswith(": own words")] == []


def test_hints_say_what_to_do() -> None:
    assert failed(401).hint == "make a key at h.example, then: login --host h.example"
    assert "credits" in failed(402).message
    assert failed(429, retry_after="30").hint == "try again in 30 s"
    assert failed(429, retry_after="600").hint == "try again in 10 min"
    assert "takes: actions schema ai.video.generate" in failed(422, {"error": "no"}).hint


def test_the_page_where_keys_are_made_is_named_where_it_is_configured() -> None:
    page = Overrides.parse({"key-page": "Settings → API Keys"})
    error = error_for(401, {}, b"", action="a", host="h.example", overrides=page)

    assert "make a key at h.example under Settings → API Keys, then: login" in error.hint


def test_the_time_to_wait_is_kept() -> None:
    error = failed(429, retry_after="Thu, 01 Jan 1970 00:01:30 GMT")

    assert isinstance(error, LimitReached)
    assert error.retry_after == 90.0


def test_a_page_is_told_with_status_and_title() -> None:
    error = failed(502, PAGE, content_type="text/html")

    assert error.message == (
        'h.example: something in front of the API answered (HTTP 502, title "Bad Gateway")'
    )
    assert error.raw.startswith("<!DOCTYPE html>")
    assert read_refusal(502, {"content-type": "text/html"}, b"oops").from_proxy


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "cf-ray"])
def test_each_request_id(name: str) -> None:
    assert failed(500, b"", **{name: "id-\x1b[31m7"}).request_id == "id-7"


def test_a_task_that_is_not_known() -> None:
    error = error_for(404, {}, b"{}", action="ai.video.query", task_id="t-1", host="h.example")

    assert error.task_id == "t-1"
    assert "does not know task t-1" in error.message


def test_a_query_whose_task_is_not_known() -> None:
    body = b'{"code": "unknown_task", "message": "no such thing"}'
    error = error_for(404, {}, body, action="ai.video.query", host="h.example")

    assert "does not know the task that ai.video.query asks for" in error.message
    assert "check the task id" in error.hint


def test_a_forced_message() -> None:
    forced = Overrides.parse({"error-message": "why.text"})

    assert refusal_of({"message": "x", "why": {"text": "real"}}, 400, forced).message == "real"
    assert refusal_of({"message": "x"}, 400, forced).message == "x"


@pytest.mark.parametrize(
    ("message", "pointers"),
    [
        ("Invalid input at /prompt: too long", [("prompt",)]),
        ("wrong at #/images/0/url.", [("images", 0, "url")]),
        ("look at https://h.example/docs", []),
        ("meet at noon", []),
    ],
)
def test_a_sentence_may_point_at_a_field(
    message: str, pointers: list[tuple[str | int, ...]]
) -> None:
    details = refusal_of({"message": message}, 422).details

    assert [detail.pointer for detail in details] == pointers


@pytest.mark.parametrize(
    ("body", "may_have_run"),
    [
        ({"code": 500, "message": "Insufficient credits"}, True),
        ({"code": 408, "message": "prompt", "errors": [{"field": "fps", "message": "m"}]}, True),
        ({"code": 1001, "msg": "request timeout"}, True),
        ({"errors": [{"message": "m", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, True),
        ({"statusCode": 503, "error": "Service Unavailable", "message": "m"}, True),
        ({"code": -1, "message": "error"}, True),
        ({"code": -1}, True),
        ({"code": -1, "message": "no such model"}, False),
        ({"code": -1, "errors": {"prompt": ["too short"]}}, False),
        ({"code": 1, "message": "Insufficient credits"}, False),
    ],
)
def test_a_failure_of_the_server_leaves_the_outcome_open(body: Any, may_have_run: bool) -> None:
    assert refusal_of(body, 200).may_have_run == may_have_run
