"""Which field a refusal speaks of, in every form of saying so."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.errors import Detail
from callsheet.protocol.error_replies import read_details


@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        ({"detail": [{"loc": ["body", "prompt"], "msg": "too long"}]}, ("prompt",), "too long"),
        ({"detail": [{"loc": ["body", "a", 0, "b"], "msg": "m"}]}, ("a", 0, "b"), "m"),
        ({"errors": [{"detail": "m", "pointer": "#/camera/pan"}]}, ("camera", "pan"), "m"),
        ({"errors": [{"instancePath": "/images/2", "message": "m"}]}, ("images", 2), "m"),
        ({"errors": [{"path": ["a", 1], "message": "m"}]}, ("a", 1), "m"),
        ({"errors": [{"path": "a.b[3].c", "message": "m"}]}, ("a", "b", 3, "c"), "m"),
        ({"errors": [{"pointer": "/a~1b/c~0d", "message": "m"}]}, ("a/b", "c~d"), "m"),
        ({"errors": {"prompt": ["m", "n"]}}, ("prompt",), "m"),
        ({"error": {"details": {"prompt": "m"}}}, ("prompt",), "m"),
        ({"error": {"details": [{"field": "prompt", "message": "m"}]}}, ("prompt",), "m"),
        ({"error": {"details": {"fieldErrors": {"prompt": ["m"]}}}}, ("prompt",), "m"),
        ({"error": {"message": "m", "param": "fps"}}, ("fps",), "m"),
        ({"message": "m", "field": "fps"}, ("fps",), "m"),
        ({"invalid-params": [{"name": "x", "field": "age", "reason": "m"}]}, ("age",), "m"),
        ({"issues": [{"path": ["$", "x"], "message": "m\x1b[31m"}]}, ("$", "x"), "m"),
    ],
)
def test_each_form(body: Any, pointer: tuple[str | int, ...], message: str) -> None:
    assert read_details(body) == (Detail(pointer, message),)


@pytest.mark.parametrize(
    "body",
    [None, [], "text", {}, {"error": "no"}, {"details": "no"}, {"path": "/api/actions/x"},
     {"detail": "no", "instance": "/x"}, {"errors": ["no"]}, {"details": {"count": 3}}],
)  # fmt: skip
def test_where_no_field_is_named(body: Any) -> None:
    assert read_details(body) == ()
