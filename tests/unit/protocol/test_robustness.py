"""No JSON value, and no body, makes a reader raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callsheet.errors import CallsheetError
from callsheet.protocol import vocabulary
from callsheet.protocol.action_list import read_list
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.error_replies import error_for, read_refusal
from callsheet.protocol.replies import read_reply
from callsheet.protocol.schema_document import read_schema
from callsheet.protocol.values import Overrides

TABLES = [getattr(vocabulary, name) for name in dir(vocabulary) if name.isupper()]
KEYS = sorted(
    {
        *(key for table in TABLES for key in table if isinstance(key, str)),
        *("videoUrl", "resultUrls", "pollAfterMs", "next", "properties", "type", "$ref", "a.b"),
    }
)
HOSTILE = ["https://x/a.mp4", "/a.mp4", "50%", "{}", "[", '{"a": "[1]"}', '"{}"', "\ud800"]
TEXTS = st.one_of(st.sampled_from([*KEYS, *HOSTILE]), st.text(max_size=8))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.just(10**400), st.just([])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), TEXTS), inner, max_size=6),
        inner.map(json.dumps),
    ),
    max_leaves=30,
)
FORCED = Overrides.parse(
    {
        "list": "$, data[].items", "id-key": "id", "schema": ["a.b", "*"], "envelope-ok": "code=7",
        "task-id": "data.*", "state": "status", "done": "0", "media": "*[]", "error-message": "$",
    }
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["link", "retry-after", "content-type", "x-request-id", "ratelimit", "date"]),
    st.one_of(st.text(max_size=30), st.sampled_from(["<x>; rel=next", "text/html"])),
)


@settings(max_examples=400, deadline=None)
@given(JSON, JSON, HEADERS, st.sampled_from([Overrides(), FORCED]))
def test_any_json_is_read(data: Any, sent: Any, headers: dict[str, str], forced: Overrides) -> None:
    page = read_list(data, forced, headers)
    reading = read_schema(data, forced)
    replies = [
        read_reply(data, sent=sent, media=("videoUrl",), overrides=forced, role=role)
        for role in ("", "create", "wait", "query")
    ]

    assert all(0 < len(entry.id) <= 256 for entry in page.entries)
    assert reading.input is None or isinstance(reading.input, dict | bool)
    assert all(reply.progress is None or 0 <= reply.progress <= 1 for reply in replies)
    assert all(isinstance(link, str) and link for reply in replies for link in reply.media)
    assert len(open_envelope(data, forced).layers) <= 4


@settings(max_examples=400, deadline=None)
@given(st.integers(100, 599), HEADERS, JSON.map(json.dumps) | st.text(max_size=40), st.binary())
def test_any_body_is_one_typed_error(
    status: int, headers: dict[str, str], text: str, tail: bytes
) -> None:
    for body in (text.encode("utf-8", "replace"), tail, text.encode("utf-16", "replace") + tail):
        error = error_for(status, headers, body, action="a.b", host="h", now=0.0)

        assert isinstance(error, CallsheetError)
        assert error.http_status == status
        assert len(f"{error.message}{error.hint}".encode("utf-8", "replace")) <= 2048
        assert len(error.raw.encode("utf-8", "replace")) <= 2048
        assert "\x1b" not in f"{error.message}{error.hint}{error.raw}"


def _deep(opening: Any, depth: int) -> Any:
    value: Any = "leaf"
    for _ in range(depth):
        value = [value] if opening is list else {"data": value, "error": {"input": "x"}}
    return value


@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize("depth", [50, 5000])
def test_depth_is_survived(kind: type, depth: int) -> None:
    value = _deep(kind, depth)

    assert read_reply(value, sent=value, role="query").media == ()
    assert read_list(value).next is None
    assert read_schema(value).input is None


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 500_000,
        b'{"error":' * 100_000,
        b'{"message": "' + b"\x1b]0;" * 250_000,
        json.dumps({"error": {"message": "x" * 1_000_000}}).encode(),
        json.dumps({"errors": [{"field": "a", "message": "b"}] * 30_000}).encode(),
        b"<html><title>" * 80_000,
        b"<title" * 170_000,
        b"\xff\xfe\x00" * 300_000,
        b"9" * 1_000_000,
    ],
    ids=range(9),
)
def test_megabyte_bodies_are_survived(body: bytes) -> None:
    refusal = read_refusal(500, {"content-type": "application/json"}, body)

    assert len(refusal.message.encode("utf-8", "replace")) <= 1000
    assert len(refusal.details) <= 50
