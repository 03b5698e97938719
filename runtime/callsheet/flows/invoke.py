"""Send one recorded invocation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import (
    CallsheetError,
    NetworkError,
    OutcomeUnknown,
    ReferenceUsed,
    ServerError,
    UsageError,
)
from callsheet.flows.effects import (
    SILENCE,
    Flow,
    HttpReply,
    KeepReply,
    Record,
    Send,
    Sleep,
    record_leniently,
)
from callsheet.flows.retry import ATTEMPTS, action_path, follow_redirect, pause, with_retries
from callsheet.protocol.replies import read_reply
from callsheet.protocol.request_marks import NO_MARKS, RequestMarks
from callsheet.spec import TIMEOUT_FIELD, Family
from callsheet.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callsheet.flows.retry import Timing
    from callsheet.protocol.error_replies import Refusal
    from callsheet.protocol.overrides import Overrides
    from callsheet.protocol.replies import ReplyFields
    from callsheet.spec import Action, Role


ACCEPTED, NO_CONTENT, SEE_OTHER = 202, 204, 303
RAW_LIMIT = 2000
_GRACE, _LONGEST_DEADLINE = 30.0, 7 * 86_400.0  # seconds


def deadline_of(action: Action, body: Any) -> float:
    """Return the seconds that a job may take: as a blocking request says, else the default."""
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
    """What is to be invoked, as it will go out.

    ``body`` is the exact bytes and ``value`` the same as parsed JSON. ``ref`` is the client
    reference that also travels as ``Idempotency-Key``. ``may_resend`` finds out whether this
    server honours that key; it is asked where a second POST could cost again. ``facts`` go into
    the ledger with the intent. ``expected`` are the kinds of medium that the action makes;
    ``marks`` tell what the request contained that created the job which this one asks about.
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

    def send(self) -> Send:
        """The request; a paid one carries the reference as its idempotency key."""
        headers = {"Content-Type": "application/json", **self.headers}
        if self.action.paid:
            headers["Idempotency-Key"] = self.ref
        return Send("POST", action_path(self.action.id), self.body, headers, self.timeout)


class ParsedReply(NamedTuple):
    """A reply that was understood, with its JSON as it came."""

    http: HttpReply
    json: Any
    fields: ReplyFields


def submit(order: InvocationRequest, timing: Timing) -> Flow[ParsedReply]:
    """Invoke the action and read its answer.

    Raises ``OutcomeUnknown`` when a paid request left and nothing tells what became of it,
    and the error that the answer stands for when the server refused.
    """
    if not order.action.paid:
        reply = yield from with_retries(order.send(), timing)
        return read_answer(order, reply)
    yield from _record_intent(order)
    begun = timing.clock()
    reply, earlier = yield from _paid(order, timing)
    took = timing.clock() - begun if order.action.role == "wait" and not earlier else None
    return (yield from _settle(order, reply, earlier=earlier, took=took))


def _record_intent(order: InvocationRequest) -> Flow[None]:
    """Record the request before it leaves.

    A reference that another request left with is used again only for the same request, and only
    where the server honours it; raises ``UsageError`` otherwise.
    """
    try:
        yield Record("intent", order.ref, order.facts)
    except ReferenceUsed:
        if not (yield from _may_resend(order)):
            raise
        yield Record("intent", order.ref, {**order.facts, "repeat": True})


def _paid(order: InvocationRequest, timing: Timing) -> Flow[tuple[HttpReply, int]]:
    """Make the POST that may cost money; return how many earlier tries may have arrived too.

    Only a lost connection is tried again, and only where the server honours the key or
    nothing can have reached it; an answer, whatever its status, is never asked for twice.
    """
    left = 0
    sending = False
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                sending = True
                return (yield from follow_redirect(order.send())), left
            except NetworkError as error:
                sending = False
                left += error.sent
                if attempt == ATTEMPTS or (left and not (yield from _may_resend(order))):
                    raise
            yield Sleep(pause(None, attempt, throttled=False, timing=timing))
        raise AssertionError("the last attempt returns or raises")
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from _broken_off(order, error, left=left + (sending and _doubtful(error)))
        raise


def _may_resend(order: InvocationRequest) -> Flow[bool]:
    return (yield from order.may_resend()) if order.may_resend is not None else False


def _doubtful(error: BaseException) -> bool:
    """Whether the request that ended so may have been carried out.

    A ``UsageError`` is raised before anything leaves; a redirect says that nothing was done,
    but for 303, which shows the way to a result.
    """
    if isinstance(error, ServerError):
        return error.http_status == SEE_OTHER
    return not isinstance(error, UsageError)


def _broken_off(order: InvocationRequest, error: BaseException, *, left: int) -> Flow[None]:
    """Record that no answer came; raise ``OutcomeUnknown`` in place of our own errors.

    ``left`` counts the requests that may have reached the server.
    """
    what = error.message if isinstance(error, CallsheetError) else type(error).__name__
    answered = isinstance(error, ServerError)
    state = "unknown" if left else "refused" if answered else "unsent"
    yield from record_leniently(Record(state, order.ref, {"error": what}))
    if left and isinstance(error, CallsheetError):
        what = what if answered else f"no answer came back ({what})"
        raise _unknown(order, what, left=left) from error


