"""Read the reply of an invocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.envelope import Envelope, open_envelope
from callsheet.protocol.media import (
    NO_MARKS,
    Medium,
    RequestMarks,
    find_links,
    select_media,
    texts_of,
)
from callsheet.protocol.overrides import NONE, Overrides, pick_first
from callsheet.protocol.values import expand, is_link, number, values_of, word
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callsheet.protocol.error_replies import Refusal
    from callsheet.protocol.evidence import Candidate
    from callsheet.spec import Role


State = Literal["", "running", "done", "failed"]
_LONGEST_ID = 512
_LIST_DEPTH = 4


class ReplyFields(NamedTuple):
    """The fields of one reply.

    ``payload`` is the reply without its envelope, otherwise unchanged. ``task_ids`` are the
    candidates in the order in which to try them. ``state`` is one of three, ``raw_state`` the
    server's own word (made safe); ``progress`` is 0 to 1; ``poll_after`` is in seconds.
    ``media`` are the links of the action's own medium as they came, ``candidates`` all links
    that were considered. ``message`` is the server's, made safe. ``refusal`` is one that came
    with a 2xx. ``is_recognised`` is false where neither a task nor a result was found.
    ``evidence`` says why, where it was asked for.
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
    evidence: tuple[Candidate, ...] = ()


def read_reply(
    data: Any,
    *,
    sent: Any = None,
    media: Sequence[str] = (),
    overrides: Overrides = NONE,
    role: Role = "",
    expected: frozenset[str] = frozenset(),
    marks: RequestMarks = NO_MARKS,
    id_key: str = "",
) -> ReplyFields:
    """Read a 2xx reply's JSON ``data``; ``sent`` is the body of the request.

    ``media`` names the reply's fields that hold media, the action's own medium first. ``role``
    is the action's in its family: without one (``""``) only a known running word makes a task,
    and any content is a result. ``expected`` are the kinds of medium that the action makes,
    ``marks`` those of the request that created the job; no link of it or of ``sent`` is a
    result. ``id_key`` is the key under which the query action takes the job's id. Never raises
    for any JSON value.
    """
    envelope = open_envelope(data, overrides)
    if role == "query":
        envelope = _select_job(envelope, frozenset(texts_of(sent)))
    marks = RequestMarks((*marks.digests, *RequestMarks.of(sent).digests))
    if envelope.refusal and not _is_about_job(envelope, role, overrides, texts_of(sent)):
        refused = _refused(envelope, envelope.refusal)
        links = _media(_views(envelope), media, overrides, marks)
        return refused if envelope.refusal.is_sure else refused._replace(candidates=links)
    return _read_job(
        envelope, media, overrides, role=role, expected=expected, marks=marks, id_key=id_key
    )


def _read_job(
    envelope: Envelope,
    names: Sequence[str],
    overrides: Overrides,
    *,
    role: Role,
    expected: frozenset[str],
    marks: RequestMarks,
    id_key: str,
) -> ReplyFields:
    """Read a reply that is no refusal: what it tells of a job, or its result."""
    views = _views(envelope)
    tables = _tables(views)
    task_ids = _task_ids(tables, views, overrides, role, id_key)
    candidates = _media(views, names, overrides, marks)
    selected = select_media(candidates, expected)
    links = tuple(medium.link for medium in selected)
    state, raw_state = _state(tables, views, overrides, role=role, has_id=bool(task_ids))
    if envelope.status and raw_state == envelope.status and role in {"", "create"} and not links:
        state, raw_state = "", ""  # the status of the request, not of the task
    if not state and role:
        state = _state_without_word(tables, selected, role, expected)
    elif not state and (
        (expected and task_ids and not links)
        or (not raw_state and _only_starts(envelope.payload, tables, task_ids, links))
    ):
        state = "running"
    return ReplyFields(
        payload=envelope.payload,
        task_ids=task_ids,
        state=state,
        raw_state=one_line(raw_state, 200),
        progress=_progress(tables, running=state == "running"),
        media=links,
        message=_message(tables, state, overrides),
        poll_after=_poll_after(tables),
        cost=_first_number(tables, vocab.COST_KEYS),
        is_recognised=_is_recognised(envelope, task_ids, state, links, role),
        candidates=candidates,
    )


