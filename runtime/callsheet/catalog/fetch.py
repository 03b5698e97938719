"""Fetch the list of actions and their schemas, conditionally."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

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
from callsheet.protocol.schema_document import read_schema
from callsheet.protocol.vocabulary import INPUT_KEYS, OUTPUT_KEYS
from callsheet.text import one_line
from callsheet.version import __version__

if TYPE_CHECKING:
    from callsheet.protocol.action_list import ListPage, NextPage
    from callsheet.protocol.overrides import Overrides
    from callsheet.spec import Advertised


LIST = "/api/actions"
LARGEST_LIST = 5 * 1024 * 1024
LARGEST_SCHEMA = 1024 * 1024
MOST_PAGES = 100
GLANCE = 10.0
MOST_ACTIONS = 10_000
AGAIN = (THROTTLED, *TRANSIENT, *REDIRECTS)
_VALIDATOR = re.compile("[ -~]{1,1024}")
_SPOILT = "parts of the list repeat a key or are no valid JSON; what stood there is left out"


def fetch(
    host: str,
    overrides: Overrides,
    timing: Timing,
    known: Catalogue | None,
    *,
    every: bool = False,
) -> Flow[Catalogue]:
    """Ask for the list and for every schema that the list does not carry.

    What is ``known`` is asked for on condition that it changed. A list that did not speaks for
    its schemas too, unless ``every`` one is to be asked for. Raises what the list's answer
    stands for; a schema that cannot be had leaves its action without one and adds a note.
    """
    mark = read_as(overrides)
    known = known if known is not None and known.read_as == mark else None
    conditions = {} if every else _conditions(known, LIST)
    reply = yield from with_retries(Send("GET", LIST, None, conditions), timing)
    if reply.status == 304 and known is not None:
        return known._replace(fetched=timing.wall(), requests=1)
    server = reply.headers.get("server", "")[:80]
    entries, notes, sent = yield from _pages(reply, host, overrides, timing)
    asked = _Schemas(overrides, timing, known)
    actions = yield from asked.complete(entries)
    # What could not be had now is asked for again, also where the list has not changed.
    if sent == 1 and not asked.missed:
        _remember(asked.tags, LIST, reply)
    notes += asked.notes
    sent += asked.sent
    now, apart = timing.wall(), tuple(asked.apart)
    told = tuple(notes)
    return Catalogue(host, now, actions, asked.tags, told, sent, server, apart, now, mark)


def read_as(overrides: Overrides) -> str:
    """What a stored catalogue was read with: another reader may see something else in it."""
    return f"{__version__} {overrides}"


def glance(
    host: str, overrides: Overrides, timing: Timing, known: Catalogue, action_id: str
) -> Flow[Catalogue]:
    """What is known, brought up to date about one action: two small requests at most.

    Raises what an answer that is none stands for.
    """
    conditions = _conditions(known, LIST)
    reply = yield from follow_redirect(Send("GET", LIST, None, conditions, within=GLANCE))
    if reply.status == 304:
        listed = known.get(action_id)
        entry = None
    else:
        entries, _, _ = yield from _pages(reply, host, overrides, timing)
        entry = next((one for one in entries if one.id == action_id), None)
        listed = entry
    asked = _Schemas(overrides, timing, known)
    if listed is not None and (entry is None or entry.input is None) and is_sendable(action_id):
        path = action_path(action_id, "/schema")
        answer = yield from follow_redirect(
            Send("GET", path, None, _conditions(known, path), within=GLANCE)
        )
        listed, _ = asked.with_schema(listed, answer)
    others = tuple(one for one in known.actions if one.id != action_id)
    actions = (*others, listed) if listed is not None else others
    # The validator of the list stays the old one: the other schemas were not asked for.
    return known._replace(actions=actions, tags={**known.tags, **asked.tags})


def _pages(
    reply: HttpReply, host: str, overrides: Overrides, timing: Timing
) -> Flow[tuple[list[Advertised], list[str], int]]:
    """Read the list to its end; a page that brings nothing new ends it."""
    entries: list[Advertised] = []
    notes: list[str] = []
    seen: set[str] = set()
    for sent in range(1, MOST_PAGES + 1):
        page = _page_of(reply, host, overrides)
        fresh = list({entry.id: entry for entry in page.entries if entry.id not in seen}.values())
        seen.update(entry.id for entry in fresh)
        entries += fresh
        notes += page.notes
        if page.next is None or not fresh:
            return entries, notes, sent
        if sent == MOST_PAGES or len(entries) >= MOST_ACTIONS:
            break
        reply = yield from with_retries(_following(page.next, reply, host), timing)
    return entries, [*notes, f"the list is cut after {len(entries)} actions"], sent


def _following(following: NextPage, reply: HttpReply, host: str) -> Send:
    """The request for a further page; its link must stay inside the host's origin."""
    if not following.url:
        return Send("GET", f"{LIST}?{urlencode(following.query)}")
    url = join_url(reply.url, following.url)
    if origin_of(url) != origin_of(host):
        raise ServerError(
            f"the list of {host} goes on at {one_line(origin_of(url) or following.url)}; "
            "nothing was asked there"
        )
    return Send("GET", LIST, url=url)


