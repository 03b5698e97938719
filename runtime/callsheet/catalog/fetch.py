"""Fetch the list of actions and their schemas, conditionally."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from callsheet.backoff import is_fresh
from callsheet.catalog.snapshot import Catalogue
from callsheet.config.settings import join_url, origin_of
from callsheet.errors import CallsheetError, ServerError
from callsheet.flows.effects import Flow, Gather, HttpReply, Send
from callsheet.flows.retry import (
    REDIRECTS,
    THROTTLED,
    TRANSIENT,
    Timing,
    action_path,
    follow_redirect,
    is_sendable,
    with_retries,
)
from callsheet.jsonio import salvage, strict_json
from callsheet.protocol.action_list import read_list
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.error_replies import error_for
from callsheet.protocol.paging import UNKNOWN_REQUEST, PageWalk
from callsheet.protocol.schema_document import has_dangling_reference, read_schema
from callsheet.protocol.vocabulary import INPUT_KEYS, OUTPUT_KEYS
from callsheet.text import one_line
from callsheet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.protocol.action_list import ListPage
    from callsheet.protocol.paging import NextPage
    from callsheet.protocol.schema_document import SchemaReading
    from callsheet.protocol.values import Overrides
    from callsheet.spec import Advertised


LIST = "/api/actions"
LARGEST_SCHEMA = 1024 * 1024
LARGEST_LISTS = 64 * 1024 * 1024
_ENTRY_TIMEOUT = 10.0
MOST_ACTIONS = 10_000
_RETRIED = (THROTTLED, *TRANSIENT, *REDIRECTS)
_SCHEMA_KEYS = frozenset({*INPUT_KEYS, *OUTPUT_KEYS})
_VALIDATOR = re.compile("[ -~]{1,1024}")
_DAMAGED = "parts of the list repeat a key or are no valid JSON; what stood there is left out"


def fetch(
    host: str,
    overrides: Overrides,
    timing: Timing,
    cached: Catalogue | None,
    *,
    every: bool = False,
) -> Flow[Catalogue]:
    """Fetch the list and every schema that the list does not carry; return the new catalogue.

    ``cached`` makes the requests conditional. Where the list did not change its schemas are not
    asked for either, unless ``every`` is given. Raises the error that a refused or unreadable list
    stands for; a schema that cannot be had adds a note, and is asked for again next time.
    """
    mark = read_as(overrides)
    cached = cached if cached is not None and cached.read_as == mark else None
    conditions = {} if every else _conditional_headers(cached, LIST)
    reply = yield from ask_for_list(timing, conditions)
    if reply.status == 304 and cached is not None:
        return cached._replace(fetched=timing.wall(), requests=1)
    listing = yield from _read_pages(reply, host, overrides, timing)
    schemas = _Schemas(overrides, timing, cached)
    actions = yield from schemas.complete(listing.entries)
    if listing.sent == 1 and not schemas.missed:
        _store_validators(schemas.tags, LIST, reply)
    now = timing.wall()
    return Catalogue(
        host,
        fetched=now,
        actions=actions,
        tags=schemas.tags,
        notes=(*listing.notes, *schemas.notes),
        requests=listing.sent + schemas.sent,
        server=reply.headers.get("server", "")[:80],
        apart=tuple(schemas.apart),
        whole=now,
        read_as=mark,
        missing=listing.missing,
        stated=schemas.stated,
    )


def ask_for_list(timing: Timing, conditions: Mapping[str, str] = {}) -> Flow[HttpReply]:
    """Ask for the first page of the list; raises as ``with_retries`` does."""
    return with_retries(_get_request(LIST, conditions, timing), timing)


def _get_request(path: str, conditions: Mapping[str, str], timing: Timing) -> Send:
    return Send("GET", path, None, conditions, within=timing.limits.request)


def read_as(overrides: Overrides) -> str:
    """Return a mark of version and overrides: with others a reply may be read differently."""
    return f"{__version__} {overrides}"


class EntryUpdate(NamedTuple):
    """What a host answered about one action; ``entry`` is None where it is listed no longer.

    ``confirmed`` is since when that holds, ``fetched`` when the list proved unchanged, if it did.
    ``tags`` and ``stated`` are the validators and marks of its schema. ``listing`` is the list, if
    it was read, as a partial catalogue.
    """

    action_id: str
    entry: Advertised | None
    confirmed: float
    fetched: float | None = None
    tags: Mapping[str, dict[str, str]] = {}
    stated: Mapping[str, Any] = {}
    listing: Catalogue | None = None


def fetch_entry(
    host: str,
    overrides: Overrides,
    timing: Timing,
    cached: Catalogue | None,
    action_id: str,
    *,
    is_list_enough: bool = False,
) -> Flow[EntryUpdate]:
    """Fetch the entry and schema of one action.

    Asks for the list and one schema within ten seconds each and without retries (but for further
    pages), on condition that they changed unless another reader stored ``cached``. With
    ``is_list_enough`` a cached list that is not older than an hour is not asked about: its marks
    are then as old as it is. Raises the error that a refusal or unreadable list stands for.
    """
    mark, now = read_as(overrides), timing.wall()
    if cached is not None and cached.read_as != mark:
        cached = None if cached.partial else cached._replace(tags={})
        is_list_enough = False
    asking = _EntryQuestion(host, overrides, timing, cached, action_id)
    if cached is not None and is_list_enough and is_fresh(cached.fetched, now):
        update = yield from asking.ask_schema(cached, cached.fetched)
        if update is not None:
            return update
    conditions = _conditional_headers(cached, LIST)
    reply = yield from asking.ask_list(conditions)
    if reply.status == 304 and cached is not None:
        update = yield from asking.ask_schema(cached, now)
        if update is not None:
            return update._replace(fetched=now)
        reply = yield from asking.ask_list({})
    return (yield from asking.read(reply, now))


class _EntryQuestion:
    """The requests about one action; ``cached`` is the catalogue in which it may stand."""

    def __init__(
        self,
        host: str,
        overrides: Overrides,
        timing: Timing,
        cached: Catalogue | None,
        action_id: str,
    ) -> None:
        self.host, self.overrides, self.timing, self.action_id = host, overrides, timing, action_id
        self.schemas = _Schemas(overrides, timing, cached)

    def ask_list(self, conditions: Mapping[str, str]) -> Flow[HttpReply]:
        """Ask for the first page of the list, once."""
        return follow_redirect(Send("GET", LIST, None, conditions, within=_ENTRY_TIMEOUT))

    def ask_schema(self, cached: Catalogue, at: float) -> Flow[EntryUpdate | None]:
        """Ask for the schema of an action that the list has; the list was confirmed ``at``.

        ``None`` where the list has to be read: it holds the schema, and that was not read of it.
        """
        listed = _without_schema_marks(cached, self.action_id)
        if listed is not None and is_sendable(self.action_id):
            listed = yield from self.schemas.ask(listed, self.host)
        is_unread = cached.partial and listed is not None and listed.input is None
        return None if is_unread else self._update(listed, at)

    def read(self, reply: HttpReply, now: float) -> Flow[EntryUpdate]:
        """Read the list, and ask for the schema where the list lacks that."""
        listing = yield from _read_pages(
            reply, self.host, self.overrides, self.timing, only=self.action_id
        )
        entry = next((entry for entry in listing.entries if entry.id == self.action_id), None)
        if entry is not None and _lacks_schema(entry) and is_sendable(self.action_id):
            entry = yield from self.schemas.ask(entry, self.host)
        update = self._update(entry, now)
        tags = dict(update.tags)
        if listing.sent == 1:
            _store_validators(tags, LIST, reply)
        others = (other for other in listing.entries if other.id != self.action_id)
        # The validator of a whole list stays the old one: the other schemas were not asked for.
        return update._replace(
            listing=Catalogue(
                self.host,
                fetched=now,
                actions=(*others, *([entry] if entry is not None else [])),
                tags=tags,
                server=reply.headers.get("server", "")[:80],
                apart=tuple(other.id for other in listing.entries),
                read_as=read_as(self.overrides),
                missing=listing.missing,
                stated=self.schemas.stated,
                confirmed={self.action_id: now},
                partial=True,
            )
        )

    def _update(self, entry: Advertised | None, at: float) -> EntryUpdate:
        stated = self.schemas.stated.get(self.action_id, {})
        return EntryUpdate(self.action_id, entry, at, tags=self.schemas.tags, stated=stated)


def _without_schema_marks(cached: Catalogue, action_id: str) -> Advertised | None:
    """Return a cached action without the marks that its schema document stated; None if unknown."""
    action, stated = cached.get(action_id), cached.stated.get(action_id, {})
    if action is None or not stated:
        return action
    own = {name: mark for name, mark in action.hints.items() if stated.get(name) != mark}
    return action._replace(hints=own)


class _Listing(NamedTuple):
    """The list as read to its end; ``missing`` says why it is not whole, where it is not."""

    entries: list[Advertised]
    notes: list[str]
    sent: int
    missing: str


def _read_pages(
    reply: HttpReply, host: str, overrides: Overrides, timing: Timing, *, only: str | None = None
) -> Flow[_Listing]:
    """Read the list to its end, from its first page ``reply``; cut it at the limits.

    ``only`` is the id of the one action whose schemas are read. Raises the error that a reply
    stands for that is not a page.
    """
    entries: list[Advertised] = []
    notes: list[str] = []
    walk, sent, size = PageWalk(), 1, 0
    end = timing.clock() + timing.limits.call
    while True:
        request = walk.next
        page = (
            _read_page(reply, host, overrides, only)
            if request is None
            else _read_later_page(reply, host, overrides, only)
        )
        if page is None:
            walk.refuse()
        else:
            size += len(reply.body)
            new = walk.take(page.evidence, [entry.id for entry in page.entries])
            entries += [page.entries[index] for index in new]
            notes += page.notes if new else ()
        is_too_long = len(entries) > MOST_ACTIONS or size > LARGEST_LISTS
        is_full = len(entries) == MOST_ACTIONS or timing.clock() > end
        if is_too_long or (is_full and walk.next is not None):
            walk.cut(min(len(entries), MOST_ACTIONS))
        if walk.next is None:
            return _Listing(entries[:MOST_ACTIONS], notes, sent, walk.missing)
        send = _next_request(walk.next, reply, host)._replace(within=timing.limits.request)
        reply = yield from with_retries(send, timing)
        sent += 1


def _read_later_page(
    reply: HttpReply, host: str, overrides: Overrides, only: str | None
) -> ListPage | None:
    """Read a page after the first; ``None`` where the reply is not one, or refuses the request.

    Raises the error of any other refusal.
    """
    if reply.status in UNKNOWN_REQUEST:
        return None
    try:
        return _read_page(reply, host, overrides, only)
    except ServerError:
        if 200 <= reply.status < 300:
            return None
        raise


def _next_request(following: NextPage, reply: HttpReply, host: str) -> Send:
    """Return the request for the next page; ``ServerError`` where it leaves the host's origin."""
    if not following.url:
        return Send("GET", f"{LIST}?{urlencode(following.fields)}")
    url = join_url(reply.url, following.url)
    if origin_of(url) != origin_of(host):
        raise ServerError(
            f"the list of {host} goes on at {one_line(origin_of(url) or following.url)}; "
            "nothing was asked there"
        )
    return Send("GET", LIST, url=url)


