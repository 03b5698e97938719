"""Read from a reply how its list goes on, and decide which request brings the next page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from callsheet.protocol.values import is_encodable, number, parse_nested
from callsheet.protocol.vocabulary import LIST_KEYS
from callsheet.text import word_list, word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


MOST_PAGES = 100
UNKNOWN_REQUEST = (400, 404, 405, 422)
"""Statuses by which a server says that it does not know the request for a page."""
_MOST_TRIES = 6
_LONGEST = 4096
_DEPTH, _DEEPEST = 3, 4

# Keys are compared in lower case without any sign: `next_cursor` and `nextCursor` are one word.
_HOLDERS = word_set("""
    pagination paging pager pageinfo page pageable pages paginator meta metadata listmetadata
    responsemetadata info links cursors cursor next navigation listmeta additionaldata paginate
    resultset
""")
_LINKS = (
    *("next", "nextlink", "nexturl", "nexturi", "nexthref", "odatanextlink", "nextrecordsurl"),
    *("nextpageurl", "nextpageuri", "nextpagelink", "nextpage", "nextpagepath", "nextpath"),
)
_CURSORS = word_list("""
    nextcursor nextpagetoken nexttoken nextpagecursor cursornext nextmarker nextcontinuationtoken
    continuationtoken mscontinuation continuation nextkey nextscrollid scrollid nextpage nextoffset
    nextskip nextstart nextfrom nextstartingafter nextafter nextid next endcursor after aftercursor
    lastevaluatedkey lastkey cursorafter cursor marker bookmark pagetoken lastcursor
""")
_USUAL_PARAMETERS = {
    "nextcursor": ("cursor", "start_cursor", "next_cursor", "nextCursor", "after"),
    "nextpagetoken": ("pageToken", "page_token", "next_page_token", "nextPageToken"),
    "nexttoken": ("nextToken", "token", "paginationToken"),
    "nextcontinuationtoken": ("continuationToken", "continuation-token"),
    "lastevaluatedkey": ("lastEvaluatedKey", "exclusiveStartKey"),
    "endcursor": ("cursor", "after"),
    "lastcursor": ("cursor", "after"),
    "next": ("cursor", "next", "page"),
    "cursornext": ("cursor",),
    "mscontinuation": ("continuationToken", "continuation"),
    "nextafter": ("after",),
    "aftercursor": ("after", "cursor"),
    "cursorafter": ("after", "cursor"),
}
"""Parameters of cursors that are not named like their key without its ``next``."""
_MORE = word_list("""
    hasmore hasnext hasnextpage hasmorepages ismore istruncated more moreitemsincollection
""")
_LAST = ("last", "islast", "islastpage", "lastpage", "isend", "nomore", "isfinalpage")
_TOTALS = (
    *("total", "totalcount", "totalelements", "totalitems", "totalresults", "totalrecords"),
    *("totalrows", "totalsize", "totalentries", "totaldocs", "totalnum", "totalhits", "wptotal"),
    *("recordstotal", "numfound", "odatacount", "total_", "count", "totalactions", "hitstotal"),
)
_TOTAL_PAGES = word_list("""
    totalpages totalpage pages pagecount lastpage numpages pagestotal wptotalpages maxpage pagetotal
""")
_PAGE_NUMBERS = word_list("""
    page pageno pagenum pagenumber pageindex currentpage current number p
""")
_SIZES = word_list("""
    pagesize perpage limit size take itemsperpage maxresults rows resultsperpage top pagelimit
