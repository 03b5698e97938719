"""Read a reply that is not JSON in memory: a medium, an event stream, text, or a poll link."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from callsheet.config.settings import join_url, origin_of
from callsheet.errors import Unreadable
from callsheet.magic import kinds_of_file
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.error_replies import is_refusal_text
from callsheet.protocol.event_stream import conclude, is_stream, read_events
from callsheet.protocol.media import Medium, is_link, kind_of_name
from callsheet.protocol.replies import ReplyFields
from callsheet.protocol.values import values_of
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from callsheet.flows.effects import HttpReply
    from callsheet.storage.kept_replies import SpooledBody


READABLE = 64 << 20
"""Bytes of a spooled text that are read into the memory."""
_RESULTS = (
    *("text/plain", "text/vtt", "text/srt", "text/markdown", "text/csv", "text/x-srt"),
    *("application/x-subrip", "application/srt", "application/vtt"),
)
_EMPTY = (201, 202, 204)


def read_unusual(
    reply: HttpReply, read: Callable[[Any], ReplyFields], *, joins_text: bool, makes_text: bool
) -> Any:
    """Return the JSON that stands for a reply that is not JSON; raise ``Unreadable``.

    A medium is described by its media type, size and path; a text that refuses stands for
    itself. ``read`` reads the fields of one event of a stream; ``joins_text`` says that the
    result of the action may be text, ``makes_text`` that it is.
    """
    file = reply.file
    if file is not None and file.is_medium:
        return file.describe()
    if file is None and not reply.body.strip():
        if reply.status in _EMPTY or poll_link(reply, None):
            return None
        raise Unreadable("the answer is empty")
    if file is not None and file.size > READABLE:
        raise Unreadable(f"the answer is over {READABLE >> 20} MiB")
    body = reply.body if file is None else b"".join(file.chunks())
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "event-stream" in kind or is_stream(body):
        events = read_events([body])
        answer = conclude(events, read, joins_text=joins_text, is_cut=reply.is_cut)
        if answer is None:
            how = "broke off" if reply.is_cut else "ended"
            raise Unreadable(f"the stream {how} without an answer")
        return answer
    text, is_result = body.decode("utf-8", "replace"), joins_text and kind in _RESULTS
    if is_refusal_text(text, by_kind=not (is_result and makes_text)):
        return text.strip()
    if is_result:
        return {"text": text}
    raise Unreadable(_describe(text))


def _describe(text: str) -> str:
    """Return the message that a text is not JSON, with its first 200 characters if readable."""
    if text.strip()[:1] == "<":
        return "the answer is an HTML page, not JSON"
    words = one_line(text, 200) if "\ufffd" not in text else ""
    return f"the answer is not JSON{': ' + words if words else ''}"


def medium_fields(file: SpooledBody, expected: frozenset[str]) -> ReplyFields:
    """Return the fields of a reply that is a medium; not as a result where its kind is another."""
    kinds = kinds_of_file(file.container, file.media_type)
    fits = not kinds or not expected or bool(kinds & expected)
    kind = next(iter(sorted(kinds & expected or kinds)), "")
    medium = Medium(file.link, kind, named=True)
    return ReplyFields(
        payload=file.describe(),
        state="done",
        media=(file.link,) if fits else (),
        candidates=(medium,),
    )


def with_poll_link(fields: ReplyFields, reply: HttpReply, data: Any) -> tuple[Any, ReplyFields]:
    """Return the JSON of a reply and its fields, with the id and the poll link of its job.

    An empty reply gets the JSON ``{"taskId": …, "pollUrl": …}``, or ``{"url": …}`` where the link
    is a finished medium. Only a link of the server's own origin is kept, as the last task id.
    """
    link = poll_link(reply, data)
    if not link:
        return data, fields
    kind = kind_of_name(link)
    if kind in {"video", "image", "audio", "file"} and data is None:
        medium = Medium(link, kind, named=True)
        done = fields._replace(media=(link,), candidates=(medium,), state="done")
        return {"url": link}, done
    is_own = origin_of(link) == origin_of(reply.url)
    task_ids = fields.task_ids or tuple(filter(None, (id_in_link(link),)))
    if is_own:
        task_ids = tuple(dict.fromkeys((*task_ids, link)))
    if data is None:
        data = {"taskId": next(iter(task_ids), None), "pollUrl": link}
    is_new = not fields.state and reply.status in _EMPTY
    return data, fields._replace(task_ids=task_ids, state="running" if is_new else fields.state)


def poll_link(reply: HttpReply, data: Any) -> str:
    """Return the absolute link to poll a job by, from a header or the body; ``""`` for none.

    Beside a body ``Location`` counts for 202 alone: of 201 it is the record that was created.
    """
    headers = dict(reply.headers)
    if data is not None and reply.status != 202:
        headers.pop("location", None)
    texts = [headers[name] for name in vocab.POLL_HEADERS if name in headers]
    keys = vocab.POLL_LINK_KEYS + (("self",) if reply.status == 202 else ())
    links = (join_url(reply.url, text) for text in (*texts, *_links_in(data, keys)))
    return next((link for link in links if origin_of(link)), "")


def result_link(reply: HttpReply, data: Any) -> str:
    """Return the same-origin link from a finished job to its result, or ``""``."""
    texts = [reply.headers[name] for name in ("location",) if name in reply.headers]
    if isinstance(data, dict):
        texts += [text for text in values_of(data, vocab.RESULT_LINK_KEYS) if isinstance(text, str)]
    links = (join_url(reply.url, text) for text in texts if is_link(text))
    return next((link for link in links if origin_of(link) == origin_of(reply.url)), "")


def _links_in(data: Any, keys: Iterable[str]) -> Iterator[str]:
    """Yield the links that a reply has under ``keys``, the outermost first."""
    tables = level = [data] if isinstance(data, dict) else []
    for _ in range(2):  # within an envelope, and there within the holder of links
        level = [
            table
            for top in level
            for key in (*vocab.POLL_LINK_HOLDERS, *vocab.CONTENT_KEYS)
            if isinstance(table := top.get(key), dict)
        ]
        tables = [*tables, *level]
    for table in tables:
        for key in keys:
            link = table.get(key)
            link = link.get("href") if isinstance(link, dict) else link
            if isinstance(link, str) and is_link(link):
                yield link


def id_in_link(link: str) -> str:
    """Return the job id in a link: of its query, else its last path segment; ``""`` for none."""
    parts = urlsplit(link)
    named = dict(parse_qsl(parts.query))
    by_name = next((named[name] for name in vocab.POLL_ID_PARAMS if named.get(name)), "")
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    while segments and segments[-1].lower() in vocab.LINK_TAILS:
        segments.pop()
    text = by_name or (segments[-1] if segments else "")
    return text if re.fullmatch(r"[\w.:~-]{1,200}", text) else ""


def is_poll_link(host: str, task_id: str) -> bool:
    """Tell whether the id of a job is a link of this host, to be asked by GET."""
    return "://" in task_id and origin_of(task_id) == origin_of(host)
