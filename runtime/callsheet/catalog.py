"""The live catalogue of a host: fetched through one gate, kept on disk, asked for again cheaply."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urljoin

from callsheet.errors import ServerError
from callsheet.flows import Flow, Gather, Reply, Send, Timing, action_path, retried
from callsheet.protocol import error_for, open_envelope, read_list, read_schema
from callsheet.settings import origin_of
from callsheet.spec import Advertised
from callsheet.text import one_line

if TYPE_CHECKING:
    from callsheet.protocol import Entry, Next, Overrides

LIST = "/api/actions"
LARGEST_LIST = 5 * 1024 * 1024
LARGEST_SCHEMA = 1024 * 1024
MOST_PAGES = 100
FIELDS = ("id", "title", "description", "input", "output", "marks")


class Catalogue(NamedTuple):
    """What a host advertised when it was last asked.

    ``fetched`` is a time of day; ``tags`` holds the validators for conditional requests, by
    path; ``notes`` says what was not understood. ``requests`` counts what the fetch sent.
    """

    host: str
    fetched: float
    actions: tuple[Advertised, ...]
    tags: dict[str, dict[str, str]]
    notes: tuple[str, ...] = ()
    requests: int = 0

    def get(self, action_id: str) -> Advertised | None:
        """The action with this id, if it is advertised."""
        return next((a for a in self.actions if a.id == action_id), None)


def fetch(
    host: str, overrides: Overrides, timing: Timing, known: Catalogue | None
) -> Flow[Catalogue]:
    """Ask for the list and for every schema that the list does not carry.

    Raises what the list's answer stands for; a schema that cannot be had leaves its action
    without one and adds a note.
    """
    tags: dict[str, dict[str, str]] = {}
    reply = yield from retried(Send("GET", LIST, None, _conditions(known, LIST)), timing)
    if reply.status == 304 and known is not None:
        return known._replace(fetched=timing.wall(), requests=1)
    _remember(tags, LIST, reply)
    entries, notes, sent = yield from _pages(reply, host, overrides, timing)
    if sent > 1:
        tags.pop(LIST, None)
    wanted = [entry.id for entry in entries if not entry.has_schema]
    replies = yield Gather(tuple(_schema_request(name, known) for name in wanted))
    answers = dict(zip(wanted, replies, strict=True))
    actions: list[Advertised] = []
    for entry in entries:
        if entry.has_schema:
            actions.append(_advertised(entry))
            continue
        action, why = _with_schema(_advertised(entry), answers[entry.id], overrides, known, tags)
        actions.append(action)
        if why:
            notes.append(f"{action.id}: {why}")
    return Catalogue(host, timing.wall(), tuple(actions), tags, tuple(notes), sent + len(wanted))


def _pages(
    reply: Reply, host: str, overrides: Overrides, timing: Timing
) -> Flow[tuple[list[Entry], list[str], int]]:
    """Read the list to its end; a page that brings nothing new ends it."""
    entries: list[Entry] = []
    notes: list[str] = []
    seen: set[str] = set()
    for sent in range(1, MOST_PAGES + 1):
        page = read_list(_list_json(reply, host), overrides, headers=reply.headers)
        fresh = [entry for entry in page.entries if entry.id not in seen]
        seen.update(entry.id for entry in fresh)
        entries += fresh
        notes += page.notes
        if page.next is None or not fresh:
            return entries, notes, sent
        reply = yield from retried(_page(page.next, reply, host), timing)
    return entries, [*notes, f"the list has more than {MOST_PAGES} pages"], MOST_PAGES


def _page(following: Next, reply: Reply, host: str) -> Send:
    """The request for a further page; its link must stay inside the host's origin."""
    if not following.url:
        return Send("GET", f"{LIST}?{urlencode(following.query)}")
    url = urljoin(reply.url, following.url)
    if origin_of(url) != origin_of(host):
        raise ServerError(
            f"the list of {host} goes on at {one_line(origin_of(url) or following.url)}; "
            "nothing was asked there"
        )
    return Send("GET", LIST, url=url)


