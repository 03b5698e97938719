"""Send one invocation, record it and read its reply; ``flows.retry`` decides what is sent again."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import (
    CallsheetError,
    DownloadError,
    OutcomeUnknown,
    ReferenceUsed,
    ServerError,
    Unreadable,
    UsageError,
)
from callsheet.flows.effects import (
    LARGEST_PAID_REPLY,
    LARGEST_REPLY,
    SILENCE,
    Flow,
    HttpReply,
    JobUpdate,
    KeepReply,
    Record,
    Send,
    record_leniently,
)
from callsheet.flows.retry import PaidPost, action_path, with_retries
from callsheet.protocol.media import NO_MARKS, RequestMarks
from callsheet.protocol.replies import read_reply, with_refusal
from callsheet.spec import TIMEOUT_FIELD, Family
from callsheet.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callsheet.flows.retry import Timing
    from callsheet.protocol.error_replies import Refusal
    from callsheet.protocol.replies import ReplyFields
    from callsheet.protocol.values import Overrides
    from callsheet.spec import Action, Role


CREATED, ACCEPTED, NO_CONTENT = 201, 202, 204
RAW_LIMIT = 2000
SLOWEST = 16 << 10
"""Bytes a second that a body may leave at."""
_GRACE, _LONGEST_DEADLINE = 30.0, 7 * 86_400.0  # seconds


def deadline_of(action: Action, body: Any) -> float:
    """Return the seconds that a job may take: the timeout in a blocking request, else the default.

    Never more than seven days. The field and the default of the family are in milliseconds.
    """
    milliseconds: float = (action.family or Family()).timeout_ms
    requested = body.get(TIMEOUT_FIELD) if isinstance(body, dict) and action.role == "wait" else 0
    if isinstance(requested, int | float) and not isinstance(requested, bool) and requested > 0:
        milliseconds = requested
    return min(milliseconds, _LONGEST_DEADLINE * 1000) / 1000


def silence_limit(role: Role, deadline: float) -> float:
    """Return the seconds without a byte after which a request is given up.

    A blocking action answers once its job is over: at the ``deadline`` (seconds) at the latest.
    """
    return min(deadline, _LONGEST_DEADLINE) + _GRACE if role == "wait" else SILENCE


class InvocationRequest(NamedTuple):
    """One invocation as it will be sent.

    ``body`` is the exact bytes and ``value`` the same as parsed JSON. ``ref`` is the client
    reference, sent as ``Idempotency-Key``. ``may_resend`` finds out whether this server honours
    that key; it is called only where a second POST could cost again. ``facts`` are recorded in
    the ledger with the intent. ``expected`` are the kinds of medium that the action makes;
    ``marks`` are those of the request that created the job. ``tell`` gets the
    updates of a reply that is an event stream, as they come.
    """

    action: Action
    body: bytes
    value: Any
    ref: str
    host: str
    overrides: Overrides
    timeout: float = SILENCE
    may_resend: Callable[[], Flow[bool]] | None = None
    headers: Mapping[str, str] = {}
    facts: Mapping[str, Any] = {}
    expected: frozenset[str] = frozenset()
    marks: RequestMarks = NO_MARKS
    tell: Callable[[JobUpdate], object] | None = None

    def read(self, data: Any) -> ReplyFields:
        """Read the fields of a reply's JSON."""
        return read_reply(
            data,
            sent=self.value,
            media=self.action.media,
            role=self.action.role,
            overrides=self.overrides,
            expected=self.expected,
            marks=self.marks,
            id_key=(self.action.family or Family(task_key="")).task_key,
            meanings=(self.action.family or Family()).meanings,
        )

    def as_send(self, timing: Timing) -> Send:
        """Build the HTTP request; a paid one has the reference as its idempotency key."""
        headers = {"Content-Type": "application/json", **self.headers}
        if self.action.paid:
            headers["Idempotency-Key"] = self.ref
        path, on_event = action_path(self.action.id), None
        if self.tell is not None:
            on_event = partial(_tell_event, self, timing.clock, timing.clock())
        is_kept = self.action.paid or self.action.role
        # A body takes its time to leave, and what is paid for does not end with the command.
        within = max(timing.limits.call, self.timeout) + len(self.body) / SLOWEST
        return Send(
            "POST", path, self.body, headers, self.timeout,
            within=within,
            pace=timing.limits.pace,
            is_bounded=not self.action.paid and self.action.role != "wait",
            spool=self.ref,
            largest=LARGEST_PAID_REPLY if is_kept else LARGEST_REPLY,
            on_event=on_event,
            shares_connection=not self.action.paid,
        )  # fmt: skip


