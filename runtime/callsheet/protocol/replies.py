"""Read the reply of an invocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.envelope import Envelope, open_envelope
from callsheet.protocol.media import Medium, find_media, select_media
from callsheet.protocol.overrides import NONE, Overrides, pick_first
from callsheet.protocol.request_marks import NO_MARKS, RequestMarks, texts_of
from callsheet.protocol.values import expand, is_link, number, values_of, word
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callsheet.protocol.error_replies import Refusal
    from callsheet.spec import Role


State = Literal["", "running", "done", "failed"]
_LONGEST_ID = 512
_LIST_DEPTH = 4


class ReplyFields(NamedTuple):
    """What one reply says.

    ``payload`` is the reply without its envelope, otherwise unchanged. ``task_ids`` are the
    candidates in the order in which to try them. ``state`` is one of three, ``raw_state`` the
    server's own word (made safe); ``progress`` is 0 to 1; ``poll_after`` is in seconds.
    ``media`` are the links of the action's own medium as they came, ``candidates`` all links
    that were considered. ``message`` is the server's, made safe. ``refusal`` is a no that came
    with a 2xx. ``is_recognised`` is false where neither a task nor a result was found.
    """

    payload: Any = None
    task_ids: tuple[str, ...] = ()
    state: State = ""
    raw_state: str = ""
    progress: float | None = None
    media: tuple[str, ...] = ()
    message: str = ""
    poll_after: float | None = None
    cost: float | None = None
    refusal: Refusal | None = None
    is_recognised: bool = True
    candidates: tuple[Medium, ...] = ()


def read_reply(
    data: Any,
    *,
    sent: Any = None,
    media: Sequence[str] = (),
    overrides: Overrides = NONE,
    role: Role = "",
    expected: frozenset[str] = frozenset(),
    marks: RequestMarks = NO_MARKS,
) -> ReplyFields:
    """Read a 2xx reply's JSON ``data``; ``sent`` is the body of the request.

    ``media`` names the reply's fields that hold media, the action's own medium first. ``role``
    is the action's in its family: without one (``""``) only a known running word makes a task,
    and any content is a result. ``expected`` are the kinds of medium that the action makes,
    ``marks`` what the request that created the job contained; neither that nor ``sent`` is a
    result. Never raises on any JSON value.
    """
    opened = open_envelope(data, overrides)
    if role == "query":
        opened = _narrowed(opened, frozenset(texts_of(sent)))
    if opened.refusal and not _is_about_job(opened, role, overrides):
        return _refused(opened, opened.refusal)
    marks = RequestMarks((*marks.digests, *RequestMarks.of(sent).digests))
    return _read_job(opened, media, overrides, role=role, expected=expected, marks=marks)


def _read_job(
    opened: Envelope,
    names: Sequence[str],
    overrides: Overrides,
    *,
    role: Role,
    expected: frozenset[str],
    marks: RequestMarks,
) -> ReplyFields:
    """Read what a reply that refuses nothing says of a job, or of a result."""
    views = _views(opened)
    tables = _tables(views)
    task_ids = _task_ids(tables, views, overrides, role)
    candidates = _media(views, names, overrides, marks)
    selected = select_media(candidates, expected)
    links = tuple(medium.link for medium in selected)
    state, said = _state(tables, views, overrides, role=role, has_id=bool(task_ids))
    if opened.status and said == opened.status and role in {"", "create"} and not links:
        state, said = "", ""  # the envelope's word about the request, not the task's
    if not state and role:
        state = _state_without_word(tables, selected, role, expected)
    elif not state and not said and _only_starts(opened.payload, tables, task_ids, links):
        state = "running"
    return ReplyFields(
        payload=opened.payload,
        task_ids=task_ids,
        state=state,
        raw_state=one_line(said, 200),
        progress=_progress(tables, running=state == "running"),
        media=links,
        message=_message(tables, state, overrides),
        poll_after=_poll_after(tables),
        cost=_first_number(tables, vocab.COST_KEYS),
        is_recognised=_is_recognised(opened, task_ids, state, links, role),
        candidates=candidates,
    )


def read_state(value: Any, overrides: Overrides = NONE) -> State:
    """A state's word as one of three; an unknown one is running, nothing is ``""``."""
    plain = word(value)
    if not plain:
        return ""
    for forced, state in ((overrides.failed, "failed"), (overrides.done, "done")):
        if plain in {word(item) for item in forced}:
            return "failed" if state == "failed" else "done"
    if plain in vocab.FAILED or plain in vocab.TIMED_OUT:
        return "failed"
    return "done" if plain in vocab.DONE else "running"