def _read_page(reply: HttpReply, host: str, overrides: Overrides, only: str | None) -> ListPage:
    """Read one page of the list, with a note where damaged parts were left out.

    Raises the error that any other reply stands for.
    """
    is_json_reply = 200 <= reply.status < 300 and is_json(reply)
    document = strict_json(reply.body) if is_json_reply else None
    is_damaged = is_json_reply and document is None
    if is_damaged:
        document = salvage(reply.body, _SCHEMA_KEYS)
    page = (
        read_list(document, overrides, headers=reply.headers, only=only)
        if document is not None
        else None
    )
    if is_damaged and page is not None and not page.entries:
        page = None
    if page is not None and page.recognised and page.refusal is None:
        return replace(page, notes=(*page.notes, _DAMAGED)) if is_damaged else page
    if page is None and is_json_reply and reply.body.lstrip()[:1] in {b"{", b"["}:
        raise ServerError(f"the list of {host} is JSON that repeats a key or holds no valid text")
    if page is not None and page.refusal is None:
        first = page.notes[0] if page.evidence.count else ""
        raise ServerError(
            f"{host} answered, but no list of actions was found in the answer"
            + (f": {first}" if first else ""),
            hint="see: probe",
        )
    raise error_for(
        reply.status, reply.headers, reply.body, action="the list", host=host, overrides=overrides
    )