def _tell_event(
    request: InvocationRequest, clock: Callable[[], float], started: float, event: Any
) -> None:
    """Give an event of a stream to ``request.tell``; ignore events without state and progress."""
    fields = request.read(event) if isinstance(event, dict) else None
    if fields is None or request.tell is None or not (fields.raw_state or fields.progress):
        return
    task_id = next(iter(fields.task_ids), "")
    state, elapsed = fields.state or "running", clock() - started
    request.tell(JobUpdate(task_id, state, fields.raw_state, fields.progress, elapsed, fields))


class ParsedReply(NamedTuple):
    """A reply that was understood: its HTTP form, its JSON as it came, and its fields.

    ``ref`` is the client reference of the paid request that it answers, else empty.
    """

    http: HttpReply
    json: Any
    fields: ReplyFields
    ref: str = ""


def submit(request: InvocationRequest, timing: Timing) -> Flow[ParsedReply]:
    """Invoke the action and read its reply.

    Raises ``OutcomeUnknown`` when a paid request was sent and nothing tells its outcome, and the
    error that the reply stands for when the server refused.
    """
    if not request.action.paid:
        reply = yield from with_retries(request.as_send(timing), timing)
        return parse_reply(request, reply)
    post = PaidPost(partial(request.as_send, timing), request.may_resend)
    post.arrived = yield from _record_intent(request, post)
    started = timing.clock()
    try:
        reply = yield from post.send(timing)
    except GeneratorExit:
        raise
    except BaseException as error:
        arrived = post.arrived + (post.is_under_way and may_have_run(error))
        yield from _record_failure(request, error, arrived=arrived)
        raise
    is_timed = request.action.role == "wait" and not post.arrived
    seconds = timing.clock() - started if is_timed else None
    return (yield from _settle(request, reply, earlier=post.arrived, seconds=seconds))


def _record_intent(request: InvocationRequest, post: PaidPost) -> Flow[int]:
    """Record the request before it is sent; return 1 where an equal one was sent before, else 0.

    Raises ``UsageError`` when another request used the reference, unless it was the same request
    and the server honours the key.
    """
    try:
        yield Record("intent", request.ref, request.facts)
    except ReferenceUsed:
        if not (yield from post.may_repeat()):
            raise
        yield Record("intent", request.ref, {**request.facts, "repeat": True})
        return 1
    return 0


def may_have_run(error: BaseException) -> bool:
    """Tell whether a request that ended with ``error`` may have run on the server.

    A ``UsageError`` is raised before anything is sent, a ``ServerError`` for a refusal; a redirect
    may be either.
    """
    if isinstance(error, ServerError):
        return error.may_have_run
    return not isinstance(error, UsageError)


def _record_failure(
    request: InvocationRequest, error: BaseException, *, arrived: int
) -> Flow[None]:
    """Record that no reply came; raise ``OutcomeUnknown`` in place of our own errors.

    ``arrived`` counts the requests that may have reached the server.
    """
    reason = error.message if isinstance(error, CallsheetError) else type(error).__name__
    has_reply = isinstance(error, ServerError)
    state = "unknown" if arrived else "refused" if has_reply else "unsent"
    yield from record_leniently(Record(state, request.ref, {"error": reason}))
    if arrived and isinstance(error, CallsheetError):
        reason = reason if has_reply else f"no answer came back ({reason})"
        raise _unknown(request, reason, arrived=arrived) from error


def _settle(
    request: InvocationRequest, reply: HttpReply, *, earlier: int, seconds: float | None
) -> Flow[ParsedReply]:
    """Read the reply to a paid request and record its outcome.

    Raises the error of a refusal; ``OutcomeUnknown``, with a copy of the reply on disk, where the
    request may have run all the same.
    ``earlier`` counts the attempts before this one that may have arrived too; ``seconds`` is how
    long a blocking action took.
    """
    raw = safe_text(reply.body[:RAW_LIMIT].decode("utf-8", "replace"), multiline=True)
    try:
        parsed = parse_reply(request, reply)
    except CallsheetError as error:
        is_unread = isinstance(error, Unreadable | MayHaveRun | DownloadError)
        is_open = is_unread or _may_have_run(request, reply)
        first = {"@status": reply.status, "@text": raw}
        if not (is_open or earlier):
            refusal = {"error": error.message, "reply": raw, "first_reply": first}
            yield from record_leniently(Record("refused", request.ref, refusal))
            raise
        values = {"error": error.message, "reply": raw, "first_reply": first}
        values["task_ids"] = task_ids = _task_ids_of(request, reply, error)
        yield from record_leniently(Record("unknown", request.ref, values))
        keep = KeepReply(request.ref, reply.body, _why(request, reply))
        path = reply.file.path if reply.file else (yield keep)
        raise _unknown(
            request, error.message, arrived=earlier + 1, reply=reply, raw=raw, copy_path=path,
            task_id=next(iter(task_ids), None),
        ) from None  # fmt: skip
    yield from record_leniently(_event(request, parsed, seconds))
    return parsed