def _settle(
    order: InvocationRequest, reply: HttpReply, *, earlier: int, took: float | None
) -> Flow[ParsedReply]:
    """Read the answer to a paid request and record what it means.

    ``earlier`` counts the tries before this one that may have arrived too; ``took`` are the
    seconds after which a blocking action answered.
    """
    raw = safe_text(reply.body[:RAW_LIMIT].decode("utf-8", "replace"), multiline=True)
    try:
        answer = read_answer(order, reply)
    except CallsheetError as error:
        unsure = _is_unsure(reply.status) or isinstance(error, Unreadable | Unsettled)
        if not (unsure or earlier):
            refusal = {"error": error.message, "reply": raw}
            yield from record_leniently(Record("refused", order.ref, refusal))
            raise
        values = {"error": error.message, "reply": raw, "task_ids": _ids_of(error)}
        yield from record_leniently(Record("unknown", order.ref, values))
        path = yield KeepReply(order.ref, reply.body)
        raise _unknown(
            order, error.message, left=earlier + 1, reply=reply, raw=raw, kept_at=path
        ) from None
    yield from record_leniently(Record(*_event(order, answer, took)))
    return answer


def _event(
    order: InvocationRequest, answer: ParsedReply, took: float | None
) -> tuple[str, str, dict[str, Any]]:
    reading = answer.fields
    values: dict[str, Any] = {"task_ids": list(reading.task_ids), "cost": reading.cost}
    honours = {"idempotency-key", "idempotent-replayed"} & set(answer.http.headers)
    if honours:
        values["idempotency"] = True
    if reading.state in {"done", "failed"} or not reading.task_ids:
        state = reading.state or "done"
        values |= {"said": reading.raw_state, "reply": answer.json}
        return state, order.ref, {**values, "seconds": took if state == "done" else None}
    return "accepted", order.ref, {**values, "said": reading.raw_state}


class Unreadable(ServerError):
    """A success in which neither a task id nor a result is recognised."""

    code = "unreadable"


class Unsettled(ServerError):
    """An HTTP 200 that refuses a paid request and does not show that nothing was charged.

    It says 408 or 5xx, or it names a task: ``task_ids``.
    """

    task_ids: tuple[str, ...] = ()


def _is_unsure(status: int) -> bool:
    """Tell whether a refusal with this status may come after the request was carried out."""
    return status == 408 or status >= 500


def _ids_of(error: CallsheetError) -> list[str]:
    return list(error.task_ids) if isinstance(error, Unsettled) else []


def read_answer(order: InvocationRequest, reply: HttpReply) -> ParsedReply:
    """The JSON of a success and how it reads; raises the error that a refusal stands for."""
    if not 200 <= reply.status < 300:
        raise _error(order, reply)
    data = None if reply.status == NO_CONTENT else _json(reply.body)
    reading = read_reply(
        data,
        sent=order.value,
        media=order.action.media,
        role=order.action.role,
        overrides=order.overrides,
        expected=order.expected,
        marks=order.marks,
    )
    if reading.refusal is not None:
        if order.action.paid and (reading.task_ids or reading.refusal.is_unsure):
            return _unsettled(order, ParsedReply(reply, data, reading), reading.refusal)
        raise _error(order, reply)
    if order.action.role in {"create", "wait"} and not (
        reading.task_ids or reading.media or reading.state == "failed"
    ):
        raise Unreadable("neither a task id nor a result was recognised in the answer")
    if reply.status == ACCEPTED and not reading.state and not order.action.role:
        reading = reading._replace(state="running")
    return ParsedReply(reply, data, reading)


def _unsettled(order: InvocationRequest, answer: ParsedReply, refusal: Refusal) -> ParsedReply:
    """Return a refusal that names a task as a running job; raise ``Unsettled`` for any other.

    What the server says of the job decides: where it can be asked about, it is.
    """
    task_ids = answer.fields.task_ids
    family = order.action.family
    if task_ids and family is not None and family.query:
        return answer._replace(fields=answer.fields._replace(state="running", refusal=None))
    words = " ".join(filter(None, (refusal.code, refusal.message))) or "an error"
    unsettled = Unsettled(f"the answer says {words!r}", http_status=answer.http.status)
    unsettled.task_ids = task_ids
    raise unsettled


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        page = body.strip()[:1] == b"<"
        what = "an HTML page, not JSON" if page else "not JSON"
        raise Unreadable(f"the answer is {what}") from None


def _error(order: InvocationRequest, reply: HttpReply) -> CallsheetError:
    from callsheet.protocol.error_replies import error_for

    return error_for(
        reply.status,
        reply.headers,
        reply.body,
        action=order.action.id,
        host=order.host,
        overrides=order.overrides,
    )


def _unknown(
    order: InvocationRequest,
    what: str,
    *,
    left: int = 1,
    reply: HttpReply | None = None,
    raw: str = "",
    kept_at: str = "",
) -> OutcomeUnknown:
    from callsheet.protocol.error_replies import request_id

    times = "it was not sent again" if left <= 1 else f"it was sent {left} times with one key"
    copy = f"; the whole answer: {kept_at}" if kept_at else ""
    return OutcomeUnknown(
        f"{order.action.id} was sent and its outcome is unknown: {what}",
        hint=f"{times}; see: tasks recover {order.ref[:8]}{copy}",
        action=order.action.id,
        http_status=reply.status if reply else None,
        request_id=request_id(reply.headers) if reply else None,
        raw=raw,
    )
