"""Query a job, wait for it and schedule the polls."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import retry_after
from callsheet.errors import (
    AuthError,
    CallsheetError,
    LimitReached,
    NetworkError,
    ServerError,
    StillRunning,
    Unreadable,
)
from callsheet.flows.effects import (
    LARGEST_PAID_REPLY,
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
from callsheet.flows.invoke import (
    ACCEPTED,
    InvocationRequest,
    ParsedReply,
    charge_of,
    may_have_run,
    proves_question,
    read_body,
    submit,
    tells_of_job,
)
from callsheet.flows.polling import (
    JobAge,
    PollSchedule,
    RefusalsInARow,
    UnknownState,
    set_hint,
    shortest_pause,
)
from callsheet.flows.retry import action_request, follow_redirect
from callsheet.jsonio import strict_json
from callsheet.protocol.inline_data import is_data_link
from callsheet.protocol.job_state import OVER
from callsheet.protocol.media import NO_MARKS, RequestMarks, expected_media, kind_of_name
from callsheet.protocol.replies import read_reply
from callsheet.spec import Action, Family
from callsheet.text import shell_word, task_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from callsheet.flows.retry import Timing
    from callsheet.protocol.replies import ReplyFields
    from callsheet.protocol.values import Overrides
    from callsheet.storage.ledger_entry import LedgerEntry


class Job(NamedTuple):
    """A job on the server: every id that it may be queried by, and how to query it.

    ``started`` is a time of day; ``ref`` is empty for a job that is not in this ledger.
    ``hint`` is the pause in seconds that the reply to the create action asked for; ``past`` holds
    the seconds that earlier jobs of this action took, looked up when one is waited for.
    ``expected`` are the kinds of medium that the action makes, ``marks`` those of its request.
    ``asked`` holds the query actions of guessed families that were asked, and when the answer
    proved that asking costs nothing (a time of day; 0 where it did not), as well as those that the
    host marks as billable; the jobs of one engine share it.
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
    asked: dict[str, float] | None = None


def job_of_row(row: LedgerEntry, overrides: Overrides, task_ids: Sequence[str] = ()) -> Job:
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


def query_job(job: Job, timing: Timing, within: float | None = None) -> Flow[ParsedReply]:
    """Query a job once and record the state of one that is over.

    Each question may take ``within`` seconds.
    Raises the error that a refusal stands for; ``code`` is ``not_found`` when the server knows
    none of the job's ids.
    """
    reply = yield from _poll(job, timing, within)
    if reply.fields.state in OVER:
        yield from record_state(job, reply)
    return reply


def ask_once(reply: ParsedReply, job: Job | None, timing: Timing) -> Flow[ParsedReply]:
    """Return the reply to a create action; where it is final without a result, that of one query.

    Without a medium such a reply is never final: it may speak of the request alone, and the
    server may not know the job yet. The job is running then.
    """
    fields = reply.fields
    if job is None or fields.state not in OVER or _holds_result(fields):
        return reply
    try:
        status = yield from query_job(job, timing)
    except CallsheetError as error:  # the reply at hand must not be lost over this
        is_open = error.code == "not_found" or (bool(job.expected) and _may_pass(error))
        if fields.state == "done" and is_open:
            return reply._replace(fields=fields._replace(state="running"))
        yield from record_state(job, reply)
        return reply
    return status if status.fields.media or status.fields.state else reply


def _may_pass(error: CallsheetError) -> bool:
    """Tell whether a failed question says nothing of the job: no answer, a limit, a fault."""
    status = error.http_status or 0
    return isinstance(error, NetworkError | LimitReached) or error.retryable or status >= 500


def _holds_result(fields: ReplyFields) -> bool:
    """Tell whether a job is done and its medium there.

    Where no word says that it is done, a link counts that is named as a result or as a file.
    """
    first = next((medium for medium in fields.candidates if medium.link in fields.media[:1]), None)
    if fields.state != "done" or first is None:
        return False
    is_file = is_data_link(first.link) or bool(kind_of_name(first.link))
    return first.named or is_file or bool(fields.raw_state)


