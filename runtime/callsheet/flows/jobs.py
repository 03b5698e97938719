"""Query a job, wait for it and schedule the polls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import poll_interval, retry_after, wait_hint
from callsheet.errors import AuthError, CallsheetError, NetworkError, ServerError, StillRunning
from callsheet.flows.effects import (
    SILENCE,
    Flow,
    HttpReply,
    JobUpdate,
    Notify,
    Record,
    Send,
    Sleep,
    record_leniently,
)
from callsheet.flows.invoke import InvocationRequest, ParsedReply, submit
from callsheet.flows.retry import action_path, follow_redirect
from callsheet.protocol.media import expected_media
from callsheet.protocol.replies import read_reply
from callsheet.protocol.request_marks import NO_MARKS, RequestMarks
from callsheet.spec import Family
from callsheet.text import shell_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from callsheet.flows.retry import Timing
    from callsheet.protocol.overrides import Overrides
    from callsheet.storage.ledger import LedgerEntry


ALIKE = 1.15 / 0.85
ENOUGH = 5
TOLD = 3
EARLIEST, LATEST = 0.85, 1.18  # of the shortest and the longest run that is alike
LONGEST_PAUSE = 8.0


def typical_duration(past: Sequence[float]) -> float | None:
    """Seconds that an action usually takes, from at least three runs."""
    return _median(sorted(past)) if len(past) >= TOLD else None


class PollSchedule:
    """The pauses between polls of one job, where the server does not name them.

    ``past`` holds the seconds that earlier runs took. Where they are alike (five or more lie
    within 15 % of one length, and so do three of four), the job is asked about often around
    that time and seldom before it; else after 1 s, growing by half up to 8 s.
    """

    def __init__(self, past: Sequence[float] = ()) -> None:
        alike = _alike(sorted(past))
        self.learnt = len(alike) >= ENOUGH and 4 * len(alike) >= 3 * len(past)
        if self.learnt:
            self._early, self._late = EARLIEST * alike[0], LATEST * alike[-1]
            self._step = min(3.0, max(0.5, _median(alike) / 100))

    def pause(self, polls: int, elapsed: float) -> float:
        """Seconds until the next poll; ``polls`` were made before the last one.

        ``elapsed`` is how many seconds the job has been going on.
        """
        if not self.learnt:
            return poll_interval(polls)
        if elapsed < self._early:
            seldom = 3.0 ** min(polls + 1, 20)
            return max(self._step, min(seldom, self._early - elapsed))
        late = max(0.0, elapsed - self._late)
        return min(LONGEST_PAUSE, self._step + late / 4)


def _alike(past: Sequence[float]) -> Sequence[float]:
    """The most of these sorted lengths that lie within 15 % of one length."""
    found: Sequence[float] = ()
    for first, shortest in enumerate(past):
        near = [one for one in past[first:] if one <= shortest * ALIKE]
        found = near if len(near) > len(found) else found
    return found


def _median(ordered: Sequence[float]) -> float:
    """``statistics`` would cost every command 3 ms."""
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2


OVER = ("done", "failed")


class Job(NamedTuple):
    """A job on the server: every id it may be asked by, and how to ask.

    ``started`` is a time of day; ``ref`` is empty for a job that this ledger never saw.
    ``hint`` is the pause in seconds that the create action's answer asked for; ``past`` holds
    the seconds that earlier jobs of this action took, looked up when one is waited for.
    ``expected`` are the kinds of medium that the action makes, ``marks`` what its request
    contained.
    """

    ref: str
    action: str
    family: Family
    task_ids: tuple[str, ...]
    started: float
    host: str
    overrides: Overrides
    media: tuple[str, ...] = ()
    hint: float | None = None
    past: tuple[float, ...] = ()
    expected: frozenset[str] = frozenset()
    marks: RequestMarks = NO_MARKS


def job_of(row: LedgerEntry, overrides: Overrides, task_ids: Sequence[str] = ()) -> Job:
    """Return the job of a ledger row that has a family; ``task_ids`` replace the row's own."""
    return Job(
        ref=row.ref,
        action=row.action,
        family=Family(**(row.family or {})),
        task_ids=tuple(task_ids or row.task_ids),
        started=row.created,
        host=row.host,
        overrides=overrides,
        media=tuple(row.media or ()),
        expected=expected_media(row.action, row.target or ""),
        marks=RequestMarks(row.sent or ()),
    )


