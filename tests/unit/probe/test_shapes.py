"""Outlines show types and key names alone; each path leads back to its value."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.probe.paths import (
    find_keyed_path,
    find_list_path,
    find_success_sign,
    iter_paths,
    outline,
)
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.values import pick


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (None, "null"),
        (True, "boolean"),
        (1.5, "number"),
        ("words", "text"),
        ("https://a.example/x?sig=1", "link"),
        ("/media/x.mp4", "link"),
        ("bytedance/some-model", "text"),
        ('{"a": [1]}', "text of JSON {a: [1 of number]}"),
        ([], "[]"),
        ({}, "{}"),
        ([1, "x", 2], "[3 of number or text]"),
        ([{"id": 1}, {"id": 2, "ok": True}], "[2 of {id: number, ok?: boolean}]"),
        ({"schema": {"type": "object", "properties": {}}}, "{schema: JSON Schema}"),
        ({f"a.{n}": {"t": ""} for n in range(3)}, "{3 keys: {t: text}}"),
        ({"\x1b[31mred": 1}, "{red: number}"),
        ({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, "{a: {b: {c: {d: {e: {…}}}}}}"),
    ],
)
def test_outline(value: Any, shape: str) -> None:
    assert outline(value) == shape


def test_an_outline_of_many_keys_ends() -> None:
    assert outline({f"k{n}": n for n in range(30)}).endswith("k23: number, 6 more}")


@pytest.mark.parametrize(
    ("reply", "location"),
    [
        ([{"id": "a.b"}], ("$", "id")),
        (["a.b"], ("$", "")),
        ({"a.b": {}}, ("$", "")),
        ({"data": {"items": [{"slug": "a.b", "n": 1}]}}, ("data.items", "slug")),
        ({"data": {"a.b": {}}}, ("data", "")),
        ({"odd.key": [{"id": "a.b"}]}, ("", "")),
        ({"data": []}, ("", "")),
    ],
)
def test_list_place(reply: Any, location: tuple[str, str]) -> None:
    assert find_list_path(reply, ["a.b"]) == location


def test_every_place_leads_back() -> None:
    reply = {"a": [{"b": 1}, {"b": 2}], "c": {"d": "x"}}

    assert all(value in pick(reply, path) for path, value in iter_paths(reply))
    assert [path for path, _ in iter_paths(reply)] == ["$", "a", "c", "a[]", "a[]", "c.d"] + [
        "a[].b"
    ] * 2


def test_a_named_key_goes_before_a_shallower_one() -> None:
    assert find_keyed_path({"ref": "7", "task": {"id": "7"}}, ("taskId", "id"), "7") == "task.id"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"code": 0, "data": []}, "code=0"),
        ({"success": True, "data": {}}, "success=true"),
        ({"actions": []}, ""),
        ({"code": 401, "message": "no auth"}, ""),
    ],
)
def test_envelope_words(reply: Any, words: str) -> None:
    assert find_success_sign(open_envelope(reply)) == words
