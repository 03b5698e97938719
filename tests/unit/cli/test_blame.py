"""A refusal of the server, in any of its usual shapes, names the flag that was typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.cli.given import action, param

from callsheet.cli.input.request import by_schema, by_server
from callsheet.errors import InvalidInput, ServerError
from callsheet.protocol.error_replies import error_for

ONE = action(
    param("page-size", "integer", path=["pageSize"]),
    param("scenes", "array", items="object"),
    param("camera", "object"),
    param("camera.pan", "number"),
    param("input.json", path=["json"]),
)
BODIES: list[tuple[str, Any, str, str]] = [
    (
        "FastAPI",
        {"detail": [{"loc": ["body", "pageSize"], "msg": "too big", "type": "less_than"}]},
        "--page-size",
        "look at --page-size",
    ),
    (
        "zod",
        {"message": "Invalid input", "issues": [{"path": ["camera", "pan"], "message": "too far"}]},
        "--camera.pan",
        "--camera.pan: too far",
    ),
    (
        "problem+json",
        {"title": "Bad", "errors": [{"pointer": "#/scenes/0/text", "detail": "is empty"}]},
        "--scenes",
        "--scenes at /0/text: is empty",
    ),
    (
        "ours",
        {"error": {"message": "No", "details": [{"field": "json", "message": "is odd"}]}},
        "--input.json",
        "--input.json: is odd",
    ),
    (
        "beneath a name of the server's own",
        {"message": "No", "issues": [{"path": ["input", "pageSize"], "message": "is odd"}]},
        "--page-size",
        "--page-size: is odd",
    ),
    (
        "several",
        {
            "message": "No",
            "errors": [
                {"field": "nowhere", "message": "is odd"},
                {"field": "camera", "message": "too"},
            ],
        },
        "--camera",
        "field nowhere: is odd; --camera: too",
    ),
]


@pytest.mark.parametrize(("body", "flag", "hint"), [one[1:] for one in BODIES])
def test_the_flag_is_found(body: Any, flag: str, hint: str) -> None:
    told = json.dumps(body).encode()
    error = error_for(422, {}, told, action=ONE.id, host="https://api.example.com")
    assert isinstance(error, ServerError)
    found = by_server(ONE, error)

    assert (found.flag, found.hint, found.exit_code) == (flag, hint, 1)
    assert found.as_json()["flag"] == flag


def test_without_details_the_hint_stays() -> None:
    error = error_for(422, {}, b'{"error":"no"}', action=ONE.id, host="https://api.example.com")
    assert isinstance(error, ServerError)
    hint = error.hint

    assert (by_server(ONE, error).flag, error.hint) == (None, hint)


def test_server_text_in_a_hint_is_one_safe_line() -> None:
    told = {
        "message": "No",
        "errors": [{"field": "camera", "message": "a\x1b[31mb\nc" + "d" * 999}],
    }
    body = json.dumps(told).encode()
    error = error_for(400, {}, body, action=ONE.id, host="https://api.example.com")
    assert isinstance(error, ServerError)
    hint = by_server(ONE, error).hint

    assert hint.startswith("--camera: ab cd")
    assert len(hint) <= 300


def test_the_schema_blames_the_nearest_flag() -> None:
    error = by_schema(ONE, InvalidInput("/scenes/0/te~1xt: is empty", pointer="/scenes/0/te~1xt"))

    assert (error.flag, error.message) == ("--scenes", "--scenes at /0/te/xt: is empty")
