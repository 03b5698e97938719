"""What is no strict JSON is refused, and a spoiled list loses no more than it must."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet.jsonio import salvage, strict_json

HOLDERS = {"inputSchema", "schema"}
GOOD = {"id": "good", "inputSchema": {"type": "object"}}


def listed(entry: str) -> bytes:
    return f'{{"actions": [{json.dumps(GOOD)}, {entry}, {json.dumps(GOOD)}]}}'.encode()


@pytest.mark.parametrize(
    "text",
    [
        *('{"a": 1, "a": 2}', "[NaN]", "[Infinity]", "[-Infinity]", "[1e999]", '"\\ud800"', "[1,]"),
        *('{"\\udfff": 1}', "[" * 100_000, "", "{", "'a'", "[1] 2", "9" * 5_000, "\x00"),
    ],
)
def test_what_is_not_strict_is_nothing(text: str) -> None:
    assert strict_json(text.encode()) is None


@pytest.mark.parametrize("value", [{"a": [1, 1.0, None, "é"]}, [], "x", 0, False])
def test_what_is_strict_comes_as_it_is(value: Any) -> None:
    assert strict_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "schema",
    [
        *('{"a": 1, "a": 2}', '{"a": NaN}', '{"a": -1e999}', '{"a": "\\ud800"}', '{"\\udfff": 1}'),
        '{"a":' * 3_000 + "1" + "}" * 3_000,
        '{"properties": {"schema": {"a": 1, "a": 1}}}',
        '{"maximum": ' + "9" * 6_000 + "}",
        '{"enum": [[[1, NaN]]]}',
    ],
)
def test_a_spoiled_schema_costs_itself(schema: str) -> None:
    body = listed(f'{{"id": "bad", "inputSchema": {schema}}}')

    assert strict_json(body) is None
    document = salvage(body, HOLDERS)
    assert document == {"actions": [GOOD, {"id": "bad", "inputSchema": None}, GOOD]}


@pytest.mark.parametrize(
    "entry",
    [
        '{"id": "a", "id": "b"}',
        '{"id": "\\ud800"}',
        '{"id": "a", "tags": [NaN]}',
        "NaN",
        "[[1e999]]",
    ],
)
def test_a_spoiled_entry_costs_itself(entry: str) -> None:
    assert salvage(listed(entry), HOLDERS) == {"actions": [GOOD, None, GOOD]}


def test_bytes_that_are_no_text_cost_their_entry() -> None:
    body = listed('{"id": "a", "title": "X"}').replace(b"X", b"\xff\xfe")

    assert salvage(body, HOLDERS) == {"actions": [GOOD, None, GOOD]}


@pytest.mark.parametrize(
    "text",
    [
        *('{"actions": [], "actions": []}', '{"total": NaN, "actions": []}', '{"\\ud800": []}'),
        *("{", "", "[" * 5_000, '{"a": "\\ud800"}', '{"a":' * 200 + "1" + "}" * 200),
    ],
)
def test_what_is_spoiled_around_the_list_is_nothing(text: str) -> None:
    assert salvage(text.encode(), HOLDERS) is None


def test_a_list_by_id_is_salvaged_too() -> None:
    body = b'{"a.b": {"inputSchema": {"x": NaN}}, "c.d": {"schema": {}}}'

    assert salvage(body, HOLDERS) == {"a.b": {"inputSchema": None}, "c.d": {"schema": {}}}


def test_brackets_in_texts_do_not_count() -> None:
    body = listed('{"id": "a", "title": "' + "[{" * 300 + '\\"[", "inputSchema": {"a": NaN}}')

    assert salvage(body, HOLDERS)["actions"][1]["inputSchema"] is None


def test_five_megabytes_of_openings_end() -> None:
    assert salvage(b'{"a":"' + b"[" * 2_000_000 + b"\\" * 999_999, HOLDERS) is None
