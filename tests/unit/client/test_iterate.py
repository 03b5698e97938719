"""A list that a free action returns is read over all its pages, in both clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Said, Seen, said, serving
from unit.transport.test_transport import options

from callsheet.errors import ServerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unit.surroundings import Runner

ROWS = [{"id": f"r{number}", "n": number} for number in range(7)]
Body = dict[str, Any]


def paged(answer: Callable[[Body], Any]) -> Callable[[Seen], Said]:
    def reply(request: Seen) -> Said:
        document = answer(json.loads(request.body))
        return document if isinstance(document, Said) else said(document)

    return reply


def by_page(body: Body) -> Any:
    page = body.get("page", 1)
    return {"items": ROWS[3 * page - 3 : 3 * page], "page": page, "total": 7}


def by_cursor(body: Body) -> Any:
    start = body.get("cursor", 0)
    nodes = [{"node": row} for row in ROWS[start : start + 3]]
    page = {"endCursor": start + 3, "hasNextPage": start + 3 < 7}
    return {"code": 0, "data": {"rows": {"edges": nodes, "pageInfo": page}}}


def by_last_id(body: Body) -> Any:
    start = int(body["after"][1:]) + 1 if "after" in body else 0
    return {"object": "list", "data": ROWS[start : start + 3], "has_more": start + 3 < 7}


def by_link(body: Body) -> Any:
    start = body.get("from", 0)
    following = f"https://elsewhere.example/search?from={start + 3}" if start + 3 < 7 else None
    return {"results": ROWS[start : start + 3], "next": following, "facets": [{"id": "f"}]}


async def entries(client: Any, **more: Any) -> list[Any]:
    listed = client.iterate("v.free", {"query": "x"}, **more)
    return [row async for row in listed] if hasattr(listed, "__aiter__") else list(listed)


def asked(posts: list[Seen]) -> list[Body]:
    bodies = [json.loads(request.body) for request in posts]
    assert all(body.pop("query") == "x" for body in bodies)
    return bodies


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        (by_page, [{}, {"page": 2}, {"page": 3}]),
        (by_cursor, [{}, {"cursor": 3}, {"cursor": 6}]),
        (by_last_id, [{}, {"starting_after": "r2"}, {"after": "r2"}, {"after": "r5"}]),
        (by_link, [{}, {"from": 3}, {"from": 6}]),
    ],
)
def test_every_page_is_asked_for(
    runner: Runner, tmp_path: Path, answer: Callable[[Body], Any], fields: list[Body]
) -> None:
    async def steps(client: Any, wait: Any) -> list[Any]:
        return await entries(client)

    with serving(paged(answer)) as server:
        assert runner(options(server.url, tmp_path), steps) == ROWS
        assert asked(server.posts()) == fields


def test_a_limit_asks_for_no_more_pages_than_it_needs(runner: Runner, tmp_path: Path) -> None:
    async def steps(client: Any, wait: Any) -> list[Any]:
        return await entries(client, limit=4)

    with serving(paged(by_page)) as server:
        assert runner(options(server.url, tmp_path), steps) == ROWS[:4]
        assert len(server.posts()) == 2


@pytest.mark.parametrize("action", ["v.make", "v.unlisted"])
def test_what_may_cost_money_is_not_sent(runner: Runner, tmp_path: Path, action: str) -> None:
    async def steps(client: Any, wait: Any) -> None:
        listed = client.iterate(action, {})
        if hasattr(listed, "__aiter__"):
            await anext(listed)
        next(listed)

    with serving(paged(by_page)) as server:
        with pytest.raises(UsageError, match="may cost money"):
            runner(options(server.url, tmp_path), steps)
        assert server.posts() == []


def test_what_becomes_paid_is_not_asked_for_again(tmp_path: Path) -> None:
    from callsheet import Client

    with serving(paged(by_page)) as server, Client(**options(server.url, tmp_path)) as client:
        listed = client.iterate("v.free", {})
        assert next(listed) == ROWS[0]
        server.listed = said({"actions": [{"id": "v.free", "inputSchema": {"type": "object"}}]})
        client.actions(refresh=True)
        with pytest.raises(UsageError, match="may cost money"):
            list(listed)
        assert len(server.posts()) == 1


def test_an_answer_without_a_list_is_told(runner: Runner, tmp_path: Path) -> None:
    async def steps(client: Any, wait: Any) -> list[Any]:
        return await entries(client)

    answer = said({"word": "hello"})
    with serving(answer) as server, pytest.raises(ServerError, match="without a list"):
        runner(options(server.url, tmp_path), steps)


def test_a_list_that_ends_too_early_is_logged(
    runner: Runner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(client: Any, wait: Any) -> list[Any]:
        return await entries(client)

    with serving(said({"items": ROWS[:3], "total": 7})) as server:
        assert runner(options(server.url, tmp_path), steps) == ROWS[:3]
    assert "3 of 7" in caplog.text


def test_a_field_that_the_schema_forbids_is_not_sent(runner: Runner, tmp_path: Path) -> None:
    async def steps(client: Any, wait: Any) -> list[Any]:
        return await entries(client)

    schema = {"type": "object", "properties": {"query": {}, "pageToken": {}}}
    entry = {"id": "v.free", "readOnly": True}
    closed = {**entry, "inputSchema": {**schema, "additionalProperties": False}}
    with serving(
        paged(lambda body: {"items": ROWS[:3], "nextCursor": "c", "next_page_token": "t"})
    ) as server:
        server.listed = said({"actions": [closed]})
        assert runner(options(server.url, tmp_path), steps) == ROWS[:3]
        assert asked(server.posts()) == [{}, {"pageToken": "t"}]


def test_a_later_page_that_fails_raises(runner: Runner, tmp_path: Path) -> None:
    async def steps(client: Any, wait: Any) -> list[Any]:
        return await entries(client)

    def answer(body: Body) -> Any:
        return said({"message": "gone"}, 410) if "page" in body else by_page(body)

    with serving(paged(answer)) as server, pytest.raises(ServerError, match="gone"):
        runner(options(server.url, tmp_path), steps)