def is_json(reply: HttpReply) -> bool:
    """Tell whether a reply may be JSON by its ``Content-Type``, also by a missing or vague one."""
    content_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_untyped = content_type in {"", "text/plain", "text/json", "application/octet-stream"}
    return is_untyped or content_type == "application/json" or content_type.endswith("+json")


class _Schemas:
    """Asks for the schemas that a list does not carry, all at once, then again for what failed.

    Collects validators (``tags``), ``notes``, the ids asked for (``apart``), marks of schema
    documents (``stated``), the number of requests (``sent``) and whether one failed (``missed``).
    """

    def __init__(self, overrides: Overrides, timing: Timing, cached: Catalogue | None) -> None:
        self.overrides, self.timing, self.cached = overrides, timing, cached
        self.tags: dict[str, dict[str, str]] = {}
        self.notes: list[str] = []
        self.apart: list[str] = []
        self.stated: dict[str, Mapping[str, Any]] = {}
        self.sent = 0
        self.missed = False

    def complete(self, entries: list[Advertised]) -> Flow[tuple[Advertised, ...]]:
        """Return the actions of a list with their schemas; add a note where one cannot be had."""
        missing = [entry.id for entry in entries if _lacks_schema(entry) and is_sendable(entry.id)]
        if missing and self.cached is not None:
            self.cached = self.cached.in_memory(missing)
        replies: tuple[HttpReply | Exception, ...] = ()
        if missing:
            requests = tuple(self._request(name) for name in missing)
            replies = yield Gather(requests, self.timing.limits.call)
        answers = dict(zip(missing, replies, strict=True))
        self.sent, self.apart = len(missing), missing
        actions = []
        for entry in entries:
            action, reason = entry, ""
            if entry.id in answers:
                reply = yield from self._retry(entry.id, answers[entry.id])
                action, reason = self.with_schema(action, reply)
                reason = reason if action.input is None else ""
            elif entry.input is None:
                reason = "such an id cannot be asked for"
            actions.append(action)
            if reason:
                self.notes.append(f"{one_line(action.id)}: {reason}")
        return tuple(actions)

    def _request(self, action_id: str) -> Send:
        path = action_path(action_id, "/schema")
        request = _get_request(path, _conditional_headers(self.cached, path), self.timing)
        return request._replace(shares_connection=True)

    def ask(self, entry: Advertised, host: str) -> Flow[Advertised]:
        """Return one entry with its schema, asked for once; raise the error of a temporary failure.

        Without a schema where the reply has none.
        """
        reply = yield from follow_redirect(self._request(entry.id)._replace(within=_ENTRY_TIMEOUT))
        if reply.status in _RETRIED:
            raise error_for(reply.status, reply.headers, reply.body, action=entry.id, host=host)
        return self.with_schema(entry, reply)[0]

    def _retry(self, action_id: str, reply: HttpReply | Exception) -> Flow[HttpReply | Exception]:
        """Return the reply, or that of retries after a temporary failure or a redirect.

        A ``CallsheetError`` of the retries is returned.
        """
        if not isinstance(reply, Exception) and reply.status not in _RETRIED:
            return reply
        try:
            self.sent += 1
            return (yield from with_retries(self._request(action_id), self.timing))
        except CallsheetError as error:
            return error

    def with_schema(
        self, action: Advertised, reply: HttpReply | Exception
    ) -> tuple[Advertised, str]:
        """Return the action with the schema of ``reply``, and "" or why there is none.

        Stores the validators and marks of the reply; sets ``missed`` for a temporary failure.
        """
        path = action_path(action.id, "/schema")
        before = self.cached.get(action.id) if self.cached is not None else None
        if isinstance(reply, Exception) or reply.status in _RETRIED:
            self.missed = True
            reason = reply if isinstance(reply, Exception) else f"HTTP {reply.status}"
            return action, f"the schema could not be fetched: {one_line(str(reason))}"
        if reply.status == 304 and before is not None and self.cached is not None:
            self.tags[path] = dict(self.cached.tags.get(path, {}))
            return self._merge(action, before, self.cached.stated.get(action.id, {})), ""
        small = len(reply.body) <= LARGEST_SCHEMA
        is_readable = small and is_json(reply)
        document = strict_json(reply.body) if is_readable else None
        if document is None and is_readable:
            document = salvage(reply.body, _SCHEMA_KEYS, level="entry")
        is_schema = 200 <= reply.status < 300 and document is not None
        if not is_schema or open_envelope(document, self.overrides).refusal is not None:
            return action, f"the schema could not be read (HTTP {reply.status})"
        _store_validators(self.tags, path, reply)
        reading = read_schema(document, self.overrides)
        if reading.input is None:
            return action, "; ".join(reading.notes) or "the answer is not a JSON Schema"
        return self._merge(action, reading, reading.marks), ""

    def _merge(
        self, action: Advertised, document: SchemaReading | Advertised, marks: Mapping[str, Any]
    ) -> Advertised:
        """Return the action with what a schema document says; what the list says wins.

        Stores ``marks`` in ``stated``.
        """
        if marks:
            self.stated[action.id] = marks
        return action._replace(
            title=action.title or document.title,
            description=action.description or document.description,
            input=document.input,
            output=document.output,
            hints={**marks, **action.hints},
        )


def _lacks_schema(entry: Advertised) -> bool:
    """Tell whether the list does not hold the whole schema of an input.

    ``{}`` is a placeholder in most lists.
    """
    return entry.input is None or entry.input == {} or has_dangling_reference(entry.input)


def _conditional_headers(cached: Catalogue | None, path: str) -> dict[str, str]:
    """Return the conditional headers for a cached path; empty without validators."""
    tags = cached.tags.get(path, {}) if cached is not None else {}
    names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    return {names[tag]: validator for tag, validator in tags.items()}


def _store_validators(tags: dict[str, dict[str, str]], path: str, reply: HttpReply) -> None:
    """Enter the validators of a reply in ``tags``, in place, where there are usable ones."""
    headers = {name: reply.headers.get(name, "") for name in ("etag", "last-modified")}
    validators = {
        name: validator for name, validator in headers.items() if _VALIDATOR.fullmatch(validator)
    }
    if validators:
        tags[path] = validators
