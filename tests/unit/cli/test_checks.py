"""A refusal of the server or of a schema names the flag that was typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.cli.given import GENERATE, action, param, refusal

from callsheet.cli.input import prepare
from callsheet.cli.input.request import Body, CommandRequest
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


@pytest.mark.parametrize(("body", "flag", "hint"), [row[1:] for row in BODIES])
def test_the_flag_is_found(body: Any, flag: str, hint: str) -> None:
    raw = json.dumps(body).encode()
    error = error_for(422, {}, raw, action=ONE.id, host="https://api.example.com")
    assert isinstance(error, ServerError)
    named = prepare.name_refused_flags(ONE, error)

    assert (named.flag, named.hint, named.exit_code) == (flag, hint, 1)
    assert named.as_json()["flag"] == flag


def test_without_details_the_hint_stays() -> None:
    error = error_for(422, {}, b'{"error":"no"}', action=ONE.id, host="https://api.example.com")
    assert isinstance(error, ServerError)
    hint = error.hint

    assert (prepare.name_refused_flags(ONE, error).flag, error.hint) == (None, hint)


def test_server_text_in_a_hint_is_one_safe_line() -> None:
    reply = {
        "message": "No",
        "errors": [{"field": "camera", "message": "a\x1b[31mb\nc" + "d" * 999}],
    }
    body = json.dumps(reply).encode()
    error = error_for(400, {}, body, action=ONE.id, host="https://api.example.com")
    assert isinstance(error, ServerError)
    hint = prepare.name_refused_flags(ONE, error).hint

    assert hint.startswith("--camera: ab cd")
    assert len(hint) <= 300


def test_the_schema_blames_the_nearest_flag() -> None:
    error = prepare.name_flag(
        ONE, InvalidInput("/scenes/0/te~1xt: is empty", pointer="/scenes/0/te~1xt")
    )

    assert (error.flag, error.message) == ("--scenes", "--scenes at /0/te/xt: is empty")


LIMITED = action(
    param("seed", "integer", nullable=True, limits={"minimum": 0, "maximum": 9}),
    param("ratio", "number", limits={"exclusiveMaximum": 1}),
    param("name", limits={"minLength": 3}),
    param("loud", "boolean"),
    param("tags", "array", items="string", choices=("a", "b"), limits={"minItems": 2}),
    param("sizes", "array", items="integer", limits={"items": {"maximum": 5}}),
    param("focal", "integer", choices=(35, 50, 85)),
    param("free", "any", limits={"minimum": 3, "minLength": 9}),
    param("camera", "object", required=True),
    param("camera.pan", "number", required=True),
)
LESS = "allowed: up to 1 (both excluded)"
FLAGS_KNOW: list[tuple[list[str], str, str]] = [
    (["--seed", "x"], '--seed: is "x", wanted a whole number or null', "allowed: 0 to 9"),
    (["--seed", "10"], "--seed: is 10, the most is 9", "allowed: 0 to 9"),
    (["--ratio", "1"], "--ratio: is 1, it must be less than 1", LESS),
    (["--name", "ab"], "--name: has 2 characters, the least is 3", "allowed: 3 or more characters"),
    (["--loud", "maybe"], '--loud: is "maybe", wanted true or false', ""),
    (["--tags", "a"], "--tags: has 1 entry, the least is 2", "allowed: 2 or more items"),
    (["--tags", "a,c"], '--tags at /1: is "c", allowed: a, b', ""),
    (["--sizes", "1,6"], "--sizes at /1: is 6, the most is 5", ""),
    (["--focal", "36"], "--focal: is 36, allowed: 35, 50, 85; did you mean 35?", ""),
    (["--free", "2"], "--free: is 2, the least is 3", "allowed: 3 or more"),
    ([], "--camera: is required and was not given", ""),
    (["--camera", "{}"], "--camera.pan: is required and was not given", ""),
]


@pytest.mark.parametrize(("words", "message", "hint"), FLAGS_KNOW)
def test_what_the_flags_know_is_checked_where_no_schema_is(
    words: list[str], message: str, hint: str
) -> None:
    needed = [] if not words or words[0] == "--camera" else ["--camera.pan", "1"]
    error = refusal(LIMITED, *words, *needed)

    assert error is not None
    assert (error.message, error.exit_code) == (message, 2)
    assert error.hint == hint


def test_what_the_flags_know_allows_null_and_another_kind() -> None:
    needed = ["--camera.pan", "1"]

    assert refusal(LIMITED, "--seed", "null", "--free", "ten letters", *needed) is None


def test_a_wrong_choice_is_told_the_nearest() -> None:
    error = refusal(GENERATE, "--prompt", "x", "--scene", "text-to-vid")

    assert error is not None
    assert error.message.startswith('--scene: is "text-to-vid", allowed: text-to-video, ')
    assert error.message.endswith("; did you mean text-to-video?")
    assert error.flag == "--scene"


def missing_about(*flags: str) -> InvalidInput:
    required = [param(flag, required=True) for flag in flags]
    command = action(*required)
    request = CommandRequest(command, command, Body({}), 60.0)
    refused = InvalidInput("/about: is missing", pointer="/about")
    return prepare.name_missing(request, {}, refused)


def test_all_missing_flags_are_named_together() -> None:
    error = missing_about("about", "size")

    assert (error.message, error.flag) == ("--about, --size are needed", "--about")


def test_a_single_missing_flag_keeps_the_words_of_the_schema() -> None:
    error = missing_about("about")

    assert (error.message, error.flag) == ("--about: is missing", "--about")
