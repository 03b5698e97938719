"""Read server-sent events and streams of JSON lines, and conclude what they answer."""

from __future__ import annotations

import base64
import binascii
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.magic import HEAD, TYPES, container_of
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.job_fields import names_progress, state_rank
from callsheet.protocol.job_state import OVER, read_state
from callsheet.protocol.media import is_link
from callsheet.protocol.values import values_of, word, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from callsheet.protocol.replies import ReplyFields

_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_DEPTH = 8


class Event(NamedTuple):
    """One event: its name (or ``""``), and its JSON, or its text where that is not JSON."""

    name: str
    data: Any

    @property
    def words(self) -> frozenset[str]:
        """Return the words of the event's name and of the type that its data names."""
        kinds = values_of(self.data, vocab.EVENT_TYPE_KEYS) if isinstance(self.data, dict) else []
        names = [self.name, *(kind for kind in kinds if isinstance(kind, str))]
        return frozenset(part for name in names for part in words(name))

    @property
    def is_end(self) -> bool:
        """Tell whether the event says that the job or the stream is over."""
        if self.words & vocab.END_WORDS:
            return True
        if not isinstance(self.data, dict):
            return False
        states = (state for key, state in self.data.items() if state_rank(key) is not None)
        is_over = any(isinstance(s, str) and read_state(s) in OVER for s in states)
        return is_over or self.data.get("done") is True


class EventStream:
    """Parser of a stream of events, fed with its bytes as they come.

    ``is_closed`` is true after the marker that ends a stream, ``is_over`` after an event which
    says that the job is over.
    """

    def __init__(self) -> None:
        self.is_closed = self.is_over = False
        self._pieces: list[bytes] = []
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes, *, is_last: bool = False) -> list[Event]:
        """Return the events that these bytes complete; keep the rest, unless they are the last."""
        self._pieces.append(chunk)
        if not is_last and b"\n" not in chunk and b"\r" not in chunk:
            return []
        lines = b"".join(self._pieces).splitlines(keepends=True)
        self._pieces.clear()
        if lines and not is_last and not lines[-1].endswith(b"\n"):
            self._pieces.append(lines.pop())  # a carriage return may be half of a line's end
        events = [event for line in lines for event in self._line(line)]
        if is_last:
            events += self._dispatch()
        return events

    def _line(self, line: bytes) -> list[Event]:
        text = line.decode("utf-8", "replace").rstrip("\r\n").lstrip("\ufeff\x1e")
        if not text:
            return self._dispatch()
        if text[0] in "{[" and not self._data:
            return self._event(self._name, text)
        field, _, content = text.partition(":")
        content = content.removeprefix(" ")
        if field == "event":
            self._name = content
        elif field == "data":
            self._data.append(content)
        return []

    def _dispatch(self) -> list[Event]:
        name, text = self._name, "\n".join(self._data)
        has_data = bool(self._data)
        self._name, self._data = "", []
        return self._event(name, text) if has_data or name else []

    def _event(self, name: str, text: str) -> list[Event]:
        if text.strip() in vocab.STREAM_ENDS:
            self.is_closed = True
            return []
        event = Event(name, _parse(text))
        self.is_closed = self.is_closed or word(name) in vocab.CLOSING_EVENTS
        self.is_over = self.is_over or event.is_end
        return [event]


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def read_events(chunks: Iterable[bytes]) -> list[Event]:
    """Return all events of a stream that has ended."""
    stream = EventStream()
    events = [event for chunk in chunks for event in stream.feed(chunk)]
    return events + stream.feed(b"", is_last=True)


def is_stream(head: bytes) -> bool:
    """Tell whether a body that is not JSON begins as a stream of events; ignore its media type."""
    line, _, rest = head.lstrip(b"\xef\xbb\xbf\x1e\r\n").partition(b"\n")
    if line.startswith(_FIELDS):
        return True
    if line.lstrip()[:1] != b"{" or not rest.strip():
        return False
    return isinstance(_parse(line.decode("utf-8", "replace")), dict)


def conclude(
    events: Sequence[Event],
    read: Callable[[Any], ReplyFields],
    *,
    joins_text: bool,
    is_cut: bool = False,
) -> Any:
    """Return the JSON that a stream comes to, or ``None`` for a stream without content.

    That is the last result or error; pieces of text and of sound are joined. ``read`` reads the
    fields of one event. An id that only an earlier event has is added. Of a stream that was cut
    off only a job counts that can be asked about: pieces are not all there.
    """
    content = [
        event
        for event in events
        if event.data not in (None, "", {}, []) and not event.words & vocab.HEARTBEAT_WORDS
    ]
    if not content:
        return None
    answer = _error(content, read)
    if answer is not None:
        named = _with_task_id(answer, content, read)
        return named if named is answer else {**named, "status": "failed"}
    answer = _joined_sound(content) if not is_cut else None
    if answer is None and joins_text and not is_cut:
        answer = _joined_text(content)
    if answer is None:
        answer = _last_result(content, read)
    if is_cut:
        answer = _with_task_id(answer, content, read)
        fields = read(answer)
        return answer if fields.task_ids and fields.state else None
    return _with_task_id(answer, content, read)