def _why(request: InvocationRequest, reply: HttpReply) -> tuple[str, ...]:
    """Return the lines that say how a reply that is not understood was read; none for an error."""
    if not 200 <= reply.status < 300:
        return ()
    try:
        return request.read(read_body(reply, request.read, request.action.id)).why()
    except CallsheetError:
        return ()


def _event(request: InvocationRequest, parsed: ParsedReply, seconds: float | None) -> Record:
    """Return the ledger's event for a reply that was understood."""
    fields = parsed.fields
    values: dict[str, Any] = {"said": fields.raw_state, **charge_of(parsed)}
    values["first_reply"] = {"@status": parsed.http.status, "@body": parsed.json}
    if {"idempotency-key", "idempotent-replayed"} & set(parsed.http.headers):
        values["idempotency"] = True
    if request.action.role == "query":  # the ids are those of a job that has its own row
        is_proof = proves_question(request, parsed)
        return Record("asked" if is_proof else "done", request.ref, values | {"reply": parsed.json})
    values["task_ids"] = list(fields.task_ids)
    is_open = fields.state == "running" or (request.action.role and not fields.state)
    is_open = is_open or (_can_be_asked(request) and not fields.media)  # the job itself says more
    if fields.task_ids and is_open:
        return Record("accepted", request.ref, values)
    state = "done" if fields.state in {"", "running"} else fields.state
    reply = parsed.json if parsed.http.file is None else parsed.http.file.describe()
    values |= {"reply": reply, "seconds": seconds if state == "done" else None}
    return Record(state, request.ref, values)


def charge_of(parsed: ParsedReply) -> dict[str, Any]:
    """Return ``cost`` and ``cost_unit`` for the ledger, as a reply or its headers state them.

    ``refund`` is what a failed job gave back: its amount (None for all of it) and its unit.
    """
    if parsed.fields.state == "failed":
        from callsheet.protocol.charges import refund_in

        refund = refund_in(parsed.json)
        if refund is not None:
            amount = float(refund.amount) if refund.amount.is_finite() else None
            return _charge_of(parsed) | {"refund": (amount, refund.unit)}
    return _charge_of(parsed)


def _charge_of(parsed: ParsedReply) -> dict[str, Any]:
    cost, headers = parsed.fields.cost, parsed.http.headers
    if cost is None and not any("cost" in name or "credit" in name for name in headers):
        return {"cost": None}
    from callsheet.protocol.charges import charge_in

    charge = charge_in(parsed.json, headers)
    if charge is None:
        return {"cost": cost}
    return {"cost": float(charge.amount), "cost_unit": charge.unit or None}


def _can_be_asked(request: InvocationRequest) -> bool:
    family = request.action.family
    return request.action.role == "create" and family is not None and bool(family.query)


def proves_question(request: InvocationRequest, parsed: ParsedReply) -> bool:
    """Tell whether a reply shows that the action only asks."""
    family = request.action.family or Family()
    task_id = request.value.get(family.task_key) if isinstance(request.value, dict) else None
    return tells_of_job(family, str(task_id), parsed)


def tells_of_job(family: Family, task_id: str, parsed: ParsedReply) -> bool:
    """Tell whether an answer tells of a job: it holds the id, in any place, and a state.

    One of the two is enough where the words of the family are those of jobs.
    """
    from callsheet.protocol.media import holds_text

    has_state, has_id = bool(parsed.fields.state), holds_text(parsed.json, task_id)
    return has_state or has_id if family.by_words else has_state and has_id


class MayHaveRun(ServerError):
    """An HTTP 200 that refuses a paid request, though it may have been charged.

    It reports 408 or 5xx, or names a task: ``task_ids``.
    """

    task_ids: tuple[str, ...] = ()


def _may_have_run(request: InvocationRequest, reply: HttpReply) -> bool:
    from callsheet.protocol.error_replies import may_have_run_despite

    return may_have_run_despite(reply.status, reply.headers, reply.body, request.value)


def _task_ids_of(request: InvocationRequest, reply: HttpReply, error: CallsheetError) -> list[str]:
    """Return the task ids in a reply that leaves the outcome unknown."""
    if isinstance(error, MayHaveRun):
        return list(error.task_ids)
    try:
        return list(request.read(json.loads(reply.body)).task_ids)
    except (ValueError, RecursionError):
        return []