def read_state(value: Any, overrides: Overrides = NONE) -> State:
    """Read the word of a state; an unknown one is ``running``, no word is ``""``."""
    plain = word(value)
    if not plain:
        return ""
    for forced, state in ((overrides.failed, "failed"), (overrides.done, "done")):
        if plain in set(map(word, forced)):
            return "failed" if state == "failed" else "done"
    if plain in vocab.FAILED or plain in vocab.TIMED_OUT:
        return "failed"
    return "done" if plain in vocab.DONE else "running"


def knows_word(raw_state: str, overrides: Overrides = NONE) -> bool:
    """Tell whether the word of a state has a meaning; any other one counts as running.

    What is going on (``rendering``) is no end.
    """
    plain, forced = word(raw_state), map(word, (*overrides.done, *overrides.failed))
    return plain in {"", *vocab.STATES, *forced} or plain.endswith("ing")


def _refused(envelope: Envelope, refusal: Refusal) -> ReplyFields:
    """Return the fields of a refusal; a task that it names may have been charged, so it stays.

    Where the refusal is sure an ``id`` is that of the request.
    """
    tables = _tables(_views(envelope))
    is_sure = refusal.is_sure or any("jsonrpc" in table for table in tables)
    keys = vocab.OWN_ID_KEYS if is_sure else (*vocab.OWN_ID_KEYS, "id")
    ids = _ids_under(tables, keys)
    return ReplyFields(
        payload=envelope.payload,
        task_ids=tuple(
            text for text in ids if not text.lower().startswith(vocab.REQUEST_ID_STARTS)
        ),
        message=refusal.message,
        refusal=refusal,
    )


def _state_without_word(
    tables: Sequence[dict[str, Any]],
    media: Sequence[Medium],
    role: Role,
    expected: frozenset[str],
) -> State:
    """Infer the state of a job from its result or its error.

    The reply to a create request is final only with a medium that is certainly the action's
    own: a ``result_url`` may be an address to poll.
    """
    is_sure = any(medium.named or medium.kind in expected for medium in media[:1])
    if media and media[0].is_known and (role != "create" or not expected or is_sure):
        return "done"
    has_error = any(any(values_of(table, vocab.ERROR_KEYS)) for table in tables)
    return "failed" if has_error and role == "query" else ""


def _only_starts(
    payload: Any, tables: Sequence[dict[str, Any]], task_ids: Sequence[str], links: Sequence[str]
) -> bool:
    """Tell whether a reply reports only that a job began: its id alone, or its place in a queue."""
    if any(number(value) is not None for value in _all(tables, vocab.QUEUE_KEYS)):
        return True
    if not task_ids or links or not isinstance(payload, dict):
        return False
    empty: tuple[Any, ...] = (None, "", [], {})
    names = {word(key) for key, value in payload.items() if value not in empty}
    own = (*vocab.TASK_ID_KEYS, *vocab.STATE_KEYS, *vocab.COST_KEYS)
    return names <= {*map(word, own), *vocab.ENVELOPE_KEYS}


def _is_about_job(
    envelope: Envelope, role: Role, overrides: Overrides, sent: Iterable[str]
) -> bool:
    """Tell whether a refusal is the failure of the job that was queried, not of the request."""
    kind = envelope.refusal.kind if envelope.refusal else ""
    if role not in {"query", "wait"} or kind:
        return False
    tables = _tables(_views(envelope))
    is_named = role == "query" and set(_ids_under(tables, vocab.TASK_ID_KEYS)) & set(sent)
    if is_named and any(any(values_of(table, vocab.ERROR_KEYS)) for table in tables):
        return True
    values = _all(tables, vocab.STATE_KEYS)
    return any(isinstance(value, str) and read_state(value, overrides) for value in values)


