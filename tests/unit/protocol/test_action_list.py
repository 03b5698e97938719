"""Every shape of a list gives the same actions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callsheet.protocol.action_list import read_list
from callsheet.protocol.values import Overrides

SCHEMA = {"type": "object", "properties": {"prompt": {"type": "string"}}}
IDS = ["ai.video.generate", "ai.video.query"]
ITEMS = [{"id": name} for name in IDS]
KEYED = {name: {"inputSchema": SCHEMA} for name in IDS}


def ids(data: Any, **forced: Any) -> list[str]:
    return [entry.id for entry in read_list(data, Overrides.parse(forced)).entries]


@pytest.mark.parametrize(
    "data",
    [
        ITEMS,
        IDS,
        {"actions": ITEMS},
        {"data": ITEMS},
        {"items": ITEMS},
        {"capabilities": ITEMS},
        {"data": {"actions": ITEMS, "count": 2}},
        {"actions": {"items": ITEMS, "total": 2}},
        KEYED,
        {"actions": KEYED},
        dict.fromkeys(IDS, "what it does"),
        {"code": 0, "message": "ok", "data": ITEMS},
        {"code": 0, "message": "ok", "data": {"items": ITEMS}},
        {"code": 200, "msg": "success", "data": {"capabilities": ITEMS}},
        {"success": True, "data": {"actions": ITEMS}},
        {"success": True, "data": KEYED},
        {"success": True, "data": ITEMS, "total": 2, "page": 1},
        {"status": "success", "data": ITEMS},
        {"code": 1, "msg": "success", "data": ITEMS},
        {"code": 0, "data": json.dumps(ITEMS)},
        json.dumps(json.dumps({"actions": ITEMS})),
    ],
)
def test_every_shape_of_a_list(data: Any) -> None:
    page = read_list(data)

    assert [entry.id for entry in page.entries] == IDS
    assert page.recognised
    assert page.notes == ()
    assert page.next is None


@pytest.mark.parametrize("key", ["id", "name", "action", "actionId", "capabilityId", "key"])
def test_every_id_key(key: str) -> None:
    assert ids([{key: name, "title": "T", "type": "action"} for name in IDS]) == IDS


@pytest.mark.parametrize(
    "beside",
    [
        [{"id": 17}, {"id": 18}],
        [{"id": f"0b5e0f6e-6a0e-4f0a-9d8e-3d0f6f1c2b{n}"} for n in (11, 12)],
        [{"id": "Generate a video"}, {"id": "Ask for it"}],
        [{"key": "video"}, {"key": "video"}],
    ],
)  # fmt: skip
def test_the_dotted_name_is_the_id(beside: list[dict[str, Any]]) -> None:
    items = [{**extra, "action": name} for extra, name in zip(beside, IDS, strict=True)]

    assert ids(items) == IDS


def test_a_name_beside_the_id_is_a_title() -> None:
    entry = read_list([{"id": "ai.echo", "name": "Echo", "summary": "Says it again"}]).entries[0]

    assert (entry.id, entry.title, entry.description) == ("ai.echo", "Echo", "Says it again")


def test_the_address_of_an_action_goes_before_its_other_names() -> None:
    entry = {"operationId": "makeVideo", "path": "/api/actions/make-video"}

    assert ids([entry]) == ["make-video"]
    assert ids(["/api/actions/make-video"]) == ["make-video"]


def test_plain_ids_are_taken_as_they_come() -> None:
    assert ids([{"name": "echo"}, {"name": "sum"}]) == ["echo", "sum"]
    assert ids([{"id": 4}, {"id": 5}]) == ["4", "5"]


@pytest.mark.parametrize(
    "entry",
    [
        {"inputSchema": SCHEMA},
        {"input": SCHEMA},
        {"schema": SCHEMA},
        {"parameters": SCHEMA},
        {"schema": {"input": SCHEMA}},
        {"inputSchema": json.dumps(SCHEMA)},
        {"function": {"name": "x", "parameters": SCHEMA}},
    ],
)
def test_inline_schemas_need_no_further_call(entry: dict[str, Any]) -> None:
    entries = read_list([{"id": "a.b", **entry}, {"id": "a.c"}]).entries

    assert [entry.input is not None for entry in entries] == [True, False]
    assert entries[0].input == SCHEMA


def test_an_entry_that_is_a_schema_itself() -> None:
    entries = read_list({"a.b": SCHEMA, "a.c": {"type": "object", "title": "No fields"}}).entries

    schemas = {entry.id: entry.input for entry in entries}
    assert schemas == {"a.b": SCHEMA, "a.c": None}


def test_what_an_entry_says_is_kept_unchanged() -> None:
    data = {
        "actions": [
            {"id": "a.b", "title": "T", "description": "D\x1b", "output": True, "readOnly": True},
            {"id": "a.c", "annotations": {"readOnlyHint": True}, "billable": False},
            {"id": "a.d", "idempotency": False, "deprecated": True, "readOnly": "yes"},
        ],
        "idempotency": True,
    }  # fmt: skip
    first, second, third = read_list(data).entries

    assert (first.title, first.description, first.output) == ("T", "D\x1b", True)
    assert first.hints == {"readOnly": True, "idempotency": True}
    assert second.hints == {"readOnly": True, "billable": False, "idempotency": True}
    assert third.hints == {"idempotency": False, "deprecated": True}


def test_entries_that_are_none_are_told_and_skipped() -> None:
    page = read_list([{"id": "a.b"}, 7, {"title": "?"}, None, "a.b", "\ud800.x", "x" * 257, "a\nb"])

    assert [entry.id for entry in page.entries] == ["a.b"]
    assert len(page.notes) == 7
    assert page.notes[0] == "entry 2 is not an action: 7"
    assert "twice" in page.notes[3]


@pytest.mark.parametrize(
    "data", [None, True, 3, "text", "<html>", {}, {"hello": "world"}, {"data": {"user": {"id": 1}}}]
)
def test_what_is_no_list_is_not_recognised(data: Any) -> None:
    page = read_list(data)

    assert (page.recognised, page.entries) == (False, ())
    assert len(page.notes) == 1


@pytest.mark.parametrize("data", [[], {"actions": []}, {"actions": {}}, {"code": 0, "data": []}])
def test_an_empty_list_is_a_list(data: Any) -> None:
    assert read_list(data).recognised


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"code": 401, "message": "not signed in"}, "auth"),
        ({"success": False, "message": "Too many requests"}, "rate"),
        ({"error": {"code": "forbidden", "message": "no"}}, ""),
    ],
)
def test_a_no_with_http_200_is_a_refusal(data: Any, kind: str) -> None:
    page = read_list(data)

    assert page.refusal is not None
    assert page.refusal.kind == kind
    assert page.entries == ()


WITH_SCHEMAS = [{"id": name, "inputSchema": SCHEMA} for name in IDS]
WORDS = {"ai": {"video": {"generate": {"inputSchema": SCHEMA}, "query": {"inputSchema": SCHEMA}}}}


@pytest.mark.parametrize(
    "data",
    [
        [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in IDS],
        [{"type": "function", "name": name, "parameters": SCHEMA} for name in IDS],
        {"result": {"tools": [{"name": name, "inputSchema": SCHEMA} for name in IDS]}},
        {"actions": {"edges": [{"cursor": "c", "node": entry} for entry in WITH_SCHEMAS]}},
        {"data": {"actions": {"nodes": WITH_SCHEMAS, "pageInfo": {"hasNextPage": False}}}},
        {"data": {"video": WITH_SCHEMAS[:1], "other": WITH_SCHEMAS[1:]}},
        {"categories": [{"name": "v", "actions": [entry]} for entry in WITH_SCHEMAS]},
        [{"category": "v", "items": [entry]} for entry in WITH_SCHEMAS],
        {"actions": {"v": KEYED, "w": {"x.y": {"inputSchema": SCHEMA}}}, "version": 1},
        WORDS,
        {"code": 0, "data": WORDS},
        {"actions": [{"action": entry, "enabled": True} for entry in WITH_SCHEMAS]},
        {"hits": {"hits": [{"_id": 1, "_source": entry} for entry in WITH_SCHEMAS]}},
        {"data": [{"type": "x", "id": name, "attributes": {"schema": SCHEMA}} for name in IDS]},
        {"content": WITH_SCHEMAS, "totalElements": 2},
        {"models": WITH_SCHEMAS},
        {"available_actions": WITH_SCHEMAS},
        {"models": [{"id": f"kie.veo-{n}"} for n in range(9)], "actions": WITH_SCHEMAS},
        {"meta": {"items": [1, 2]}, "data": {"user": "x"}, "actions": WITH_SCHEMAS},
        {"Actions": [{"Id": name, "Description": "d", "InputSchema": SCHEMA} for name in IDS]},
        {"tools": [{"function_declarations": [{"name": n, "parameters": SCHEMA} for n in IDS]}]},
        {"groups": {"v": {"title": "V", "items": WITH_SCHEMAS}, "w": {"title": "W", "items": []}}},
        {"categories": [{"name": "none", "actions": []}, {"name": "v", "actions": WITH_SCHEMAS}]},
        {"data": {str(number): entry for number, entry in enumerate(WITH_SCHEMAS)}},
        {"items": [{"metadata": {"name": n}, "spec": {"inputSchema": SCHEMA}} for n in IDS]},
        [{"path": f"/api/actions/{name}", "inputSchema": SCHEMA} for name in IDS],
        [{"id": n, "code": name, "inputSchema": SCHEMA} for n, name in enumerate(IDS)],
        {
            "openapi": "3.1.0",
            "paths": {
                f"/api/actions/{name}": {
                    "post": {"requestBody": {"content": {"application/json": {"schema": SCHEMA}}}}
                }
                for name in IDS
            },
        },
    ],
)  # fmt: skip
def test_every_way_to_arrange_entries(data: Any) -> None:
    entries = {entry.id: entry.input for entry in read_list(data).entries}

    assert {name: entries.get(name) for name in IDS} == dict.fromkeys(IDS, SCHEMA)
    assert set(entries) <= {*IDS, "x.y"}


@pytest.mark.parametrize("data", [{"actions": [7, 8]}, [{"title": "?"}], {"data": [None]}])
def test_a_list_in_which_nothing_is_understood_is_none(data: Any) -> None:
    page = read_list(data)

    assert not page.recognised
    assert page.notes[0].startswith("entry 1 is not an action")


@pytest.mark.parametrize("empty", [{}, None, [], "/api/actions/a.b/schema", {"$ref": "/x"}])
def test_a_placeholder_is_no_schema(empty: Any) -> None:
    assert not read_list([{"id": "a.b", "inputSchema": empty}]).entries[0].input


def test_forced_readings() -> None:
    data = {"reply": {"x": {"all": [{"no": "a.b", "id": "z"}]}}, "list": [{"id": "other"}]}

    assert ids(data, **{"list": "reply.x.all", "id-key": "no"}) == ["a.b"]
    assert ids({"reply": {"a": {}, "b": {}}}, list="reply") == ["a", "b"]
    assert ids([{"w": {"id": "a"}}, {"w": {"id": "b"}}], list="[].w") == ["a", "b"]
    assert ids({"data": {"mine": ITEMS}}, list="mine") == IDS