def _poll(job: Job, timing: Timing, within: float | None = None) -> Flow[ParsedReply]:
    """Query a job by each of its ids in turn, until the server knows one.

    Each question may take ``within`` seconds.
    Return the reply with that id first. Raise the error of the last refusal; its ``retry_after``
    is the pause in seconds that the server asks for.
    """
    is_unproven = not (job.asked or {}).get(job.family.query, not job.family.guessed)
    refusal: CallsheetError | None = None
    for task_id in job.task_ids:
        body = {job.family.task_key: task_id}
        send = _poll_request(job, task_id, body)
        if send is None or (is_unproven and send.method == "POST"):
            continue
        name = job.ref or job.task_ids[0]
        send = send._replace(
            timeout=within or SILENCE,
            within=within or SILENCE,
            pace=timing.limits.pace,
            spool=name,
            largest=LARGEST_PAID_REPLY,
        )
        reply: HttpReply = yield from follow_redirect(send)
        parsed = _parse_status(job, reply, body)
        if parsed is not None:
            _require_question(job, task_id, parsed, timing)
            if parsed.fields.state == "done" and not parsed.fields.media:
                parsed = yield from _fetch_result(job, parsed, send)
            first = () if send.method == "GET" else (task_id,)
            return _with_ids_first(parsed, *first, *job.task_ids)
        refusal = _refusal(job, task_id, reply, timing.wall())
        if refusal.code != "not_found":
            break
    if is_unproven and (refusal is None or refusal.code == "not_found"):
        return (yield from _ask_unproven(job, timing))
    raise refusal or StillRunning(
        f"{job.action} goes on as {job.task_ids[0]}, about which this server cannot be asked",
        task_id=job.task_ids[0],
        action=job.action,
    )


def _fetch_result(job: Job, status: ParsedReply, sent: Send) -> Flow[ParsedReply]:
    """Return the result of a finished job where its status names a link of the host to it."""
    from callsheet.flows.bodies import is_poll_link, result_link

    link = result_link(status.http, status.json)
    if not is_poll_link(job.host, link):
        return status
    try:
        reply = yield from follow_redirect(sent._replace(method="GET", body=None, url=link))
    except CallsheetError:  # the status at hand says at least that the job is done
        return status
    parsed = _parse_status(job, reply, None)
    if parsed is None and 400 <= reply.status < 500 and status.fields.origin is not None:
        # Where it stays without a file, the refusal says why.
        origin = status.fields.origin
        origin = origin._replace(layers=({"error": strict_json(reply.body)}, *origin.layers))
        return status._replace(fields=status.fields._replace(origin=origin))
    return parsed if parsed is not None and parsed.fields.media else status


def _ask_unproven(job: Job, timing: Timing) -> Flow[ParsedReply]:
    """Send the first question to a guessed action: one POST, recorded as one that may cost.

    It is never repeated; ``job.asked`` keeps whether the answer proved it free. Raises
    ``StillRunning`` where the answer neither ends the job nor proves that the action only asks,
    and where no answer came.
    """
    query, task_id = job.family.query, job.task_ids[0]
    asked = job.asked if job.asked is not None else {}
    if query in asked and job.family.is_documented:
        raise StillRunning(
            f"{query} is not asked about {task_id}: {job.host} says that asking costs",
            hint=f"to ask once, for its price: call {query} --input "
            + shell_word(json.dumps({job.family.task_key: task_id})),
            task_id=task_id,
            action=job.action,
        )
    if query in asked:
        raise _unproven(job, "its first answer did not show that it only asks")
    request = _question(job, task_id)
    asked[query] = 0.0
    try:
        reply = yield from submit(request, timing)
    except AuthError:
        raise
    except CallsheetError as error:
        if not may_have_run(error):
            del asked[query]
        raise _unproven(job, error.message) from error
    asked[query] = timing.wall() if proves_question(request, reply) else 0.0
    if not asked[query] and reply.fields.state not in OVER:
        raise _unproven(job, "its answer does not show that it only asks")
    return _with_ids_first(reply, *job.task_ids)