def _select_job(envelope: Envelope, ids: frozenset[str]) -> Envelope:
    """Drop the other jobs of a reply that lists several, where one of them has our id."""
    layers = tuple(_own_entries(layer, ids) for layer in envelope.layers)
    return envelope._replace(layers=layers, payload=_own_entries(envelope.payload, ids))


def _own_entries(value: Any, ids: frozenset[str], depth: int = 0) -> Any:
    if depth >= _LIST_DEPTH:
        return value
    if isinstance(value, dict):
        return {key: _own_entries(child, ids, depth + 1) for key, child in value.items()}
    if not isinstance(value, list) or len(value) < 2:
        return value
    return [entry for entry in value if isinstance(entry, dict) and _has_id(entry, ids)] or value


def _has_id(entry: dict[str, Any], ids: frozenset[str]) -> bool:
    return any(_id(entry[key]) in ids for key in vocab.TASK_ID_KEYS if key in entry)


def _views(envelope: Envelope) -> tuple[Any, ...]:
    """Return the payload, then the envelopes from the inside out, with strings of JSON parsed."""
    return tuple(expand(layer) for layer in reversed(envelope.layers))


def _tables(views: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the objects that may describe the task: each view, then those one level below."""
    tables: list[dict[str, Any]] = []
    for view in views:
        alone = view[0] if isinstance(view, list) and len(view) == 1 else view
        if isinstance(alone, dict):
            tables += [alone, *_inner_tables(alone)]
    unique = {id(table): table for table in tables}
    return list(unique.values())


def _all(tables: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[Any]:
    """Return the values under these keys, table by table."""
    return [table[key] for table in tables for key in keys if key in table]


def _inner_tables(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for inner in values_of(table, vocab.TASK_HOLDERS):
        if isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        if isinstance(inner, dict):
            yield inner


def _task_ids(
    tables: Sequence[dict[str, Any]],
    views: tuple[Any, ...],
    overrides: Overrides,
    role: Role,
    id_key: str = "",
) -> tuple[str, ...]:
    forced = pick_first(views[::-1], overrides.task_id)
    if forced:
        return tuple(dict.fromkeys(text for value in forced if (text := _id(value))))
    bare = _id(views[0]) if role in {"create", "wait"} else ""
    ids = _ids_under(tables, (*filter(None, (id_key,)), *vocab.TASK_ID_KEYS))
    return tuple(dict.fromkeys((*ids, bare))) if bare and not is_link(bare) else ids


def _ids_under(tables: Sequence[dict[str, Any]], keys: Sequence[str]) -> tuple[str, ...]:
    """Return the ids under these keys, each once, in the order of the keys."""
    ids = (_id(table[key]) for key in keys for table in tables if key in table)
    return tuple(dict.fromkeys(text for text in ids if text))


def _id(value: Any) -> str:
    if isinstance(value, str):
        text = value.strip()
        is_plain = text.isprintable() and " " not in text
        return text if is_plain and len(text) <= _LONGEST_ID else ""
    is_number = type(value) is int and 0 <= value < 10**40
    return str(value) if is_number else ""


def _state(
    tables: Sequence[dict[str, Any]],
    views: tuple[Any, ...],
    overrides: Overrides,
    *,
    role: Role,
    has_id: bool,
) -> tuple[State, str]:
    """Return the state and its word; a recognised word anywhere goes before another one."""
    forced = pick_first(views[::-1], overrides.state)
    values = forced or _all(tables, vocab.STATE_KEYS)
    texts = [str(value) for value in values if word(value) and (forced or isinstance(value, str))]
    states = vocab.STATES
    if overrides.done or overrides.failed:
        states = states.union(map(word, overrides.done), map(word, overrides.failed))
    raw_state = next((text for text in texts if word(text) in states), texts[0] if texts else "")
    if not raw_state:
        return _by_flag(tables), ""
    if word(raw_state) in vocab.TIMED_OUT and role == "wait" and has_id:
        return "running", raw_state
    if word(raw_state) not in states and not (role or forced):
        return "", raw_state
    return read_state(raw_state, overrides), raw_state


def _by_flag(tables: Sequence[dict[str, Any]]) -> State:
    """Read ``{"done": true}`` in place of a word."""
    flags = _all(tables, ("done", "finished", "completed"))
    flag = next((value for value in flags if isinstance(value, bool)), None)
    return "" if flag is None else "done" if flag else "running"


def _progress(tables: Sequence[dict[str, Any]], *, running: bool) -> float | None:
    for value in _all(tables, vocab.PROGRESS_KEYS):
        if isinstance(value, dict):
            value = next(iter(values_of(value, vocab.PROGRESS_KEYS)), None)
        amount = number(value)
        if amount is not None:
            return _fraction(amount, value, running=running)
    return None


def _fraction(amount: float, raw: Any, *, running: bool) -> float:
    """Return a fraction of 1; a ``%``, a value above 1 and a running job's int 1 are percent."""
    has_sign = isinstance(raw, str) and "%" in raw
    is_percent = has_sign or amount > 1 or (amount == 1 and running and isinstance(raw, int))
    return min(max(amount / 100 if is_percent else amount, 0.0), 1.0)


def _first_number(tables: Sequence[dict[str, Any]], keys: Sequence[str]) -> float | None:
    numbers = map(number, _all(tables, keys))
    return next((amount for amount in numbers if amount is not None and amount >= 0), None)


def _poll_after(tables: Sequence[dict[str, Any]]) -> float | None:
    millis = _first_number(tables, vocab.POLL_KEYS)
    return None if millis is None else millis / 1000.0


def _media(
    views: tuple[Any, ...], names: Sequence[str], overrides: Overrides, marks: RequestMarks
) -> tuple[Medium, ...]:
    if not overrides.media:
        locations = find_links(views)
        if not locations:
            return ()
        from callsheet.protocol.result_links import rank_links

        return rank_links(locations, marks, names)
    texts = [text.strip() for text in _forced_texts(views, overrides) if is_link(text)]
    links = dict.fromkeys(text for text in texts if not marks.contain(text))
    # The user chose the path: the kind of its links does not matter.
    return tuple(Medium(link, named=True) for link in links)


def _forced_texts(views: tuple[Any, ...], overrides: Overrides) -> Iterator[str]:
    for match in pick_first(views[::-1], overrides.media):
        links = match if isinstance(match, list) else [match]
        yield from (link for link in links if isinstance(link, str))


def _message(tables: Sequence[dict[str, Any]], state: State, overrides: Overrides) -> str:
    """Return the reason of a failed job; else the first message that says more than ok."""
    texts: Iterable[str]
    if state == "failed":
        from callsheet.protocol.error_replies import refusal_of

        texts = (refusal_of(table, 200, overrides).message for table in tables)
    else:
        texts = map(one_line, _all(tables, ("message", "msg")))
    lines = (one_line(text, 1000) for text in texts)
    return next((line for line in lines if word(line) not in vocab.OK_WORDS), "")


def _is_recognised(
    envelope: Envelope, task_ids: tuple[str, ...], state: State, links: tuple[str, ...], role: Role
) -> bool:
    if links or state == "failed":
        return True
    if role == "query":
        return state != ""
    if role in {"create", "wait"}:
        return bool(task_ids)
    payload = envelope.payload
    is_page = isinstance(payload, str) and payload.lstrip()[:1] == "<"
    return envelope.is_ok or (payload not in (None, "", [], {}) and not is_page)