class PollResult(NamedTuple):
    """What one query brought: an answer, or a refusal and the pause that the server asks for.

    ``job`` has the id that the server knew in front.
    """

    job: Job
    answer: ParsedReply | None
    refusal: CallsheetError
    hint: float | None = None


def query_job(job: Job, timing: Timing, *, timeout: float = SILENCE) -> Flow[ParsedReply]:
    """One query: the ids are tried in order, the next one where the server knows not the last.

    Raises what the answer stands for; ``code`` is ``not_found`` when no id is known there.
    What the job has come to is recorded.
    """
    seen = yield from look(job, timing, timeout)
    if seen.answer is None:
        raise seen.refusal
    if seen.answer.fields.state in OVER:
        yield from record_state(job, seen.answer)
    return seen.answer


def fetch_missing_media(answer: ParsedReply, job: Job | None, timing: Timing) -> Flow[ParsedReply]:
    """Return the answer; where it is done and names no medium, what one query says instead.

    A server may say of the request that it succeeded before the job is done, and may not know
    the job yet: the job is running then.
    """
    if job is None or answer.fields.state != "done" or answer.fields.media:
        return answer
    try:
        asked = yield from query_job(job, timing)
    except CallsheetError as error:  # what is there already must not be lost over this
        if error.code != "not_found":
            return answer
        return answer._replace(fields=answer.fields._replace(state="running"))
    return asked if asked.fields.media or asked.fields.state != "done" else answer


def look(job: Job, timing: Timing, timeout: float) -> Flow[PollResult]:
    """One query, whatever it brings; raises only where no answer of the API came."""
    seen = PollResult(job, None, ServerError(f"{job.action}: the job has no id to ask for"))
    for task_id in job.task_ids:
        body = {job.family.task_key: task_id}
        reply: HttpReply = yield from follow_redirect(
            Send(
                "POST",
                action_path(job.family.query),
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
                timeout,
                within=timeout,
            )
        )
        answer = _read(job, reply, body)
        if answer is not None:
            known = job._replace(task_ids=tuple(dict.fromkeys((task_id, *job.task_ids))))
            answer = _about(answer, *known.task_ids)
            return seen._replace(job=known, answer=answer, hint=poll_hint(answer, timing.wall()))
        refusal = _refusal(job, task_id, reply)
        seen = seen._replace(refusal=refusal, hint=wait_hint(reply.headers, timing.wall()))
        if refusal.code != "not_found":
            break
    return seen


def submit_query(
    order: InvocationRequest, timing: Timing, *, others: Callable[[], Iterable[str]]
) -> Flow[ParsedReply]:
    """A query of a single id; where the server does not know that one, by the job's ``others``."""
    key = order.action.family.task_key if order.action.family else ""
    task_id = order.value.get(key) if isinstance(order.value, dict) else None
    try:
        answer = yield from submit(order, timing)
    except ServerError as error:
        if error.code != "not_found":
            raise
        for name in others():
            body = {**order.value, key: name}
            again = order._replace(body=json.dumps(body).encode(), value=body)
            try:
                answer = yield from submit(again, timing)
            except ServerError as refusal:
                if refusal.code != "not_found":
                    raise
            else:
                return _about(answer, name)
        raise
    return _about(answer, task_id) if isinstance(task_id, str) else answer


def _about(answer: ParsedReply, *ids: str) -> ParsedReply:
    """The answer with these ids in front: the server's own may include ones it does not take."""
    found = tuple(dict.fromkeys((*ids, *answer.fields.task_ids)))
    return answer._replace(fields=answer.fields._replace(task_ids=found))


def _read(job: Job, reply: HttpReply, sent: Any) -> ParsedReply | None:
    """What a reply says of the job; nothing where it is a refusal or no JSON."""
    if not 200 <= reply.status < 300:
        return None
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    reading = read_reply(
        data,
        sent=sent,
        media=job.media,
        role="query",
        overrides=job.overrides,
        expected=job.expected,
        marks=job.marks,
    )
    return ParsedReply(reply, data, reading) if reading.refusal is None else None