def _require_question(job: Job, task_id: str, reply: ParsedReply, timing: Timing) -> None:
    """Raise ``StillRunning`` if the first reply to a family guessed by words describes no job.

    Otherwise keep in ``job.asked`` when that was shown.
    """
    query, asked = job.family.query, job.asked if job.asked is not None else {}
    if not job.family.by_words or asked.get(query) or reply.fields.media:
        return
    asked[query] = timing.wall() if tells_of_job(job.family, task_id, reply) else 0.0
    if not asked[query]:
        raise _unproven(job, "its answer does not show that it only asks")


def _question(job: Job, task_id: str) -> InvocationRequest:
    """Build the question about a job as a request that may cost money."""
    import uuid

    from callsheet.jsonio import digest

    body = {job.family.task_key: task_id}
    facts = {"host": job.host, "action": job.family.query, "body_digest": digest(body)}
    return InvocationRequest(
        action=Action(id=job.family.query, role="query", family=job.family, media=job.media),
        body=json.dumps(body).encode(),
        value=body,
        ref=str(uuid.uuid4()),
        host=job.host,
        overrides=job.overrides,
        facts=facts,
        expected=job.expected,
        marks=job.marks,
    )


def _unproven(job: Job, reason: str) -> StillRunning:
    query, task_id = job.family.query, job.task_ids[0]
    return StillRunning(
        f"{query} was asked about {task_id} once, and is not asked again: {reason}",
        hint=f"if asking costs nothing: {task_line('wait', task_id, f'--set free={query}')}",
        task_id=task_id,
        action=job.action,
    )


def _poll_request(job: Job, task_id: str, body: Any) -> Send | None:
    """Return the question about a job by one of its ids: a link of the host is asked by GET."""
    if "://" in task_id:
        from callsheet.flows.bodies import is_poll_link

        return Send("GET", "", url=task_id) if is_poll_link(job.host, task_id) else None
    return action_request(job.family.query, body) if job.family.query else None


def submit_query(
    request: InvocationRequest, timing: Timing, *, others: Callable[[], Iterable[str]]
) -> Flow[ParsedReply]:
    """Invoke a query action; where its id is not found, try the ``others`` of the same job."""
    key = request.action.family.task_key if request.action.family else ""
    task_id = request.value.get(key) if isinstance(request.value, dict) else None
    try:
        reply = yield from submit(request, timing)
    except ServerError as error:
        if error.code != "not_found" or request.action.paid:
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
    """Read a reply about the job; return ``None`` for a refusal and for what cannot be read."""
    if not 200 <= reply.status < 300:
        return None
    read = partial(
        read_reply,
        sent=body,
        media=job.media,
        role="query",
        overrides=job.overrides,
        expected=job.expected,
        marks=job.marks,
        id_key=job.family.task_key,
        meanings=job.family.meanings,
    )
    try:
        data = read_body(reply, read, job.action)
    except Unreadable:
        return None
    fields = read(data)
    if reply.file is not None and reply.file.is_medium:
        from callsheet.flows.bodies import medium_fields

        fields = medium_fields(reply.file, job.expected)
    elif reply.status == ACCEPTED and not fields.state:
        fields = fields._replace(state="running")
    return ParsedReply(reply, data, fields) if fields.refusal is None else None


_NO_JSON = object()


def _json_of(reply: HttpReply) -> Any:
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return _NO_JSON


def poll_hint(reply: ParsedReply, now: float) -> float | None:
    """Return the seconds that a reply asks to wait before the next poll, or ``None``."""
    delay = retry_after(reply.http.headers.get("retry-after"), now)
    return delay or reply.fields.poll_after