def _list_json(reply: Reply, host: str) -> Any:
    data = None
    if 200 <= reply.status < 300 and len(reply.body) <= LARGEST_LIST:
        data = strict_json(reply.body)
    if data is None or open_envelope(data).refusal is not None:
        if 200 <= reply.status < 300 and len(reply.body) > LARGEST_LIST:
            raise ServerError(f"the list of {host} is larger than 5 MB")
        raise error_for(reply.status, reply.headers, reply.body, action="", host=host)
    return data


def _schema_request(action_id: str, known: Catalogue | None) -> Send:
    path = action_path(action_id, "/schema")
    return Send("GET", path, None, _conditions(known, path))


def _with_schema(
    action: Advertised,
    reply: Reply | Exception,
    overrides: Overrides,
    known: Catalogue | None,
    tags: dict[str, dict[str, str]],
) -> tuple[Advertised, str]:
    """The action with what its schema document says, and why not where it says nothing."""
    if isinstance(reply, Exception):
        return action, f"the schema could not be fetched: {reply}"
    path = action_path(action.id, "/schema")
    before = known.get(action.id) if known is not None else None
    if reply.status == 304 and before is not None and known is not None:
        tags[path] = known.tags.get(path, {})
        return before, ""
    data = strict_json(reply.body) if len(reply.body) <= LARGEST_SCHEMA else None
    if not 200 <= reply.status < 300 or data is None or open_envelope(data).refusal is not None:
        return action, f"the schema could not be read (HTTP {reply.status})"
    _remember(tags, path, reply)
    reading = read_schema(data, overrides)
    if reading.input is None:
        return action, "; ".join(reading.notes) or "what was served is no JSON Schema"
    return replace(
        action,
        title=action.title or reading.title,
        description=action.description or reading.description,
        input=reading.input,
        output=reading.output,
        marks={**reading.marks, **action.marks},
    ), ""


def strict_json(body: bytes) -> Any:
    """JSON without repeated keys, NaN or lone surrogates; ``None`` for anything else."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(items)
        if len(table) != len(items):
            raise ValueError("a key is repeated")
        return table

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    try:
        data = json.loads(body, object_pairs_hook=pairs, parse_constant=refuse)
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return data


def _conditions(known: Catalogue | None, path: str) -> dict[str, str]:
    tags = known.tags.get(path, {}) if known is not None else {}
    names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    return {names[tag]: value for tag, value in tags.items()}


def _remember(tags: dict[str, dict[str, str]], path: str, reply: Reply) -> None:
    found = {n: reply.headers[n] for n in ("etag", "last-modified") if n in reply.headers}
    if found:
        tags[path] = found


def _advertised(entry: Entry) -> Advertised:
    return Advertised(**{name: getattr(entry, name) for name in FIELDS})


class CatalogueCache:
    """The last catalogue of each host, one file a host; a damaged file counts as none."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, host: str) -> str:
        """The file for a host."""
        name = re.sub(r"[^a-z0-9.-]+", "_", host.partition("://")[2].lower())[:60]
        mark = hashlib.sha256(host.encode()).hexdigest()[:12]
        return os.path.join(self.folder, f"{name}-{mark}.json")

    def load(self, host: str) -> Catalogue | None:
        """What was last fetched from the host, if it was ever."""
        try:
            with open(self.path(host), encoding="utf-8") as file:
                data = json.load(file)
            actions = tuple(Advertised(**action) for action in data["actions"])
            return Catalogue(host, data["fetched"], actions, data["tags"], tuple(data["notes"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def store(self, catalogue: Catalogue) -> None:
        """Replace the file of this host; a cache that cannot be written is no error."""
        data = {
            "fetched": catalogue.fetched,
            "tags": catalogue.tags,
            "notes": catalogue.notes,
            "actions": [{f: getattr(a, f) for f in FIELDS} for a in catalogue.actions],
        }
        path = self.path(catalogue.host)
        part = f"{path}.{os.getpid()}.part"
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            with open(part, "w", encoding="utf-8") as file:
                json.dump(data, file, ensure_ascii=False)
            os.replace(part, path)
        except OSError:
            return
