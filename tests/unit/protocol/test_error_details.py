"""Which field a refusal speaks of, in every form of saying so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from callsheet.errors import Detail
from callsheet.protocol.error_details import anchor, read_details
from callsheet.protocol.error_replies import refusal_of

FORMS = json.loads(Path(__file__).with_name("refused_fields.json").read_text("utf-8"))
FIELDS = (
    *(("prompt",), ("model",), ("imageInput",), ("camera",), ("camera", "pan"), ("fps",)),
    *(("aspectRatio",), ("name",)),
)


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
        ({"issues": [{"path": ["$", "x"], "message": "m\x1b[31m"}]}, ("x",), "m"),
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


@pytest.mark.parametrize(("field", "body"), FORMS)
def test_the_field_of_the_request_is_named_in_every_form(field: str, body: Any) -> None:
    details = refusal_of(body, 400, fields=FIELDS).details

    assert ".".join(map(str, details[0].pointer)) == field


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"error": "no", "request": {"prompt": "waves"}}, []),
        ({"details": {"requestId": "r-1"}}, []),
        ({"errors": [{"field": "workspace", "message": "m"}]}, [("workspace",)]),
        ({"errors": [{"field": "workspace"}, {"field": "fps", "message": "m"}]}, [("fps",)]),
        ({"message": "the model fell over"}, []),
        ({"message": "Insufficient credits for this prompt: prompt is required"}, []),
    ],
)
def test_other_words_are_no_fields(body: Any, pointers: list[tuple[str, ...]]) -> None:
    details = refusal_of(body, 400, fields=FIELDS).details

    assert [detail.pointer for detail in details] == pointers


def test_a_pointer_begins_at_the_field_and_is_spelled_as_the_request_spells_it() -> None:
    assert anchor(("data", "Camera", "PAN", 0), FIELDS) == ("camera", "pan", 0)
    assert anchor(("input", "aspect_ratio"), FIELDS) == ("aspectRatio",)
    assert anchor(("tilt",), FIELDS) == ("tilt",)