""")
_OFFSETS = ("offset", "skip", "start", "startindex", "startat", "from", "odataskip")
_LAST_IDS = ("lastid", "lastitemid")
_TOKENS = ("token",)
"""Keys of a place in the list where it goes on, and of a credential elsewhere."""
_AFTER_LAST_ID = ("starting_after", "after", "after_id")
_PAGE_PARAMETERS = frozenset({"page", "pageno", "pagenum", "pagenumber", "pageindex"})

_HEADER_PREFIX = re.compile(r"^(?:x-)?(?:pagination-)?")
_RANGE = re.compile(r"\w+ \d+-\d+/(\d{1,9})")
_LINK = re.compile(r"<([^<>\s]{1,4096})>([^<>]{0,500})")
_REL_NEXT = re.compile(r"""(?:^|[;\s])rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)""", re.I)
_ADDRESS = re.compile(r"(?:https?:|/|\?|[\w./-]{1,200}\?)\S*", re.I)


class NextPage(NamedTuple):
    """The request for a page: fields to set in the query or the body, or a ``url`` as it came.

    The caller has to check that ``url``, which may be relative, is on the host. ``certain`` is
    false where the reply does not name the field, so that it is tried by habit.
    """

    fields: Mapping[str, Any] = {}
    url: str = ""
    certain: bool = True

    def body_fields(self, types: Mapping[str, Any] = {}) -> Mapping[str, Any]:
        """Return the fields for a body; of a link, which is not followed, those of its query.

        ``types`` are the schemas of fields: a number in a query stays text where one wants that.
        """
        if not self.url:
            return self.fields
        pairs = parse_qsl(urlsplit(self.url).query)
        return {name: _typed(text, types.get(name)) for name, text in pairs}


def _typed(text: str, schema: Any) -> Any:
    kind = schema.get("type") if isinstance(schema, dict) else None
    takes_text = kind == "string" or (isinstance(kind, list) and "string" in kind)
    return int(text) if text.isdecimal() and len(text) < 19 and not takes_text else text


@dataclass(frozen=True, slots=True)
class PageEvidence:
    """What one reply says about the rest of its list.

    ``signs`` holds each value round the list with its key, by the plain word of the key;
    ``count`` is the number of entries of this page, ``last_id`` the id of the last of them.
    """

    signs: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    count: int = 0
    last_id: str = ""
    link: str = ""

    @property
    def total(self) -> int | None:
        """Return how many entries the whole list has."""
        return self._number(_TOTALS)

    @property
    def more(self) -> bool | None:
        """Return whether the reply says outright that the list goes on."""
        for words, meaning in ((_MORE, True), (_LAST, False)):
            flag = next((flag for _, _, flag in self._under(words) if isinstance(flag, bool)), None)
            if flag is not None:
                return flag is meaning
        return None

    def requests(self, read: int, pages: int) -> list[NextPage]:
        """Return the requests that may bring the next page, the likeliest first.

        ``read`` entries on ``pages`` pages were read, this one included.
        """
        if self.count == 0:
            return []
        more, total = self.more, self.total
        links = [NextPage(url=self.link)] if self.link else []
        named = [] if more is False else [*links, *self._by_link(), *self._by_cursor()]
        counted = [] if more is False else self._by_count(read, pages)
        if named or counted:
            return [*named, *counted]
        is_counted = any(self._counter(words)[0] for words in (_PAGE_NUMBERS, _OFFSETS))
        is_short = total is not None and total > read and not (is_counted or self._ends())
        return self._by_habit(pages) if more or (more is None and is_short) else []

    def _by_link(self) -> Iterator[NextPage]:
        for _, _, url in self._under(_LINKS):
            if isinstance(url, str) and len(url) <= _LONGEST and _ADDRESS.fullmatch(url):
                yield NextPage(url=url)

    def _by_cursor(self) -> Iterator[NextPage]:
        for word, key, cursor in self._under(_CURSORS):
            if not _is_cursor(cursor) or _ADDRESS.fullmatch(str(cursor)):
                continue
            for name in _parameters(word, key):
                is_count = _plain(name) in {*_PAGE_PARAMETERS, *_OFFSETS}
                as_number = number(cursor) if is_count else None
                yield NextPage({name: cursor if as_number is None else int(as_number)})

    def _by_count(self, read: int, pages: int) -> list[NextPage]:
        """Return the next page by its number, or by the number of entries before it."""
        total, size = self.total, self._number(_SIZES)
        is_full = size is not None and self.count >= size > 0
        for words, step in ((_PAGE_NUMBERS, 1), (_OFFSETS, self.count)):
            key, place = self._counter(words)
            if place is None:
                continue
            before = (place - 1) * (size or self.count) if step == 1 else place
            before -= 1 if _plain(key) == "startindex" else 0
            read = max(read, before + self.count)
            last = self._number(_TOTAL_PAGES) if step == 1 else None
            goes_on = self.more
            if goes_on is None and total is not None:
                goes_on = read < total
            if goes_on is None and last is not None:
                goes_on = max(pages, place) < last
            if goes_on is None and is_full and not self._ends():
                return [NextPage({name: place + step}, certain=False) for name in _counters(key)]
            return [NextPage({name: place + step}) for name in _counters(key)] if goes_on else []
        last = self._number(_TOTAL_PAGES)
        return [NextPage({"page": pages + 1})] if last is not None and pages < last else []

    def _by_habit(self, pages: int) -> list[NextPage]:
        """Return what servers usually take where the reply names no way to its next page."""
        ids = [value for _, _, value in self._under(_LAST_IDS) if _is_cursor(value)]
        last_id = next(iter(ids), self.last_id)
        after: list[dict[str, Any]] = []
        if self.more and last_id:
            after = [{name: last_id} for name in _AFTER_LAST_ID]
        tokens = [{key: v} for _, key, v in self._under(_TOKENS) if isinstance(v, str) and v]
        counts = [{"page": pages + 1}, {"offset": self.count * pages}, {"skip": self.count * pages}]
        return [NextPage(fields, certain=False) for fields in [*tokens, *after, *counts]]

    def _counter(self, words: Sequence[str]) -> tuple[str, int | None]:
        for word, key, value in self._under(words):
            count = number(value)
            if word in {"number", "current"} and self._number(_TOTAL_PAGES) is None:
                continue
            if count is not None and 0 <= count < 1e9:
                return key, int(count)
        return "", None

    def _ends(self) -> bool:
        """Tell whether the place of a link or cursor is there and empty."""
        return any(value in (None, "") for _, _, value in self._under((*_LINKS, *_CURSORS)))

    def _number(self, words: Iterable[str]) -> int | None:
        for _, _, value in self._under(words):
            count = number(value.get("value") if isinstance(value, dict) else value)
            if count is not None and 0 <= count < 1e9:
                return int(count)
        return None

    def _under(self, words: Iterable[str]) -> Iterator[tuple[str, str, Any]]:
        return ((word, *self.signs[word]) for word in words if word in self.signs)


NO_EVIDENCE = PageEvidence()


def read_evidence(
    tables: Sequence[Any], headers: Mapping[str, str], count: int, last_id: str = ""
) -> PageEvidence:
    """Collect what speaks of paging in the objects round a list, from the inside out.

    ``headers`` are in lower case.
    """
    signs: dict[str, tuple[str, Any]] = {}
    for table in tables:
        _collect(table, signs, "", _DEPTH)
    named = {
        _HEADER_PREFIX.sub("", name): text for name, text in headers.items() if name[:2] == "x-"
    }
    _collect({name: parse_nested(text) for name, text in named.items()}, signs, "", _DEPTH)
    total = _RANGE.fullmatch(headers.get("content-range", "")[:100])
    if total:
        signs.setdefault("total", ("total", total[1]))
    return PageEvidence(signs, count, last_id, _next_link(headers.get("link", "")))


def _collect(table: Any, signs: dict[str, tuple[str, Any]], prefix: str, depth: int) -> None:
    """Add the values of a table, and of the tables in it that hold paging, to ``signs``."""
    if isinstance(table, list):  # links as objects: [{"rel": "next", "href": …}]
        links = [link for link in table[:20] if isinstance(link, dict)]
        table = {str(link["rel"]): link.get("href") for link in links if "rel" in link}
    if not isinstance(table, dict) or depth == 0:
        return
    for key, value in table.items():
        word = prefix + _plain(key)
        if isinstance(value, dict | list) and word in _HOLDERS:
            _collect(value, signs, "next" if word == "next" else "", depth - 1)
        elif not isinstance(value, list):
            signs.setdefault(word, (prefix + key, value))


def _next_link(header: str) -> str:
    links = _LINK.findall(header[:20_000])
    return next((url for url, rest in links if _REL_NEXT.search(rest)), "")


def is_cursor_key(key: str) -> bool:
    """Tell whether a key usually holds the place in a list, which is not a credential."""
    return _plain(key) in _CURSORS


def _plain(key: str) -> str:
    return "".join(filter(str.isalnum, key[:60].lower()))


def _is_cursor(value: Any) -> bool:
    if type(value) is int:
        return abs(value) < 10**40
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and is_encodable(value)


def _parameters(word: str, key: str) -> tuple[str, ...]:
    """Return the parameters that may take a cursor: its key without ``next``, then the key."""
    bare = re.sub(r"^next[_-]?", "", key, flags=re.I)
    bare = bare[:1].lower() + bare[1:] if key[:1].islower() else bare
    usual = (*_USUAL_PARAMETERS.get(word, (bare,)), key)
    is_first = bare in usual[:-1] and usual[0] != key
    return tuple(dict.fromkeys((bare, *usual) if is_first else usual))


def _counters(key: str) -> tuple[str, ...]:
    """Return the parameters for a count: the key, for the number of a page the usual ones too."""
    word = _plain(key)
    if word not in _PAGE_NUMBERS:
        return (key,)
    own = () if word in {"currentpage", "number"} else (key,)
    return tuple(dict.fromkeys((*own, "page", "page[number]")))


class ItemList(NamedTuple):
    """The list in a reply: its entries, the objects round it, and the keys that lead to it."""

    items: Sequence[Any] = ()
    tables: tuple[dict[str, Any], ...] = ()
    path: tuple[str, ...] = ()

    def evidence(self, headers: Mapping[str, str]) -> PageEvidence:
        """Return what the reply says about the rest of the list."""
        last = self.items[-1] if self.items and isinstance(self.items[-1], dict) else {}
        ids = (last.get(key) for key in ("id", "_id", "uuid", "key"))
        names = (str(name) for name in ids if isinstance(name, str | int))
        return read_evidence(self.tables, headers, len(self.items), next(names, ""))


def find_items(data: Any, path: tuple[str, ...] | None = None) -> ItemList | None:
    """Return the list that a reply is about, or the one at ``path``; ``None`` where it has none.

    Lists of objects go before others, then those under the usual keys, then outer ones.
    """
    places = [place for place in _lists(data) if path is None or place.path == path]
    return max(places, key=_weight, default=None)


def _weight(place: ItemList) -> tuple[bool, bool, int, int]:
    is_table = any(isinstance(item, dict) for item in place.items[:20])
    is_usual = not place.path or place.path[-1] in LIST_KEYS
    return is_table, is_usual, -len(place.path), len(place.items)


def _lists(
    value: Any, tables: tuple[dict[str, Any], ...] = (), path: tuple[str, ...] = ()
) -> Iterator[ItemList]:
    value = parse_nested(value)
    if isinstance(value, list):
        nodes = [item["node"] for item in value if isinstance(item, dict) and "node" in item]
        yield ItemList(nodes if nodes and len(nodes) == len(value) else value, tables, path)
    elif isinstance(value, dict) and len(path) <= _DEEPEST:
        for key, inner in value.items():
            if isinstance(inner, dict | list | str):
                yield from _lists(inner, (value, *tables), (*path, key))


class PageWalk:
    """The way through a list: what was read, which request is next, and what stayed unread.

    ``next`` is ``None`` at the end; ``missing`` then says why the list is not whole, if it is not.
    ``names`` are the fields that the request may have, where a schema tells them; ``closed`` is
    true where it may have no others.
    """

    def __init__(
        self, names: Iterable[str] = (), *, closed: bool = False, most_pages: int = MOST_PAGES
    ) -> None:
        self.read = self.pages = 0
        self.next: NextPage | None = None
        self.missing = ""
        self._names, self._closed, self._most = {_plain(n): n for n in names}, closed, most_pages
        self._evidence = PageEvidence()
        self._seen: set[str] = set()
        self._tries: list[NextPage] = []
        self._tried, self._is_promised = 0, False
        self._way: frozenset[str] | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether the server itself says that nothing is left to read, or lists nothing."""
        total, more = self._evidence.total, self._evidence.more
        is_told = more is False or (total is not None and total <= self.read)
        return self.next is None and not self.missing and (is_told or self.read == 0)

    def take(self, evidence: PageEvidence, keys: Sequence[str]) -> list[int]:
        """Take in a page whose entries have these ``keys``; return the positions of new ones."""
        new = [i for i, key in enumerate(keys) if key not in self._seen and key not in keys[:i]]
        if self.next is not None and not new and evidence.count:
            self.refuse()
            return []
        if evidence.count == 0:
            self._end(expected=False)
            return []
        if self.next is not None:
            self._way = frozenset(self.next.fields)
        self._seen.update(keys)
        self.read += evidence.count - (len(keys) - len(new))
        self.pages += 1
        self._evidence, self._tried = evidence, 0
        requests = evidence.requests(self.read, self.pages)
        self._is_promised = any(request.certain for request in requests)
        self._tries = self._ranked(requests)
        if self._tries and self.pages >= self._most:
            self.cut()
        else:
            self._try()
        return new

    def refuse(self) -> None:
        """Give up the request in ``next``, which was refused or brought nothing new."""
        self._try()

    def cut(self, entries: int | None = None) -> None:
        """End the list here because it is too long, or takes too long; ``entries`` of it stay."""
        kept = self.read if entries is None else entries
        self.next, self.missing = None, f"the list is cut after {kept} entries"

    def _try(self) -> None:
        self._tried += 1
        if self._tries and self._tried <= _MOST_TRIES:
            self.next = self._tries.pop(0)
        else:
            self._end(expected=self._is_promised)

    def _ranked(self, requests: list[NextPage]) -> list[NextPage]:
        """Sort out the requests that this list takes: what worked before, what a schema names."""
        if self._way is not None:
            same = [request for request in requests if frozenset(request.fields) == self._way]
            requests = same or requests
        if not self._names:
            return requests
        named = []
        for request in requests:
            known = {self._names.get(_plain(name), ""): v for name, v in request.fields.items()}
            renamed = request._replace(fields=known)
            if request.fields and "" not in known and renamed not in named:
                named.append(renamed)
        links = [request for request in requests if request.url]
        others = [request for request in requests if request.fields]
        return [*named, *links] if self._closed or named else [*links, *others]

    def _end(self, *, expected: bool) -> None:
        """End the list; with ``expected`` the last reply named a page that could not be had."""
        self.next = None
        total, more = self._evidence.total, self._evidence.more
        if total is not None and total > self.read:
            self.missing = f"the list is incomplete: {self.read} of {total} entries were read"
        elif self.pages and (more or (expected and total != self.read)):
            self.missing = f"the list is incomplete: it has more than the {self.read} entries read"