def _page_of(reply: HttpReply, host: str, overrides: Overrides) -> ListPage:
    """One page of the list; raises the error that anything else stands for."""
    taken = 200 <= reply.status < 300 and is_json(reply)
    if taken and len(reply.body) > LARGEST_LIST:
        raise ServerError(f"the list of {host} is larger than 5 MB")
    data = strict_json(reply.body) if taken else None
    spoilt = taken and data is None
    if spoilt:
        data = salvage(reply.body, {*INPUT_KEYS, *OUTPUT_KEYS})
    page = read_list(data, overrides, headers=reply.headers) if data is not None else None
    if spoilt and page is not None and not page.entries:
        page = None
    if page is not None and page.recognised and page.refusal is None:
        return replace(page, notes=(*page.notes, _SPOILT)) if spoilt else page
    if page is None and taken and reply.body.lstrip()[:1] in {b"{", b"["}:
        raise ServerError(f"the list of {host} is JSON that repeats a key or holds no valid text")
    if page is not None and page.refusal is None:
        raise ServerError(
            f"{host} answered, and no list of actions was found in it", hint="see: probe"
        )
    raise error_for(
        reply.status, reply.headers, reply.body, action="the list", host=host, overrides=overrides
    )


def is_json(reply: HttpReply) -> bool:
    """Whether an answer may be JSON by its type; many servers name none, or plain text."""
    said = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    plain = said in {"", "text/plain", "text/json", "application/octet-stream"}
    return plain or said == "application/json" or said.endswith("+json")


class _Schemas:
    """Asks for the schemas that a list does not carry, all at once, then again for what failed."""

    def __init__(self, overrides: Overrides, timing: Timing, known: Catalogue | None) -> None:
        self.overrides, self.timing, self.known = overrides, timing, known
        self.tags: dict[str, dict[str, str]] = {}
        self.notes: list[str] = []
        self.apart: list[str] = []
        self.sent = 0
        self.missed = False

    def complete(self, entries: list[Advertised]) -> Flow[tuple[Advertised, ...]]:
        """The actions of a list with their schemas; ``notes`` says where one is not to be had."""
        wanted = [entry.id for entry in entries if entry.input is None and is_sendable(entry.id)]
        replies: tuple[HttpReply | Exception, ...] = ()
        if wanted:
            replies = yield Gather(tuple(self._request(name) for name in wanted))
        answers = dict(zip(wanted, replies, strict=True))
        self.sent, self.apart = len(wanted), wanted
        found = []
        for entry in entries:
            action, why = entry, ""
            if entry.id in answers:
                reply = yield from self._again(entry.id, answers[entry.id])
                action, why = self.with_schema(action, reply)
            elif entry.input is None:
                why = "such an id cannot be asked for"
            found.append(action)
            if why:
                self.notes.append(f"{one_line(action.id)}: {why}")
        return tuple(found)

    def _request(self, action_id: str) -> Send:
        path = action_path(action_id, "/schema")
        return Send("GET", path, None, _conditions(self.known, path))

    def _again(self, action_id: str, reply: HttpReply | Exception) -> Flow[HttpReply | Exception]:
        """The same answer, or a better one where it was a passing trouble or a redirect."""
        if not isinstance(reply, Exception) and reply.status not in AGAIN:
            return reply
        try:
            self.sent += 1
            return (yield from with_retries(self._request(action_id), self.timing))
        except CallsheetError as error:
            return error

    def with_schema(
        self, action: Advertised, reply: HttpReply | Exception
    ) -> tuple[Advertised, str]:
        """The action with what its schema document says, and why not where it says nothing."""
        path = action_path(action.id, "/schema")
        before = self.known.get(action.id) if self.known is not None else None
        if isinstance(reply, Exception) or reply.status in AGAIN:
            self.missed = True
            words = reply if isinstance(reply, Exception) else f"HTTP {reply.status}"
            return action, f"the schema could not be fetched: {one_line(str(words))}"
        if reply.status == 304 and before is not None and self.known is not None:
            self.tags[path] = self.known.tags.get(path, {})
            return before, ""
        small = len(reply.body) <= LARGEST_SCHEMA
        data = strict_json(reply.body) if small and is_json(reply) else None
        taken = 200 <= reply.status < 300 and data is not None
        if not taken or open_envelope(data, self.overrides).refusal is not None:
            return action, f"the schema could not be read (HTTP {reply.status})"
        _remember(self.tags, path, reply)
        reading = read_schema(data, self.overrides)
        if reading.input is None:
            return action, "; ".join(reading.notes) or "what was served is no JSON Schema"
        return action._replace(
            title=action.title or reading.title,
            description=action.description or reading.description,
            input=reading.input,
            output=reading.output,
            hints={**reading.marks, **action.hints},
        ), ""


def _conditions(known: Catalogue | None, path: str) -> dict[str, str]:
    tags = known.tags.get(path, {}) if known is not None else {}
    names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    return {names[tag]: value for tag, value in tags.items()}


def _remember(tags: dict[str, dict[str, str]], path: str, reply: HttpReply) -> None:
    said = {name: reply.headers.get(name, "") for name in ("etag", "last-modified")}
    found = {name: value for name, value in said.items() if _VALIDATOR.fullmatch(value)}
    if found:
        tags[path] = found