def parse_reply(request: InvocationRequest, reply: HttpReply) -> ParsedReply:
    """Read a successful reply; raise ``Unreadable``, or the error that a refusal stands for.

    A paid refusal that names a task may come back as a running job: see ``_keep_task``.
    """
    if not 200 <= reply.status < 300:
        raise _error(request, reply)
    data = None if reply.status == NO_CONTENT else read_body(reply, request.read, request.action.id)
    if reply.file is not None and reply.file.is_medium:
        from callsheet.flows.bodies import medium_fields

        fields = medium_fields(reply.file, request.expected)
    else:
        fields = request.read(data)
    if _may_name_link(request, reply, data, fields):
        from callsheet.flows.bodies import with_poll_link

        data, fields = with_poll_link(fields, reply, data)
    if request.action.paid and not fields.task_ids and fields.state == "failed":
        fields = with_refusal(fields, data, request.action.role)
    if fields.refusal is not None:
        is_open = fields.task_ids or fields.candidates or fields.refusal.may_have_run
        if request.action.paid and is_open:
            return _keep_task(request, ParsedReply(reply, data, fields), fields.refusal)
        raise _error(request, reply)
    family = request.action.family
    if (
        request.action.role in {"create", "wait"}
        and not (fields.task_ids or fields.media or fields.state == "failed")
        and family is not None
        and family.is_documented
    ):
        words = f"; it says: {fields.message}" if fields.message else ""
        raise Unreadable(f"neither a task id nor a result was recognised in the answer{words}")
    if reply.status == ACCEPTED and not fields.state and not request.action.role:
        fields = fields._replace(state="running")
    return ParsedReply(reply, data, fields, request.ref if request.action.paid else "")


def _keep_task(request: InvocationRequest, parsed: ParsedReply, refusal: Refusal) -> ParsedReply:
    """Return a refusal that names a task as a running job; raise ``MayHaveRun`` for any other.

    The server can be asked about such a job, and its reply then decides.
    """
    task_ids = parsed.fields.task_ids
    family = request.action.family
    if task_ids and family is not None and family.query:
        return parsed._replace(fields=parsed.fields._replace(state="running", refusal=None))
    reason = " ".join(filter(None, (refusal.code, refusal.message))) or "an error"
    error = MayHaveRun(f"the answer says {reason!r}", http_status=parsed.http.status)
    error.task_ids = task_ids
    raise error


def _may_name_link(
    request: InvocationRequest, reply: HttpReply, data: Any, fields: ReplyFields
) -> bool:
    """Tell whether a poll link is looked for in a reply."""
    action = request.action
    if fields.media or fields.refusal or fields.state in {"done", "failed"}:
        return False
    if reply.status == ACCEPTED or data is None or (reply.status == CREATED and action.role):
        return action.role != "query"
    return bool(action.paid and fields.task_ids and not (action.family or Family()).query)


def read_body(reply: HttpReply, read: Callable[[Any], ReplyFields], action: str) -> Any:
    """Return the JSON of a reply to ``action``, or what stands for it; raise ``Unreadable``.

    ``read`` reads the fields of one event of a stream.
    """
    if reply.file is None:
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError):
            pass
    from callsheet.flows.bodies import read_unusual
    from callsheet.protocol.media import expected_media, makes_text

    writes = makes_text(action)
    joins_text = writes or not expected_media(action)
    return read_unusual(reply, read, joins_text=joins_text, makes_text=writes)


def _error(request: InvocationRequest, reply: HttpReply) -> CallsheetError:
    from callsheet.protocol.error_replies import error_for

    return error_for(
        reply.status,
        reply.headers,
        reply.body,
        action=request.action.id,
        host=request.host,
        overrides=request.overrides,
        fields=fields_of(request.action, request.value),
    )


def fields_of(action: Action, body: Any) -> tuple[tuple[str, ...], ...]:
    """Return the paths of the fields that a request may have: of its action and of its body."""
    names = body if isinstance(body, dict) else ()
    paths = [*(param.path for param in action.params), *((name,) for name in names)]
    return tuple(dict.fromkeys(paths))


def _unknown(
    request: InvocationRequest,
    reason: str,
    *,
    arrived: int = 1,
    reply: HttpReply | None = None,
    raw: str = "",
    copy_path: str = "",
    task_id: str | None = None,
) -> OutcomeUnknown:
    from callsheet.protocol.error_replies import request_id

    attempts = "it was not sent again"
    if arrived > 1:
        attempts = f"it was sent {arrived} times with one key"
    copy = f"; the whole answer: {copy_path}" if copy_path else ""
    return OutcomeUnknown(
        f"{request.action.id} was sent and its outcome is unknown: {reason}",
        hint=f"{attempts}; see: tasks recover {request.ref[:8]}{copy}",
        action=request.action.id,
        http_status=reply.status if reply else None,
        request_id=request_id(reply.headers) if reply else None,
        raw=raw,
        task_id=task_id,
    )