def poll_hint(answer: ParsedReply, now: float) -> float | None:
    """Seconds that an answer about a job asks to wait for before the next question."""
    said = retry_after(answer.http.headers.get("retry-after"), now)
    return said or answer.fields.poll_after


def record_state(job: Job, answer: ParsedReply, seconds: float | None = None) -> Flow[None]:
    """Record what a job has come to, and how many seconds it took where that is known."""
    if job.ref:
        reading = answer.fields
        values = {"said": reading.raw_state, "cost": reading.cost, "reply": answer.json}
        if reading.state == "done":
            values["seconds"] = seconds
        yield from record_leniently(Record(reading.state, job.ref, values))


def _refusal(job: Job, task_id: str, reply: HttpReply) -> CallsheetError:
    from callsheet.protocol.error_replies import error_for

    return error_for(
        reply.status,
        reply.headers,
        reply.body,
        action=job.family.query,
        host=job.host,
        task_id=task_id,
        overrides=job.overrides,
    )


UNFOUND_LIMIT = 5
SHORTEST = 0.02  # seconds between two polls, whatever a server hints


def wait(job: Job, timing: Timing, *, deadline: float) -> Flow[ParsedReply]:
    """Poll until the job is done or failed; ``deadline`` is a reading of the measuring clock.

    Raises ``StillRunning`` at the deadline and ``AuthError`` when the key is refused; the job
    is alive in both cases.
    """
    polls = unfound = 0
    age = _JobAge(job, timing)
    pace = PollSchedule(job.past)
    seen = PollResult(job, None, ServerError(""))
    if job.hint:
        yield Sleep(max(0.0, min(job.hint, deadline - timing.clock())))
    while True:
        left = deadline - timing.clock()
        try:
            seen = yield from look(seen.job, timing, min(SILENCE, max(1.0, left)))
        except (NetworkError, ServerError) as error:
            seen = PollResult(seen.job, None, error)
        if seen.answer is not None:
            yield Notify(_update(job, seen.answer, age.seconds()))
            if seen.answer.fields.state in OVER:
                yield from record_state(job, seen.answer, age.length())
                return seen.answer
            age.saw_running()
        elif isinstance(seen.refusal, AuthError):
            raise seen.refusal
        lost = seen.answer is None and seen.refusal.code == "not_found"
        unfound = unfound + 1 if lost else 0
        if unfound >= UNFOUND_LIMIT:
            raise seen.refusal
        left = deadline - timing.clock()
        if left <= 0:
            raise _still_running(job, None if seen.answer else seen.refusal)
        pause = max(seen.hint, SHORTEST) if seen.hint else pace.pause(polls, age.seconds())
        polls += 1
        yield Sleep(min(pause, left))


class _JobAge:
    """How long a job has been going on: by the time of day at first, then by the steady clock."""

    def __init__(self, job: Job, timing: Timing) -> None:
        self._clock, self._start = timing.clock, timing.clock()
        self._before = max(0.0, timing.wall() - job.started)
        self._running: float | None = None

    def seconds(self) -> float:
        return self._before + self._clock() - self._start

    def saw_running(self) -> None:
        self._running = self.seconds()

    def length(self) -> float | None:
        """How long the job took, where it was seen running shortly before it was over."""
        now = self.seconds()
        if self._running is None or now - self._running > max(LONGEST_PAUSE + 2, now / 10):
            return None
        return (now + self._running) / 2


def _update(job: Job, answer: ParsedReply, elapsed: float) -> JobUpdate:
    reading = answer.fields
    return JobUpdate(
        task_id=job.task_ids[0],
        state=reading.state or "running",
        raw_state=reading.raw_state,
        progress=reading.progress,
        elapsed=elapsed,
        fields=reading,
    )


def _still_running(job: Job, trouble: CallsheetError | None) -> StillRunning:
    last = f"; the last question about it failed: {trouble.message}" if trouble else ""
    return StillRunning(
        f"stopped waiting for {job.action}; the job goes on as {job.task_ids[0]}{last}",
        hint=f"tasks wait {shell_word(job.task_ids[0])}",
        task_id=job.task_ids[0],
        action=job.action,
    )
