"""Read the reply of an invocation: collect what may tell of a job, then decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import job_fields
from callsheet.protocol import job_words as jobs
from callsheet.protocol.envelope import Envelope, open_envelope
from callsheet.protocol.job_state import is_timeout, read_state, settle
from callsheet.protocol.media import (
    NO_MARKS,
    Medium,
    RequestMarks,
    find_links,
    is_link,
    links_at,
    select_media,
    texts_of,
)
from callsheet.protocol.values import NONE, Overrides, expand, pick_first, word
from callsheet.protocol.vocabulary import ENVELOPE_KEYS
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.protocol.error_replies import Refusal
    from callsheet.protocol.evidence import Candidate
    from callsheet.protocol.job_fields import JobParts
    from callsheet.protocol.job_state import Hit
    from callsheet.protocol.job_words import State
    from callsheet.spec import Role


class ReplyFields(NamedTuple):
    """The fields of one reply.

    ``payload`` is the reply without its envelope, otherwise unchanged. ``task_ids`` are the
    candidates in the order in which to try them. ``state`` is one of three, ``raw_state`` the
    server's own word (made safe); ``progress`` is 0 to 1; ``poll_after`` is in seconds.
    ``media`` are the links of the action's own medium as they came, ``candidates`` all links
    that were considered. ``message`` is the server's, made safe. ``refusal`` is one that came
    with a 2xx. ``is_recognised`` is false where neither a task nor a result was found.
    ``origin`` is what they were read from. ``queue`` is the place in a queue, from 1.
    """

    payload: Any = None
    task_ids: tuple[str, ...] = ()
    state: State = ""
    raw_state: str = ""
    has_new_word: bool = False
    progress: float | None = None
    media: tuple[str, ...] = ()
    message: str = ""
    poll_after: float | None = None
    cost: float | None = None
    refusal: Refusal | None = None
    is_recognised: bool = True
    candidates: tuple[Medium, ...] = ()
    origin: Origin | None = None
    queue: int | None = None

    @property
    def evidence(self) -> tuple[Candidate, ...]:
        """Return every value that was considered, with what spoke for it and against it."""
        return self.origin.explain(self) if self.origin else ()

    def why(self) -> tuple[str, ...]:
        """Return the evidence as lines that are safe to show."""
        from callsheet.protocol.evidence import evidence_lines

        return tuple(evidence_lines(self.evidence))


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
    meanings: Sequence[tuple[str, str]] = (),
) -> ReplyFields:
    """Read a 2xx reply's JSON ``data``; ``sent`` is the body of the request.

    ``media`` names the reply's fields that hold media, the action's own medium first. ``role``
    is the action's in its family: without one (``""``) only a known running word makes a task,
    and any content is a result. ``expected`` are the kinds of medium that the action makes,
    ``marks`` those of the request that created the job; no link of it or of ``sent`` is a
    result. ``id_key`` is the property by which a job is asked about; ``meanings`` are pairs of
    the number of a state and the state. Never raises for any JSON value.
    """
    asked = frozenset(texts_of(sent)) if role == "query" else frozenset()
    envelope = _open(data, overrides, asked)
    views = tuple(map(expand, reversed(envelope.layers)))
    parts = job_fields.collect(
        views[-1],
        asked,
        id_key=id_key,
        starts_job=role in {"create", "wait"},
        meanings={n: read_state(state) for n, state in meanings} | _meanings(overrides),
    )
    marks = RequestMarks((*marks.digests, *RequestMarks.of(sent).digests))
    links = _media(views, media, overrides, marks)
    if envelope.refusal and not _is_about_job(parts, envelope.refusal, role):
        fields = _refused(envelope, envelope.refusal, parts, links, frozenset(texts_of(sent)))
    else:
        fields = _Reader(envelope, views, parts, overrides, role, expected).read(links)
    return fields._replace(
        origin=Origin(parts, views[::-1], overrides, marks.digests, tuple(media))
    )


class Origin(NamedTuple):
    """What a reading was made from: the parts that tell of a job, the layers of the reply."""

    parts: JobParts
    layers: tuple[Any, ...]
    overrides: Overrides
    digests: frozenset[str]
    names: tuple[str, ...]

    def explain(self, fields: ReplyFields) -> tuple[Candidate, ...]:
        """Collect what was considered for the fields that were decided on."""
        from callsheet.protocol.evidence import Decision, Source, gather

        marks = RequestMarks(self.digests)
        decision = Decision(
            task_id=next(iter(fields.task_ids), ""),
            state=fields.state,
            raw_state=fields.raw_state,
            media=frozenset(fields.media),
            is_refused=fields.refusal is not None,
        )
        return gather(Source(self.parts, self.layers, self.overrides, marks, self.names), decision)


def _open(data: Any, overrides: Overrides, asked: frozenset[str]) -> Envelope:
    """Open the envelopes of a reply, without the jobs that were not asked about."""
    envelope = open_envelope(data, overrides)
    if not asked:
        return envelope
    return envelope._replace(
        layers=tuple(_own_entries(layer, asked) for layer in envelope.layers),
        payload=_own_entries(envelope.payload, asked),
    )


def _own_entries(value: Any, ids: frozenset[str], depth: int = 4) -> Any:
    """Drop the other jobs of a reply that lists several: where one of them has our id, or all
    name another task.
    """
    if depth <= 0:
        return value
    if isinstance(value, dict):
        ours = {key: child for key, child in value.items() if key in ids}
        is_map = any(isinstance(child, dict | list) for child in ours.values())
        fields = ours if is_map else value
        return {key: _own_entries(child, ids, depth - 1) for key, child in fields.items()}
    if not isinstance(value, list) or len(value) < 2:
        return value
    ours_only = [
        entry for entry in value if isinstance(entry, dict) and job_fields.has_asked_id(entry, ids)
    ]
    return ours_only or ([] if all(map(_names_task, value)) else value)


def _names_task(entry: Any) -> bool:
    return isinstance(entry, dict) and any(map(job_fields.names_task, entry))


def _meanings(overrides: Overrides) -> dict[str, State]:
    """Return the words of states that the configuration gives a meaning; failed goes first."""
    if not (overrides.done or overrides.failed):
        return {}
    done, failed = map(word, overrides.done), map(word, overrides.failed)
    return {**dict.fromkeys(done, "done"), **dict.fromkeys(failed, "failed")}


class _Reader(NamedTuple):
    """Reader of a reply that is not a refusal: of what it says about a job, or of its result."""

    envelope: Envelope
    views: tuple[Any, ...]
    parts: JobParts
    overrides: Overrides
    role: Role
    expected: frozenset[str]

    def read(self, candidates: tuple[Medium, ...]) -> ReplyFields:
        """Decide on each part; ``candidates`` are the links that may be results."""
        task_ids = self.task_ids()
        selected = select_media(candidates, self.expected) if candidates else ()
        links = tuple(medium.link for medium in selected)
        hit = self.word(links)
        raw_state = hit.text if hit else ""
        state = self.state(hit, selected, has_id=bool(task_ids))
        if not (state or self.role) and self._only_starts(raw_state, task_ids, links):
            state = "running"
        is_running, parts = state == "running", self.parts
        return ReplyFields(
            payload=self.envelope.payload,
            task_ids=task_ids,
            state=state,
            raw_state=raw_state if raw_state.isalpha() else one_line(raw_state, 200),
            has_new_word=is_running and hit is not None and not hit.state,
            progress=_progress(parts.progress, is_running=is_running),
            media=links,
            message=self.message(state, raw_state),
            queue=job_fields.queue_place(parts.queue),
            poll_after=parts.pause.amount / 1000.0 if parts.pause else None,
            cost=parts.cost.amount if parts.cost else None,
            is_recognised=self._is_recognised(task_ids, state, links),
            candidates=candidates,
        )

    def task_ids(self) -> tuple[str, ...]:
        """Return the candidates in the order in which to try them."""
        if self.overrides.task_id:
            forced = pick_first(self.views[::-1], self.overrides.task_id)
            lists = (value if isinstance(value, list) else [value] for value in forced)
            if forced:
                return _unique(job_fields.id_text(text) for texts in lists for text in texts)
        ids = [hit.text for hit in self.parts.ids]
        bare = self.views[0]
        if self.role in {"create", "wait"} and isinstance(bare, str) and not is_link(bare):
            ids.append(job_fields.id_text(bare))
        return _unique(ids)

    def word(self, links: Sequence[str]) -> Hit | None:
        """Return the word that tells the state, or ``None``.

        The status of an envelope is that of the request, not of a task that it only creates.
        """
        hit = self._forced_word() or self.parts.word
        status = self.envelope.status
        is_of_request = hit is not None and bool(status) and hit.text == status
        return None if is_of_request and self.role in {"", "create"} and not links else hit

    def _forced_word(self) -> Hit | None:
        """Return the word under the configured paths, one that is known first."""
        if not self.overrides.state:
            return None
        values = pick_first(self.views[::-1], self.overrides.state)
        hits = [job_fields.forced_hit(value, _meanings(self.overrides)) for value in values]
        return next(iter(sorted(filter(None, hits), key=lambda hit: not hit.state)), None)

    def state(self, hit: Hit | None, media: Sequence[Medium], *, has_id: bool) -> State:
        """Return the state of the job, by its word, its flag, its fault and its result."""
        return settle(
            hit,
            self.parts.flag,
            media,
            role=self.role,
            has_id=has_id,
            has_fault=self.parts.fault is not None,
            is_forced=bool(self.overrides.state),
            expected=self.expected,
        )

    def _only_starts(self, raw_state: str, task_ids: Sequence[str], links: Sequence[str]) -> bool:
        """Tell whether a reply reports only that a job began: its id, or its place in a queue.

        Where a medium is expected, an id without one is enough.
        """
        if self.expected and task_ids and not links:
            return True
        if raw_state or self.parts.queue is not None:
            return not raw_state
        payload = self.envelope.payload
        if not task_ids or links or not isinstance(payload, dict):
            return False
        empty: tuple[Any, ...] = (None, "", [], {})
        return all(
            value in empty or word(key) in ENVELOPE_KEYS or job_fields.only_tells_of_job(key)
            for key, value in payload.items()
        )

    def message(self, state: State, raw_state: str) -> str:
        """Return the reason of a failed job; else the first message that says more than ok."""
        if state == "failed":
            from callsheet.protocol.reasons import find_reasons, reason_of

            return reason_of(find_reasons(self.views[::-1], raw_state, self.overrides))
        return one_line(self.parts.message.text, 1000) if self.parts.message else ""

    def _is_recognised(
        self, task_ids: tuple[str, ...], state: State, links: tuple[str, ...]
    ) -> bool:
        if links or state == "failed":
            return True
        if self.role == "query":
            return state != ""
        if self.role in {"create", "wait"}:
            return bool(task_ids)
        payload = self.envelope.payload
        is_page = isinstance(payload, str) and payload.lstrip()[:1] == "<"
        return self.envelope.is_ok or (payload not in (None, "", [], {}) and not is_page)


def with_refusal(fields: ReplyFields, data: Any, role: Role) -> ReplyFields:
    """Add the refusal to a failure without a task that may be one of the request alone.

    The failure that a blocking action reports is that of its job, unless time ran out.
    """
    from callsheet.protocol.error_replies import Refusal, refusal_of

    if is_timeout(fields.raw_state):
        return fields._replace(refusal=Refusal("timeout", fields.raw_state))
    if role == "query" or (role == "wait" and fields.raw_state.lower() != "error"):
        return fields
    refusal = refusal_of(data, 200)
    return fields._replace(refusal=refusal) if refusal.may_have_run else fields


def _progress(hit: Hit | None, *, is_running: bool) -> float | None:
    if hit is None:
        return None
    return job_fields.progress_fraction(hit.table.fields[hit.key], is_running=is_running)


def _unique(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in ids if text))


def _refused(
    envelope: Envelope,
    refusal: Refusal,
    parts: JobParts,
    links: tuple[Medium, ...],
    sent: frozenset[str],
) -> ReplyFields:
    """Return the fields of a refusal; a task that it names may have been charged, so it stays.

    Where the refusal is sure an ``id`` is that of the request. The error itself may name a task,
    which is none of the texts that were ``sent`` and no word about a field.
    """
    is_sure = refusal.is_sure or any("jsonrpc" in table.fields for table in parts.tables)
    own = [
        hit.text
        for hit in parts.ids
        if job_fields.names_task(hit.key) or (hit.key == "id" and not is_sure)
        if not hit.text.lower().startswith(jobs.REQUEST_ID_STARTS)
    ]
    if not refusal.kind:
        from callsheet.protocol.error_replies import named_tasks

        own += [
            text
            for text in named_tasks(envelope.layers[0])
            if text not in sent and not (refusal.names_field and text.isalpha())
        ]
    return ReplyFields(
        payload=envelope.payload,
        task_ids=_unique(own),
        message=refusal.message,
        refusal=refusal,
        candidates=() if refusal.is_sure else links,
    )


def _is_about_job(parts: JobParts, refusal: Refusal, role: Role) -> bool:
    """Tell whether a refusal is the failure of the job that was queried, not of the request."""
    if role not in {"query", "wait"} or refusal.kind:
        return False
    is_named = parts.fault is not None and any(table.is_ours for table in parts.tables)
    return is_named or bool(parts.states)


def _media(
    views: tuple[Any, ...], names: Sequence[str], overrides: Overrides, marks: RequestMarks
) -> tuple[Medium, ...]:
    if not overrides.media:
        locations = find_links(views)
        if not locations:
            return ()
        from callsheet.protocol.result_links import rank_links

        return rank_links(locations, marks, names)
    # The user chose the path: the kind of its links does not matter.
    links = links_at([expand(match) for match in pick_first(views[::-1], overrides.media)])
    return tuple(Medium(link, named=True) for link in links if not marks.contain(link))
