"""Query a job, wait for it and schedule the polls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import poll_interval, retry_after
from callsheet.errors import CallsheetError, LimitReached, NetworkError, ServerError, StillRunning
from callsheet.flows.effects import (
    SILENCE,
    Flow,
    HttpReply,
    JobUpdate,
    Notify,
    Record,
    Sleep,
    record_leniently,
)
from callsheet.flows.invoke import InvocationRequest, ParsedReply, submit
from callsheet.flows.retry import action_request, follow_redirect
from callsheet.protocol.media import NO_MARKS, RequestMarks, expected_media
from callsheet.protocol.replies import read_reply
from callsheet.spec import Family
from callsheet.text import shell_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from callsheet.flows.retry import Timing
    from callsheet.protocol.overrides import Overrides
    from callsheet.storage.ledger import LedgerEntry


SPREAD = 1.15 / 0.85  # of the longest to the shortest run in a cluster
LEARNING_RUNS, TYPICAL_RUNS = 5, 3
EARLIEST, LATEST = 0.85, 1.18  # of the shortest and the longest run in the cluster
LONGEST_PAUSE = 8.0
SHORTEST_PAUSE = 0.02  # whatever a server hints
NOT_FOUND_LIMIT = 5
OVER = ("done", "failed")
"""States that end a job; ``protocol.replies.read_state`` reads them from the server's words."""


def typical_duration(past: Sequence[float]) -> float | None:
    """Return the seconds that an action usually takes, or ``None`` for fewer than three runs."""
    return _median(sorted(past)) if len(past) >= TYPICAL_RUNS else None


class PollSchedule:
    """The pauses between polls of one job, where the server does not name them.

    ``past`` holds the seconds that earlier runs took. If five or more of them, and three of four,
    lie within 15 % of one length, the job is polled often around that time and seldom before it;
    otherwise after 1 s, growing by half up to 8 s.
    """

    def __init__(self, past: Sequence[float] = ()) -> None:
        cluster = _largest_cluster(sorted(past))
        self.is_learned = len(cluster) >= LEARNING_RUNS and 4 * len(cluster) >= 3 * len(past)
        if self.is_learned:
            self._early, self._late = EARLIEST * cluster[0], LATEST * cluster[-1]
            self._step = min(3.0, max(0.5, _median(cluster) / 100))

    def pause(self, polls: int, elapsed: float) -> float:
        """Return the seconds until the next poll.

        ``polls`` counts those before the last one; ``elapsed`` is the job's age in seconds.
        """
        if not self.is_learned:
            return poll_interval(polls)
        if elapsed < self._early:
            growing = 3.0 ** min(polls + 1, 20)
            return max(self._step, min(growing, self._early - elapsed))
        overdue = max(0.0, elapsed - self._late)
        return min(LONGEST_PAUSE, self._step + overdue / 4)


def _largest_cluster(durations: Sequence[float]) -> Sequence[float]:
    """Return the longest run of these sorted durations that lie within 15 % of one length."""
    largest: Sequence[float] = ()
    for start, shortest in enumerate(durations):
        cluster = [seconds for seconds in durations[start:] if seconds <= shortest * SPREAD]
        largest = cluster if len(cluster) > len(largest) else largest
    return largest


def _median(ordered: Sequence[float]) -> float:
    """Return the median; importing ``statistics`` would cost every command 3 ms."""
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2


class Job(NamedTuple):
    """A job on the server: every id that it may be queried by, and how to query it.

    ``started`` is a time of day; ``ref`` is empty for a job that is not in this ledger.
    ``hint`` is the pause in seconds that the reply to the create action asked for; ``past`` holds
    the seconds that earlier jobs of this action took, looked up when one is waited for.
    ``expected`` are the kinds of medium that the action makes, ``marks`` those of its request.
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


def query_job(job: Job, timing: Timing) -> Flow[ParsedReply]:
    """Query a job once and record the state of one that is over.

    Raises the error that a refusal stands for; ``code`` is ``not_found`` when the server knows
    none of the job's ids.
    """
    reply = yield from _poll(job, timing, SILENCE)
    if reply.fields.state in OVER:
        yield from record_state(job, reply)
    return reply


def fetch_missing_media(reply: ParsedReply, job: Job | None, timing: Timing) -> Flow[ParsedReply]:
    """Return the reply, or where it is done and names no medium, what one query says instead.

    A server may report that a request succeeded before the job is done, and may not know the job
    yet: the job is running then.
    """
    if job is None or reply.fields.state != "done" or reply.fields.media:
        return reply
    try:
        status = yield from query_job(job, timing)
    except CallsheetError as error:  # the reply at hand must not be lost over this
        if error.code != "not_found":
            return reply
        return reply._replace(fields=reply.fields._replace(state="running"))
    return status if status.fields.media or status.fields.state != "done" else reply


def _poll(job: Job, timing: Timing, timeout: float) -> Flow[ParsedReply]:
    """Query a job by each of its ids in turn, until the server knows one.

    Return the reply with that id first. Raise the error of the last refusal; its ``retry_after``
    is the pause in seconds that the server asks for.
    """
    refusal: CallsheetError = ServerError(f"{job.action}: the job has no id to ask for")
    for task_id in job.task_ids:
        body = {job.family.task_key: task_id}
        send = action_request(job.family.query, body)._replace(timeout=timeout, within=timeout)
        reply: HttpReply = yield from follow_redirect(send)
        parsed = _parse_status(job, reply, body)
        if parsed is not None:
            return _with_ids_first(parsed, task_id, *job.task_ids)
        refusal = _refusal(job, task_id, reply, timing.wall())
        if refusal.code != "not_found":
            break
    raise refusal


def submit_query(
    request: InvocationRequest, timing: Timing, *, others: Callable[[], Iterable[str]]
) -> Flow[ParsedReply]:
    """Invoke a query action; where its id is not found, try the ``others`` of the same job."""
    key = request.action.family.task_key if request.action.family else ""
    task_id = request.value.get(key) if isinstance(request.value, dict) else None
    try:
        reply = yield from submit(request, timing)
    except ServerError as error:
        if error.code != "not_found":
            raise
        for other_id in others():
            body = {**request.value, key: other_id}
            retry = request._replace(body=json.dumps(body).encode(), value=body)
            try:
                reply = yield from submit(retry, timing)
            except ServerError as refusal:
                if refusal.code != "not_found":
                    raise
            else:
                return _with_ids_first(reply, other_id)
        raise
    return _with_ids_first(reply, task_id) if isinstance(task_id, str) else reply


def _with_ids_first(reply: ParsedReply, *ids: str) -> ParsedReply:
    """Put these ids before the server's own, which may include some that it does not accept."""
    task_ids = _unique(*ids, *reply.fields.task_ids)
    return reply._replace(fields=reply.fields._replace(task_ids=task_ids))


