"""What public services say when they refuse for a rate, and what a batch does then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet.errors import LimitReached
from callsheet.protocol.error_replies import error_for

WAIT: tuple[tuple[int, dict[str, Any], dict[str, str]], ...] = (
    (429, {"detail": "Request was throttled. Your rate limit resets in ~30s."}, {}),
    (
        429,
        {"detail": "reduced to 6 requests per minute while you have less than $5.0 in credit"},
        {},
    ),
    (429, {"error": "no", "reject_reason": "inflight_limit", "max_inflight_requests": 10}, {}),
    (200, {"code": 1303, "message": "parallel task over resource pack limit", "data": None}, {}),
    (200, {"ErrCode": 500044, "ErrMsg": "Reached the limit for concurrent generations."}, {}),
    (429, {"detail": {"status": "too_many_concurrent_requests", "message": "…"}}, {}),
    (200, {"code": 430, "msg": "Your call frequency is too high. Please try again later."}, {}),
    (429, {"error": "no"}, {"x-ratelimit-reset": "600000"}),
)
STOP: tuple[tuple[int, dict[str, Any]], ...] = (
    (402, {"error": "no", "reject_reason": "daily_limit"}),
    (403, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance."}),
    (429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}),
    (429, {"code": 429, "msg": "The current credits are insufficient. Please top up."}),
    (200, {"ErrCode": 500090, "ErrMsg": "Insufficient balance. Unable to generate video."}),
)


@pytest.mark.parametrize(("status", "body", "headers"), WAIT)
def test_a_rate_is_waited_for(status: int, body: Any, headers: dict[str, str]) -> None:
    error = error_for(status, headers, json.dumps(body).encode(), action="a.b", host="h")

    assert isinstance(error, LimitReached)
    assert (error.code, error.retry_after) == ("rate_limit", None)


@pytest.mark.parametrize(("status", "body"), STOP)
def test_no_credit_ends_the_sending(status: int, body: Any) -> None:
    error = error_for(status, {}, json.dumps(body).encode(), action="a.b", host="h")

    assert isinstance(error, LimitReached)
    assert error.code == "credit"
