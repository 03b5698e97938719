"""Servers that page as well-known services do are read to their end, with few requests to spare.

Each service takes one parameter and disregards all others, or refuses them where it is strict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from callsheet.protocol.paging import PageEvidence, PageWalk, find_items, read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, SIZE = list(range(9)), 4
Told = tuple[list[dict[str, Any]], dict[str, str]]


class Service(NamedTuple):
    """The parameter that a service takes, what it counts, and what stands beside a page."""

    parameter: str
    counts: str
    beside: Callable[[int, int | None], dict[str, Any]]
    headers: Callable[[int, int | None], dict[str, str]] = lambda start, after: {}
    strict: bool = False

    def page(self, fields: dict[str, Any]) -> tuple[list[int], PageEvidence] | None:
        """Return the entries that these fields ask for, and the evidence beside them."""
        if self.strict and set(fields) - {self.parameter}:
            return None
        start = self.start(fields.get(self.parameter))
        rows = ROWS[start : start + SIZE]
        after = start + SIZE if start + SIZE < len(ROWS) else None
        tables, headers = [self.beside(start, after)], self.headers(start, after)
        return rows, read_evidence(tables, headers, len(rows), f"id{rows[-1]}" if rows else "")

    def start(self, value: Any) -> int:
        """Return the position of the first entry for a value of the parameter."""
        number = 0 if value is None else int(str(value).removeprefix("id"))
        if self.counts == "last id":
            return number + 1 if value is not None else 0
        first = {"page": 1, "index": 1}.get(self.counts, 0)
        position = number - first if value is not None else 0
        return position * (SIZE if "page" in self.counts else 1)


def page_of(start: int) -> int:
    return start // SIZE + 1


SERVICES = {
    "Stripe": Service(
        "starting_after",
        "last id",
        lambda s, a: {"has_more": bool(a), "object": "list"},
        strict=True,
    ),
    "OpenAI": Service(
        "after", "last id", lambda s, a: {"has_more": bool(a), "last_id": f"id{s + 3}"}
    ),
    "Anthropic": Service(
        "after_id", "last id", lambda s, a: {"has_more": bool(a), "last_id": f"id{s + 3}"}
    ),
    "Notion": Service(
        "start_cursor", "", lambda s, a: {"has_more": bool(a), "next_cursor": a and str(a)}
    ),
    "Slack": Service(
        "cursor", "", lambda s, a: {"response_metadata": {"next_cursor": str(a or "")}}
    ),
    "Google": Service("pageToken", "", lambda s, a: {"nextPageToken": str(a)} if a else {}),
    "Iceberg": Service("pageToken", "", lambda s, a: {"next-page-token": a and str(a)}),
    "AWS": Service("nextToken", "", lambda s, a: {"nextToken": str(a)} if a else {}),
    "AWS in capitals": Service("NextToken", "", lambda s, a: {"NextToken": str(a)} if a else {}),
    "IAM": Service("Marker", "", lambda s, a: {"IsTruncated": bool(a), "Marker": a}),
    "S3": Service(
        "continuation-token", "", lambda s, a: {"IsTruncated": bool(a), "NextContinuationToken": a}
    ),
    "DynamoDB": Service("exclusiveStartKey", "", lambda s, a: {"lastEvaluatedKey": a}),
    "HeyGen": Service("token", "", lambda s, a: {"token": a and str(a), "total": 9}),
    "Relay": Service(
        "after", "", lambda s, a: {"pageInfo": {"hasNextPage": bool(a), "endCursor": str(s + 4)}}
    ),
    "Facebook": Service(
        "after",
        "",
        lambda s, a: {"paging": {"cursors": {"after": f"{s + 4}"}, "next": a and f"/?after={a}"}},
    ),
    "Intercom": Service(
        "starting_after",
        "",
        lambda s, a: {"pages": {"page": page_of(s), "next": a and {"starting_after": f"{a}"}}},
    ),
    "Pipedrive": Service(
        "start",
        "",
        lambda s, a: {
            "additional_data": {
                "pagination": {"start": s, "more_items_in_collection": bool(a), "next_start": a}
            }
        },
    ),
    "Azure": Service(
        "$skiptoken", "", lambda s, a: {"nextLink": f"/x?$skiptoken={a}"} if a else {}
    ),
    "OData": Service("$skip", "", lambda s, a: {"@odata.nextLink": f"?$skip={a}"} if a else {}),
    "GitHub": Service(
        "page",
        "page",
        lambda s, a: {},
        lambda s, a: {"link": f'</x?page={page_of(a)}>; rel="next"'} if a else {},
    ),
    "GitLab": Service(
        "page",
        "page",
        lambda s, a: {},
        lambda s, a: {"x-total-pages": "3", "x-next-page": str(page_of(a)) if a else ""},
    ),
    "WordPress": Service("page", "page", lambda s, a: {}, lambda s, a: {"x-wp-totalpages": "3"}),
    "Laravel": Service(
        "page", "page", lambda s, a: {"meta": {"current_page": page_of(s), "last_page": 3}}
    ),
    "JSON:API": Service(
        "page[number]",
        "page",
        lambda s, a: {"meta": {"current_page": page_of(s), "total_pages": 3}},
    ),
    "MyBatis": Service(
        "current", "page", lambda s, a: {"total": 9, "size": 4, "current": page_of(s), "pages": 3}
    ),
    "PageHelper": Service(
        "pageNum",
        "page",
        lambda s, a: {
            "pageNum": page_of(s),
            "isLastPage": not a,
            "nextPage": page_of(a) if a else 0,
        },
    ),
    "Spring": Service(
        "page",
        "page from 0",
        lambda s, a: {
            "number": s // 4,
            "size": 4,
            "totalPages": 3,
            "last": not a,
            "pageable": {"pageNumber": s // 4, "offset": s},
        },
    ),
    "Spring HATEOAS": Service(
        "page",
        "page from 0",
        lambda s, a: {"page": {"number": s // 4, "size": 4, "totalElements": 9, "totalPages": 3}},
    ),
    "Django": Service(
        "offset", "", lambda s, a: {"count": 9, "next": a and f"http://h/x?limit=4&offset={a}"}
    ),
    "Jira": Service("startAt", "", lambda s, a: {"startAt": s, "maxResults": 4, "isLast": not a}),
    "Solr": Service("start", "", lambda s, a: {"numFound": 9, "start": s}),
    "SCIM": Service(
        "startIndex",
        "index",
        lambda s, a: {"totalResults": 9, "startIndex": s + 1, "itemsPerPage": 4},
    ),
    "a full page alone": Service("offset", "", lambda s, a: {"offset": s, "limit": 4}),
    "a total alone": Service("skip", "", lambda s, a: {"total": 9}, strict=True),
    "Content-Range": Service(
        "offset", "", lambda s, a: {}, lambda s, a: {"content-range": f"items {s}-{s + 3}/9"}
    ),
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_list_is_read_to_its_end(name: str) -> None:
    walk, rows, requests = PageWalk(), list[int](), 1
    page = SERVICES[name].page({})
    while True:
        if page is None:
            walk.refuse()
        else:
            rows += [page[0][i] for i in walk.take(page[1], list(map(str, page[0])))]
        if walk.next is None:
            break
        url, fields = walk.next.url, dict(walk.next.fields)
        page = SERVICES[name].page(dict(parse_qsl(urlsplit(url).query)) if url else fields)
        requests += 1

    assert rows == ROWS
    assert walk.missing == ""
    assert requests <= 7


@pytest.mark.parametrize(
    "reply",
    [
        ROWS,
        {"items": ROWS, "facets": ["a"]},
        {"code": 0, "data": {"list": ROWS, "total": 3}},
        {"data": {"search": {"edges": [{"node": row} for row in ROWS]}}},
        {"response": {"docs": ROWS}},
        {"photos": ROWS, "filters": []},
        {"body": "[0, 1, 2, 3, 4, 5, 6, 7, 8]"},
    ],
)
def test_the_list_of_a_reply(reply: Any) -> None:
    place = find_items(reply)

    assert place is not None
    assert place.items == ROWS


def test_objects_go_before_texts_and_the_usual_keys_before_others() -> None:
    rows = [{"id": 1}]

    assert getattr(find_items({"tags": ["a", "b"], "films": rows}), "items", None) == rows
    assert getattr(find_items({"films": [{"id": 2}] * 9, "items": rows}), "items", None) == rows
    assert find_items({"word": "hello", "n": 1}) is None