def _refused(opened: Envelope, refusal: Refusal) -> ReplyFields:
    """Return a refusal; a task that it names all the same is kept: it may have been charged."""
    tables = _tables(_views(opened))
    found = (_id(table[key]) for key in vocab.OWN_ID_KEYS for table in tables if key in table)
    return ReplyFields(
        payload=opened.payload,
        task_ids=tuple(dict.fromkeys(text for text in found if text)),
        message=refusal.message,
        refusal=refusal,
    )


def _state_without_word(
    tables: Sequence[dict[str, Any]],
    media: Sequence[Medium],
    role: Role,
    expected: frozenset[str],
) -> State:
    """Return the state of a job that gives no word for it: its result or its error tells.

    The answer to a create request is final only with a medium that is plainly the action's
    own: a ``result_url`` may be where to ask.
    """
    if media and (role != "create" or not expected or media[0].kind in expected or media[0].named):
        return "done"
    has_error = any(any(values_of(table, vocab.ERROR_KEYS)) for table in tables)
    return "failed" if has_error and role == "query" else ""


def _only_starts(
    payload: Any, tables: Sequence[dict[str, Any]], task_ids: Sequence[str], links: Sequence[str]
) -> bool:
    """Tell whether a reply says only that a job began: its id alone, or its place in a queue."""
    if any(number(value) is not None for value in _all(tables, vocab.QUEUE_KEYS)):
        return True
    if not task_ids or links or not isinstance(payload, dict):
        return False
    empty: tuple[Any, ...] = (None, "", [], {})
    names = {key for key, value in payload.items() if value not in empty}
    return names <= {*vocab.TASK_ID_KEYS, *vocab.BESIDE, *vocab.STATE_KEYS, *vocab.COST_KEYS}


def _is_about_job(opened: Envelope, role: Role, overrides: Overrides) -> bool:
    """Whether a no tells the state of the job that was asked about, not of the request."""
    kind = opened.refusal.kind if opened.refusal else ""
    if role not in {"query", "wait"} or kind:
        return False
    values = _all(_tables(_views(opened)), vocab.STATE_KEYS)
    return any(isinstance(value, str) and read_state(value, overrides) for value in values)


def _narrowed(opened: Envelope, ids: frozenset[str]) -> Envelope:
    """Return the reply without the other jobs, where it lists several and one has our id."""
    layers = tuple(_own_entries(layer, ids) for layer in opened.layers)
    return opened._replace(layers=layers, payload=_own_entries(opened.payload, ids))


def _own_entries(value: Any, ids: frozenset[str], depth: int = 0) -> Any:
    if depth >= _LIST_DEPTH:
        return value
    if isinstance(value, dict):
        return {key: _own_entries(item, ids, depth + 1) for key, item in value.items()}
    if not isinstance(value, list) or len(value) < 2:
        return value
    own = [item for item in value if isinstance(item, dict) and _has_id(item, ids)]
    return own if own else value


def _has_id(entry: dict[str, Any], ids: frozenset[str]) -> bool:
    return any(_id(entry[key]) in ids for key in vocab.TASK_ID_KEYS if key in entry)


def _views(opened: Envelope) -> tuple[Any, ...]:
    """The payload first, then the envelopes from the inside out, strings of JSON read."""
    return tuple(expand(layer) for layer in reversed(opened.layers))


def _tables(views: Sequence[Any]) -> list[dict[str, Any]]:
    """The objects that may speak of the task: each view, then what is one holder down."""
    found: list[dict[str, Any]] = []
    for view in views:
        alone = view[0] if isinstance(view, list) and len(view) == 1 else view
        if isinstance(alone, dict):
            found += [alone, *_held(alone)]
    unique = {id(table): table for table in found}
    return list(unique.values())