def record_state(job: Job, reply: ParsedReply, seconds: float | None = None) -> Flow[None]:
    """Record the final state of a job, and how many seconds it took where that is known."""
    if job.ref:
        fields = reply.fields
        answer = reply.http.file.describe() if reply.http.file else reply.json
        values = {"said": fields.raw_state, **charge_of(reply), "reply": answer}
        if fields.state == "done":
            values["seconds"] = seconds
        yield from record_leniently(Record(fields.state, job.ref, values))


def _refusal(job: Job, task_id: str, reply: HttpReply, now: float) -> CallsheetError:
    from callsheet.protocol.error_replies import error_for

    error = error_for(
        reply.status,
        reply.headers,
        reply.body,
        action=job.family.query,
        host=job.host,
        task_id=task_id,
        overrides=job.overrides,
        now=now,
    )
    if 200 <= reply.status < 300 and _json_of(reply) is _NO_JSON:
        error.lasting = ""
    return error


def wait(job: Job, timing: Timing, *, deadline: float) -> Flow[ParsedReply]:
    """Poll until the job is done or failed, and record that; notify about each reply.

    ``deadline`` is a reading of ``timing.clock``. Raises ``StillRunning`` there and ``AuthError``
    when the key is refused; the job is alive in both cases. Raises ``ServerError`` when the same
    question is refused again and again.
    """
    polls, polled = 0, job
    age, schedule = JobAge(job.started, timing), PollSchedule(job.past)
    words, refusals = UnknownState(timing), RefusalsInARow(timing)
    if job.hint:
        first = max(job.hint, shortest_pause(job.host))
        yield Sleep(max(0.0, min(first, deadline - timing.clock())))
    while True:
        failure: CallsheetError | None = None
        timeout = min(SILENCE, max(1.0, deadline - timing.clock()))
        try:
            reply = yield from _poll(polled, timing, timeout)
        except (NetworkError, ServerError, LimitReached, AuthError) as error:
            if isinstance(error, AuthError) and not error.lasting:
                raise
            failure, hint = error, error.retry_after
        else:
            hint = poll_hint(reply, timing.wall())
            reply = words.judge(reply)
            polled = job._replace(task_ids=_unique(reply.fields.task_ids[0], *job.task_ids))
            yield Notify(_update(job, reply, age.seconds(), words.note()))
            if reply.fields.state in OVER:
                yield from record_state(job, reply, age.length())
                return reply
            age.saw_running()
        if refusals.are_final(failure):
            raise _refused_for_good(job, failure)
        remaining = deadline - timing.clock()
        if remaining <= 0:
            raise _still_running(job, failure, words.unknown)
        pause = schedule.pause(polls, age.seconds())
        pause = max(hint, shortest_pause(job.host)) if hint else pause
        polls += 1
        yield Sleep(min(max(pause, refusals.least_pause()), remaining))


def _update(job: Job, reply: ParsedReply, elapsed: float, note: str) -> JobUpdate:
    fields = reply.fields
    return JobUpdate(
        task_id=job.task_ids[0],
        state=fields.state or "running",
        raw_state=fields.raw_state,
        progress=fields.progress,
        elapsed=elapsed,
        fields=fields,
        note=note,
    )


def _refused_for_good(job: Job, failure: CallsheetError | None) -> ServerError:
    task_id, reason = job.task_ids[0], failure.message if failure else ""
    return ServerError(
        f"{job.family.query or job.host} refuses every question about {task_id}: {reason}",
        code=failure.code if failure else "",
        hint=f"to ask again: {task_line('wait', task_id)}",
        http_status=failure.http_status if failure else None,
        task_id=task_id,
        action=job.action,
    )


def _still_running(job: Job, failure: CallsheetError | None, unknown: str) -> StillRunning:
    last = f"; the last question about it failed: {failure.message}" if failure else ""
    last += f"; its state {unknown!r} is not known. {set_hint(unknown)}" if unknown else ""
    return StillRunning(
        f"stopped waiting for {job.action}; the job goes on as {job.task_ids[0]}{last}",
        hint=task_line("wait", job.task_ids[0]),
        task_id=job.task_ids[0],
        action=job.action,
    )
