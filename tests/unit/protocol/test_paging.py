"""Every way to say that a list goes on, and that it does not."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.protocol.action_list import NextPage, read_list

FOUR = [{"id": f"a.{n}"} for n in range(4)]


@pytest.mark.parametrize(
    ("beside", "query"),
    [
        ({"nextCursor": "c2"}, {"cursor": "c2"}),
        ({"next_cursor": "c2"}, {"cursor": "c2"}),
        ({"nextCursor": 40}, {"cursor": "40"}),
        ({"next_cursor": "c2", "hasMore": True}, {"cursor": "c2"}),
        ({"nextPageToken": "t"}, {"pageToken": "t"}),
        ({"meta": {"next_cursor": "c2"}}, {"cursor": "c2"}),
        ({"pageInfo": {"endCursor": "c2", "hasNextPage": True}}, {"cursor": "c2"}),
        ({"page": 1, "total": 9}, {"page": "2"}),
        ({"page": 2, "total": 9}, {"page": "3"}),
        ({"page": 0, "pageSize": 4, "total": 5}, {"page": "1"}),
        ({"page": "1", "total": "9"}, {"page": "2"}),
        ({"page": 1, "totalPages": 2}, {"page": "2"}),
        ({"page": 1, "hasMore": True}, {"page": "2"}),
        ({"pageNo": 1, "totalCount": 9}, {"pageNo": "2"}),
        ({"pagination": {"page": 1, "per_page": 4, "total": 8}}, {"page": "2"}),
    ],
)
def test_each_form_of_more(beside: dict[str, Any], query: dict[str, str]) -> None:
    bare = read_list({"data": FOUR, **beside}).next
    inside = read_list({"code": 0, "data": {"items": FOUR, **beside}}).next

    assert bare == inside == NextPage(query=query)


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"nextCursor": None},
        {"nextCursor": ""},
        {"nextCursor": "c2", "hasMore": False},
        {"endCursor": "c2", "hasNextPage": False},
        {"page": 1, "total": 4},
        {"page": 3, "total": 9},
        {"page": 1, "pageSize": 20, "total": 4},
        {"page": 2, "totalPages": 2},
        {"page": 1, "hasMore": False, "total": 99},
        {"total": 99},
        {"next": None},
    ],
)
def test_each_form_of_the_end(beside: dict[str, Any]) -> None:
    assert read_list({"data": FOUR, **beside}).next is None


def test_a_page_without_entries_is_the_last() -> None:
    assert read_list({"data": [], "nextCursor": "c", "page": 1, "total": 9}).next is None


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ('</api/actions?page=2>; rel="next"', "/api/actions?page=2"),
        ("<https://h/a?c=1,2>; rel=next", "https://h/a?c=1,2"),
        ('<a>; rel="prev", <b>; title="x"; rel="last next"', "b"),
        ('<a>; rel="prev"', ""),
        ('<a>; rel="nextish"', ""),
        ("rel=next", ""),
    ],
)
def test_link_headers(header: str, url: str) -> None:
    next_page = read_list(FOUR, headers={"link": header}).next

    assert (next_page.url if next_page else "") == url


def test_a_link_in_the_body() -> None:
    assert read_list({"items": FOUR, "next": "/api/actions?p=2"}).next == NextPage(
        url="/api/actions?p=2"
    )