def _all(tables: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[Any]:
    """What stands under these keys, table by table."""
    return [table[key] for table in tables for key in keys if key in table]


def _held(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for inner in values_of(table, vocab.TASK_HOLDERS):
        if isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        if isinstance(inner, dict):
            yield inner


def _task_ids(
    tables: Sequence[dict[str, Any]], views: tuple[Any, ...], overrides: Overrides, role: Role
) -> tuple[str, ...]:
    forced = pick_first(views[::-1], overrides.task_id)
    if forced:
        return tuple(dict.fromkeys(text for value in forced if (text := _id(value))))
    found = [_id(table[key]) for key in vocab.TASK_ID_KEYS for table in tables if key in table]
    bare = _id(views[0]) if role in {"create", "wait"} else ""
    if bare and not is_link(bare):
        found.append(bare)
    return tuple(dict.fromkeys(text for text in found if text))


def _id(value: Any) -> str:
    if isinstance(value, str):
        text = value.strip()
        plain = text.isprintable() and " " not in text
        return text if plain and len(text) <= _LONGEST_ID else ""
    is_whole = type(value) is int and 0 <= value < 10**40
    return str(value) if is_whole else ""


def _state(
    tables: Sequence[dict[str, Any]],
    views: tuple[Any, ...],
    overrides: Overrides,
    *,
    role: Role,
    has_id: bool,
) -> tuple[State, str]:
    """The state and its word; a known word anywhere goes before an unknown one."""
    forced = pick_first(views[::-1], overrides.state)
    given = forced or _all(tables, vocab.STATE_KEYS)
    texts = [str(value) for value in given if word(value) and (forced or isinstance(value, str))]
    known = vocab.STATES
    if overrides.done or overrides.failed:
        known = known.union(map(word, overrides.done), map(word, overrides.failed))
    said = next((text for text in texts if word(text) in known), texts[0] if texts else "")
    if not said:
        return _by_flag(tables), ""
    if word(said) in vocab.TIMED_OUT and role == "wait" and has_id:
        return "running", said
    if word(said) not in known and not (role or forced):
        return "", said
    return read_state(said, overrides), said


def _by_flag(tables: Sequence[dict[str, Any]]) -> State:
    """``{"done": true}`` in place of a word."""
    flags = _all(tables, ("done", "finished", "completed"))
    flag = next((value for value in flags if isinstance(value, bool)), None)
    return "" if flag is None else "done" if flag else "running"


def _progress(tables: Sequence[dict[str, Any]], *, running: bool) -> float | None:
    for value in _all(tables, vocab.PROGRESS_KEYS):
        if isinstance(value, dict):
            value = next(iter(values_of(value, vocab.PROGRESS_KEYS)), None)
        read = number(value)
        if read is not None:
            return _share(read, value, running=running)
    return None


def _share(read: float, value: Any, *, running: bool) -> float:
    """A share of 1: a ``%`` and what is above 1 are hundredths, and so is a running job's int 1."""
    marked = isinstance(value, str) and "%" in value
    hundredths = marked or read > 1 or (read == 1 and running and isinstance(value, int))
    return min(max(read / 100 if hundredths else read, 0.0), 1.0)


def _first_number(tables: Sequence[dict[str, Any]], keys: Sequence[str]) -> float | None:
    found = map(number, _all(tables, keys))
    return next((value for value in found if value is not None and value >= 0), None)


def _poll_after(tables: Sequence[dict[str, Any]]) -> float | None:
    millis = _first_number(tables, vocab.POLL_KEYS)
    return None if millis is None else millis / 1000.0


def _media(
    views: tuple[Any, ...], names: Sequence[str], overrides: Overrides, marks: RequestMarks
) -> tuple[Medium, ...]:
    if not overrides.media:
        return find_media(views, marks=marks, names=names)
    texts = [value.strip() for value in _forced_texts(views, overrides) if is_link(value)]
    links = dict.fromkeys(text for text in texts if not marks.contain(text))
    # The user chose the place: the kind of its links is not asked for.
    return tuple(Medium(link, named=True) for link in links)


def _forced_texts(views: tuple[Any, ...], overrides: Overrides) -> Iterator[str]:
    for value in pick_first(views[::-1], overrides.media):
        items = value if isinstance(value, list) else [value]
        yield from (item for item in items if isinstance(item, str))


def _message(tables: Sequence[dict[str, Any]], state: State, overrides: Overrides) -> str:
    """A failed job's reason; else the first plain message that says more than ok."""
    texts: Iterable[str]
    if state == "failed":
        from callsheet.protocol.error_replies import refusal_of

        texts = (refusal_of(table, 200, overrides).message for table in tables)
    else:
        texts = map(one_line, _all(tables, ("message", "msg")))
    found = (one_line(text, 1000) for text in texts)
    return next((text for text in found if word(text) not in vocab.OK_WORDS), "")


def _is_recognised(
    opened: Envelope, task_ids: tuple[str, ...], state: State, links: tuple[str, ...], role: Role
) -> bool:
    if links or state == "failed":
        return True
    if role == "query":
        return state != ""
    if role in {"create", "wait"}:
        return bool(task_ids)
    payload = opened.payload
    is_page = isinstance(payload, str) and payload.lstrip()[:1] == "<"
    return opened.is_ok or (payload not in (None, "", [], {}) and not is_page)
