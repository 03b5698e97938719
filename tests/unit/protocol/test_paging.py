"""Every way to say that a list goes on, and that it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callsheet.protocol.action_list import read_list
from callsheet.protocol.paging import NextPage, PageWalk, read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable

FOUR = [{"id": f"a.{n}"} for n in range(4)]


@pytest.mark.parametrize(
    ("beside", "fields"),
    [
        ({"nextCursor": "c2"}, {"cursor": "c2"}),
        ({"next_cursor": "c2"}, {"cursor": "c2"}),
        ({"nextCursor": 40}, {"cursor": 40}),
        ({"next_cursor": "c2", "hasMore": True}, {"cursor": "c2"}),
        ({"nextPageToken": "t"}, {"pageToken": "t"}),
        ({"meta": {"next_cursor": "c2"}}, {"cursor": "c2"}),
        ({"pageInfo": {"endCursor": "c2", "hasNextPage": True}}, {"cursor": "c2"}),
        ({"page": 1, "total": 9}, {"page": 2}),
        ({"page": 2, "total": 9}, {"page": 3}),
        ({"page": 0, "pageSize": 4, "total": 5}, {"page": 1}),
        ({"page": "1", "total": "9"}, {"page": 2}),
        ({"page": 1, "totalPages": 2}, {"page": 2}),
        ({"page": 1, "hasMore": True}, {"page": 2}),
        ({"pageNo": 1, "totalCount": 9}, {"pageNo": 2}),
        ({"total": 99}, {"page": 2}),
        ({"pagination": {"page": 1, "per_page": 4, "total": 8}}, {"page": 2}),
    ],
)
def test_each_form_of_more(beside: dict[str, Any], fields: dict[str, Any]) -> None:
    bare = read_list({"data": FOUR, **beside}).next
    inside = read_list({"code": 0, "data": {"items": FOUR, **beside}}).next

    assert bare is not None
    assert bare == inside
    assert (bare.fields, bare.url) == (fields, "")


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


@pytest.mark.parametrize(
    "beside",
    [
        {"next": "?p=2"},
        {"nextLink": "?p=2"},
        {"@odata.nextLink": "?p=2"},
        {"links": {"next": "?p=2", "first": "?p=1"}},
        {"_links": {"self": {"href": "?p=1"}, "next": {"href": "?p=2"}}},
        {"links": [{"rel": "self", "href": "?p=1"}, {"rel": "next", "href": "?p=2"}]},
        {"paging": {"next": "?p=2", "cursors": {"after": "x"}}},
        {"meta": {"next_page_url": "?p=2"}},
        {"pagination": {"next": {"url": "?p=2"}}},
    ],
)
def test_a_link_in_the_body(beside: dict[str, Any]) -> None:
    assert read_list({"items": FOUR, **beside}).next == NextPage(url="?p=2")


def requests(beside: dict[str, Any], headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    evidence = read_evidence([beside], headers or {}, 4, "a.3")
    return [dict(request.fields) for request in evidence.requests(4, 1)]


@pytest.mark.parametrize(
    ("beside", "fields"),
    [
        ({"nextToken": "t"}, {"nextToken": "t"}),
        ({"next_page_token": "t"}, {"page_token": "t"}),
        ({"NextMarker": "t"}, {"Marker": "t"}),
        ({"response_metadata": {"next_cursor": "t"}}, {"cursor": "t"}),
        ({"cursor": {"next": "t", "prev": None}}, {"cursor": "t"}),
        ({"paging": {"cursors": {"after": "t"}}}, {"after": "t"}),
        ({"continuation_token": "t"}, {"continuation_token": "t"}),
        ({"next": {"page": 2}}, {"page": 2}),
        ({"next_page": "2", "page": 1}, {"page": 2}),
        ({"nextOffset": 4}, {"offset": 4}),
        ({"offset": 0, "limit": 4, "total": 9}, {"offset": 4}),
        ({"skip": 8, "take": 4, "total": 19}, {"skip": 12}),
        ({"startIndex": 1, "itemsPerPage": 4, "totalResults": 9}, {"startIndex": 5}),
        ({"startAt": 0, "maxResults": 4, "isLast": False}, {"startAt": 4}),
        ({"page": {"number": 0, "size": 4, "totalElements": 9, "totalPages": 3}}, {"page": 1}),
        ({"number": 0, "totalPages": 3, "last": False}, {"page": 1}),
        ({"meta": {"current_page": 1, "last_page": 2}}, {"page": 2}),
        ({"meta": {"pagination": {"page": 1, "pageSize": 4, "total": 9}}}, {"page": 2}),
        ({"has_more": True}, {"starting_after": "a.3"}),
        ({"has_more": True, "last_id": "z"}, {"starting_after": "z"}),
        ({"IsTruncated": True, "NextMarker": "m"}, {"Marker": "m"}),
        ({"offset": 0, "limit": 4}, {"offset": 4}),
    ],
)
def test_habits_of_well_known_services(beside: dict[str, Any], fields: dict[str, Any]) -> None:
    assert requests(beside)[0] == fields


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"x-total-count": "9", "x-page": "1", "x-per-page": "4"}, {"page": 2}),
        ({"x-next-page": "2", "x-total-pages": "3"}, {"page": 2}),
        ({"x-total-pages": "2"}, {"page": 2}),
        ({"x-wp-totalpages": "2"}, {"page": 2}),
        ({"x-next-cursor": "c"}, {"cursor": "c"}),
        ({"x-pagination": '{"CurrentPage": 1, "TotalPages": 2}'}, {"page": 2}),
        ({"x-pagination-total-count": "9"}, {"page": 2}),
        ({"content-range": "items 0-3/9"}, {"page": 2}),
    ],
)
def test_headers_tell_of_more(headers: dict[str, str], fields: dict[str, Any]) -> None:
    assert requests({}, headers)[0] == fields


@pytest.mark.parametrize(
    ("beside", "headers"),
    [
        ({"last": True, "number": 0, "totalPages": 3}, {}),
        ({"isLast": True, "startAt": 0, "total": 9}, {}),
        ({"offset": 0, "limit": 20}, {}),
        ({"offset": 8, "limit": 4, "total": 12}, {}),
        ({"has_more": False, "last_id": "z"}, {}),
        ({"count": 4}, {}),
        ({"count": 9, "next": None}, {}),
        ({}, {"x-next-page": "", "x-total-pages": "1"}),
        ({}, {"x-ratelimit-limit": "9", "x-total-time": "7"}),
        ({"next": True, "cursor": {}}, {}),
    ],
)
def test_no_request_follows_the_end(beside: dict[str, Any], headers: dict[str, str]) -> None:
    assert requests(beside, headers) == []


class Book:
    """Pages that a walk turns: ``answer`` gives the entries for the fields of a request."""

    def __init__(self, answer: Callable[[dict[str, Any]], tuple[list[int], dict[str, Any]] | None]):
        self.answer, self.asked = answer, list[dict[str, Any]]()

    def read(self, walk: PageWalk) -> list[int]:
        """Return the entries of all pages."""
        entries: list[int] = []
        fields: dict[str, Any] = {}
        while True:
            self.asked.append(fields)
            page = self.answer(fields)
            if page is None:
                walk.refuse()
            else:
                items, beside = page
                last = str(items[-1]) if items else ""
                evidence = read_evidence([beside], {}, len(items), last)
                entries += [items[i] for i in walk.take(evidence, [str(item) for item in items])]
            if walk.next is None:
                return entries
            fields = dict(walk.next.fields)


NINE = list(range(9))


def from_offset(name: str, **beside: Any) -> Book:
    def answer(fields: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
        start = fields.get(name, 0)
        return NINE[start : start + 4], {k: v for k, v in beside.items() if v is not None}

    return Book(answer)


def after(name: str, *, strict: bool = False) -> Book:
    def answer(fields: dict[str, Any]) -> tuple[list[int], dict[str, Any]] | None:
        if strict and set(fields) - {name}:
            return None
        start = int(fields.get(name, -1)) + 1
        return NINE[start : start + 4], {"has_more": start + 4 < 9}

    return Book(answer)


@pytest.mark.parametrize("name", ["starting_after", "after", "after_id"])
@pytest.mark.parametrize("strict", [False, True])
def test_what_brings_a_page_is_asked_for_the_next_ones(name: str, strict: bool) -> None:
    walk, book = PageWalk(), after(name, strict=strict)

    assert book.read(walk) == NINE
    assert walk.missing == ""
    assert book.asked[-1] == {name: "7"}
    assert len(book.asked) <= 5


def test_a_total_alone_is_tried_for() -> None:
    walk, book = PageWalk(), from_offset("offset", total=9)

    assert book.read(walk) == NINE
    assert (walk.missing, walk.pages) == ("", 3)


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"total": 9}, "4 of 9"),
        ({"total": 9, "page": 1}, "4 of 9"),
        ({"total": 9, "next": None}, "4 of 9"),
        ({"total": 9, "hasMore": False}, "4 of 9"),
        ({"has_more": True}, "more than the 4"),
        ({"nextCursor": "same"}, "more than the 4"),
        ({"total": 4, "nextCursor": "same"}, ""),
        ({"count": 4}, ""),
        ({"page": 1, "pageSize": 4}, ""),
        ({"has_more": False}, ""),
    ],
)
def test_what_was_not_read_is_told(beside: dict[str, Any], words: str) -> None:
    walk, book = PageWalk(), Book(lambda fields: (NINE[:4], beside))

    assert book.read(walk) == NINE[:4]
    assert words in walk.missing
    assert bool(words) == bool(walk.missing)
    assert len(book.asked) <= 7


def test_an_empty_page_is_the_end_of_a_list_with_a_cursor() -> None:
    pages = iter([([1, 2], {"cursor": "a"}), ([3], {"cursor": "b"}), ([], {"cursor": "b"})])
    walk, book = PageWalk(), Book(lambda fields: next(pages))

    assert book.read(walk) == [1, 2, 3]
    assert walk.missing == ""


def test_a_cursor_that_stays_is_followed_while_it_brings_something() -> None:
    pages = iter([[1, 2], [3, 4], [5], [5], [5]])
    walk, book = PageWalk(), Book(lambda fields: (next(pages), {"scroll_id": "s"}))

    assert book.read(walk) == [1, 2, 3, 4, 5]
    assert "more than the 5" in walk.missing


def test_an_endless_list_is_cut() -> None:
    walk = PageWalk(most_pages=7)
    book = Book(lambda fields: ([fields.get("cursor", 0)], {"nextCursor": len(book.asked)}))

    assert len(book.read(walk)) == 7
    assert "cut" in walk.missing


def test_fields_that_a_schema_names_are_asked_first() -> None:
    walk = PageWalk(names=["query", "after", "pageToken"], closed=True)
    walk.take(read_evidence([{"endCursor": "x"}], {}, 2), ["1", "2"])
    assert walk.next == NextPage({"after": "x"})

    walk = PageWalk(names=["query", "pageToken"], closed=True)
    walk.take(read_evidence([{"next_page_token": "x"}], {}, 2), ["1", "2"])
    assert walk.next == NextPage({"pageToken": "x"})

    walk = PageWalk(names=["query"], closed=True)
    walk.take(read_evidence([{"nextCursor": "x"}], {}, 2), ["1", "2"])
    assert walk.next is None
    assert "more than the 2" in walk.missing