def _error(events: Sequence[Event], read: Callable[[Any], ReplyFields]) -> Any:
    """Return what an error event says, unless a result came after it."""
    for event in reversed(events):
        table = event.data if isinstance(event.data, dict) else {}
        if event.words & vocab.ERROR_EVENTS:
            has_key = any(values_of(table, vocab.ERROR_KEYS))
            return table if has_key else {"error": event.data}
        reason = table.get("reason")
        if (
            event.is_end and isinstance(reason, str) and read_state(reason) == "failed"
        ):  # "done", for the reason "error"
            return {"status": reason, **table}
        if table and read(table).media:
            return None
    return None


def _last_result(events: Sequence[Event], read: Callable[[Any], ReplyFields]) -> Any:
    """Return the last event that has a result; else the last state, the last object, the links."""
    links = [event.data for event in events if isinstance(event.data, str) and is_link(event.data)]
    tables = [event for event in events if isinstance(event.data, dict | list)]
    finals = [event for event in tables if not event.words & vocab.PARTIAL_WORDS]
    readings = [(event.data, read(event.data)) for event in reversed(finals)]
    for data, fields in readings:
        if fields.media and fields.state != "running":
            return data
    if links:
        return {"output": links}
    ends = [event.data for event in reversed(finals) if event.is_end and _has_content(event.data)]
    states = [data for data, fields in readings if fields.state or fields.refusal]
    last = [event.data for event in reversed(tables)]
    text = "".join(event.data for event in events if isinstance(event.data, str))
    return next(iter((*ends, *states, *last)), {"text": text})


def _has_content(data: Any) -> bool:
    if not isinstance(data, dict):
        return True
    return bool(set(data) - {*vocab.EVENT_TYPE_KEYS, *vocab.EVENT_BOOKKEEPING})


def _joined_text(events: Sequence[Event]) -> Any:
    """Return the last object with the joined ``text`` of all events, without its ``delta``.

    ``{"text": …}`` where no event is an object, ``None`` where none has text.
    """
    pieces = [piece for event in events if (piece := _piece_of_text(event))]
    if not pieces:
        return None
    tables = [event.data for event in events if isinstance(event.data, dict)]
    text = pieces[-1] if _is_growing(pieces) else "".join(pieces)
    last = tables[-1] if tables else {}
    return {**{key: field for key, field in last.items() if key != "delta"}, "text": text}


def _is_growing(pieces: Sequence[str]) -> bool:
    """Tell whether each piece repeats all of the text so far."""
    pairs = list(pairwise(pieces))
    if not pairs or (len(pairs) == 1 and len(pieces[0]) < 4):
        return False
    return all(len(later) > len(text) and later.startswith(text) for text, later in pairs)


def _piece_of_text(event: Event) -> str:
    if isinstance(event.data, str):
        return "" if is_link(event.data) else event.data
    if not isinstance(event.data, dict) or event.words & vocab.END_WORDS:
        return ""
    if any(state_rank(key) is not None or names_progress(key) for key in event.data):
        return ""
    return _text_in(event.data)


def _text_in(value: Any, depth: int = 0) -> str:
    """Return the text under the keys that pieces of text have, searched from the outside in."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and depth < _DEPTH:
        return "".join(_text_in(child, depth + 1) for child in value)
    if not isinstance(value, dict) or depth >= _DEPTH:
        return ""
    texts = (_text_in(child, depth + 1) for child in values_of(value, vocab.TEXT_PIECES))
    return next((text for text in texts if text), "")


def _joined_sound(events: Sequence[Event]) -> Any:
    """Return ``{"audio": data URI}`` of all pieces of sound together; ``None`` without pieces.

    A single piece of sound counts only where its event says that it is a piece.
    """
    pieces = [piece for event in events for piece in _pieces_of_sound(event)]
    is_split = any(event.words & vocab.PIECE_WORDS for event in events) or len(pieces) > 1
    if not pieces or not is_split:
        return None
    sound = b"".join(pieces)
    kind = TYPES.get(container_of(sound[:HEAD]), "audio/pcm").replace("video/", "audio/")
    return {"audio": f"data:{kind};base64,{base64.b64encode(sound).decode()}"}


def _pieces_of_sound(event: Event) -> Iterator[bytes]:
    if not isinstance(event.data, dict) or event.words & vocab.PARTIAL_WORDS:
        return
    is_piece = bool(event.words & vocab.PIECE_WORDS)
    is_sound = "audio" in event.words
    for key, text in event.data.items():
        names_sound = "audio" in words(key) or (
            is_piece and key in vocab.SOUND_PIECES and (is_sound or key != "delta")
        )
        if names_sound and isinstance(text, str) and not is_link(text):
            try:
                yield base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
            except (binascii.Error, ValueError):
                continue


def _with_task_id(answer: Any, events: Sequence[Event], read: Callable[[Any], ReplyFields]) -> Any:
    """Return ``answer`` with the ``taskId`` of an earlier event where it names no job itself."""
    if not isinstance(answer, dict) or read(answer).task_ids:
        return answer
    readings = (read(event.data) for event in events if isinstance(event.data, dict))
    task_id = next((fields.task_ids[0] for fields in readings if fields.task_ids), None)
    return answer if task_id is None else {"taskId": task_id, **answer}