def _unique(*task_ids: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(task_ids))


def _parse_status(job: Job, reply: HttpReply, body: Any) -> ParsedReply | None:
    """Read what a reply says of the job; return ``None`` for a refusal and for no JSON."""
    if not 200 <= reply.status < 300:
        return None
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    fields = read_reply(
        data,
        sent=body,
        media=job.media,
        role="query",
        overrides=job.overrides,
        expected=job.expected,
        marks=job.marks,
    )
    return ParsedReply(reply, data, fields) if fields.refusal is None else None


def poll_hint(reply: ParsedReply, now: float) -> float | None:
    """Return the seconds that a reply about a job asks to wait before the next poll."""
    delay = retry_after(reply.http.headers.get("retry-after"), now)
    return delay or reply.fields.poll_after


def record_state(job: Job, reply: ParsedReply, seconds: float | None = None) -> Flow[None]:
    """Record the final state of a job, and how many seconds it took where that is known."""
    if job.ref:
        fields = reply.fields
        values = {"said": fields.raw_state, "cost": fields.cost, "reply": reply.json}
        if fields.state == "done":
            values["seconds"] = seconds
        yield from record_leniently(Record(fields.state, job.ref, values))


def _refusal(job: Job, task_id: str, reply: HttpReply, now: float) -> CallsheetError:
    from callsheet.protocol.error_replies import error_for

    return error_for(
        reply.status,
        reply.headers,
        reply.body,
        action=job.family.query,
        host=job.host,
        task_id=task_id,
        overrides=job.overrides,
        now=now,
    )


def wait(job: Job, timing: Timing, *, deadline: float) -> Flow[ParsedReply]:
    """Poll until the job is done or failed; ``deadline`` is a reading of ``timing.clock``.

    Raises ``StillRunning`` at the deadline and ``AuthError`` when the key is refused; the job
    is alive in both cases.
    """
    polls = not_found = 0
    polled = job
    age, schedule = _JobAge(job, timing), PollSchedule(job.past)
    if job.hint:
        yield Sleep(max(0.0, min(job.hint, deadline - timing.clock())))
    while True:
        failure: CallsheetError | None = None
        timeout = min(SILENCE, max(1.0, deadline - timing.clock()))
        try:
            reply = yield from _poll(polled, timing, timeout)
        except (NetworkError, ServerError, LimitReached) as error:
            failure, hint = error, error.retry_after
        else:
            hint = poll_hint(reply, timing.wall())
            polled = job._replace(task_ids=_unique(reply.fields.task_ids[0], *job.task_ids))
            yield Notify(_update(job, reply, age.seconds()))
            if reply.fields.state in OVER:
                yield from record_state(job, reply, age.length())
                return reply
            age.saw_running()
        not_found = not_found + 1 if failure and failure.code == "not_found" else 0
        if failure and not_found >= NOT_FOUND_LIMIT:
            raise failure
        remaining = deadline - timing.clock()
        if remaining <= 0:
            raise _still_running(job, failure)
        pause = max(hint, SHORTEST_PAUSE) if hint else schedule.pause(polls, age.seconds())
        polls += 1
        yield Sleep(min(pause, remaining))


class _JobAge:
    """The age of a job: by the time of day at first, then by the monotonic clock."""

    def __init__(self, job: Job, timing: Timing) -> None:
        self._clock, self._start = timing.clock, timing.clock()
        self._before = max(0.0, timing.wall() - job.started)
        self._running: float | None = None

    def seconds(self) -> float:
        return self._before + self._clock() - self._start

    def saw_running(self) -> None:
        self._running = self.seconds()

    def length(self) -> float | None:
        """Return how long the job took, if it was running shortly before it was over."""
        now = self.seconds()
        if self._running is None or now - self._running > max(LONGEST_PAUSE + 2, now / 10):
            return None
        return (now + self._running) / 2


def _update(job: Job, reply: ParsedReply, elapsed: float) -> JobUpdate:
    fields = reply.fields
    return JobUpdate(
        task_id=job.task_ids[0],
        state=fields.state or "running",
        raw_state=fields.raw_state,
        progress=fields.progress,
        elapsed=elapsed,
        fields=fields,
    )


def _still_running(job: Job, failure: CallsheetError | None) -> StillRunning:
    last = f"; the last question about it failed: {failure.message}" if failure else ""
    return StillRunning(
        f"stopped waiting for {job.action}; the job goes on as {job.task_ids[0]}{last}",
        hint=f"tasks wait {shell_word(job.task_ids[0])}",
        task_id=job.task_ids[0],
        action=job.action,
    )
