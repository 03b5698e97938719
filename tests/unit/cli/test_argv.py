"""A body becomes the words that make it: plain where a plain text means the same."""

from __future__ import annotations

import json

import pytest
from unit.cli.given import action, param, sent
from unit.cli.test_body import TEXTS

from callsheet.cli.input.values import to_argv

CASES: list[tuple[dict[str, object], list[str]]] = [
    ({"text": "a b"}, ["--text", "a b"]),
    ({"text": ""}, ["--text="]),
    ({"text": "-5"}, ["--text=-5"]),
    ({"text": "@x"}, ["--text", "@x"]),
    ({"text": "\0"}, ['--input.text="\\u0000"']),
    ({"maybe": "null"}, ["--maybe", '"null"']),
    ({"maybe": None}, ["--maybe", "null"]),
    ({"seed": 5}, ["--seed", "5"]),
    ({"ratio": -1.5}, ["--ratio=-1.5"]),
    ({"loud": True}, ["--loud"]),
    ({"loud": False}, ["--no-loud"]),
    ({"camera": {"pan": 1, "auto": False}}, ["--camera.pan", "1", "--camera.no-auto"]),
    ({"camera": {"pan": 1, "tilt": 2}}, ["--camera", '{"pan":1,"tilt":2}']),
    ({"tags": ["a", "b"]}, ["--tags", "a", "--tags", "b"]),
    ({"tags": ["a,b"]}, ["--tags", '["a,b"]']),
    ({"tags": []}, ["--tags", "[]"]),
    ({"tags": ["@x"]}, ["--tags", '["@x"]']),
    ({"points": [[1], [2]]}, ["--points", "[[1],[2]]"]),
    ({"picture": "https://x/y.png"}, ["--picture", "https://x/y.png"]),
    ({"picture": "y.png"}, ["--picture", '"y.png"']),
    ({"either": "5"}, ["--either", '"5"']),
    ({"json": {"a": 1}}, ['--input.json={"a":1}']),
    ({"more": "x", "a=b": 1}, ["--input", '{"a=b":1}', '--input.more="x"']),
]


@pytest.mark.parametrize(("body", "argv"), CASES)
def test_words_for_a_body(body: dict[str, object], argv: list[str]) -> None:
    assert to_argv(TEXTS, body) == argv
    assert json.loads(sent(TEXTS, *argv)) == body


def test_a_wire_name_that_a_flag_has_taken_is_said_whole() -> None:
    subject = action(param("input.json", path=["JSON"]))

    assert to_argv(subject, {"json": 1}) == ["--input", '{"json":1}']
