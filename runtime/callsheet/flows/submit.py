"""One invocation of one action: recorded before it leaves when it may cost money, sent once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import (
    CallsheetError,
    NetworkError,
    OutcomeUnknown,
    ServerError,
    UsageError,
)
from callsheet.flows.effects import Flow, Record, Reply, Send, Sleep
from callsheet.flows.notes import noted
from callsheet.flows.requests import ATTEMPTS, action_path, followed, pause, retried
from callsheet.protocol.replies import read_reply
from callsheet.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.flows.timing import Timing
    from callsheet.protocol import Overrides, Reading
    from callsheet.spec import Action

NO_CONTENT, SEE_OTHER = 204, 303
RAW_LIMIT = 2000


class Order(NamedTuple):
    """What is to be invoked, as it will go out.

    ``body`` is the exact bytes and ``value`` the same as parsed JSON. ``ref`` is the client
    reference that also travels as ``Idempotency-Key``. ``resend`` is true where this server
    honours that key. ``facts`` go into the ledger with the intent.
    """

    action: Action
    body: bytes
    value: Any
    ref: str
    host: str
    overrides: Overrides
    timeout: float = 60.0
    resend: bool = False
    headers: Mapping[str, str] = {}
    facts: Mapping[str, Any] = {}

    def send(self) -> Send:
        """The request; a paid one carries the reference as its idempotency key."""
        headers = {"Content-Type": "application/json", **self.headers}
        if self.action.paid:
            headers["Idempotency-Key"] = self.ref
        return Send("POST", action_path(self.action.id), self.body, headers, self.timeout)


class Answer(NamedTuple):
    """A reply that was understood, with its JSON as it came."""

    reply: Reply
    json: Any
    reading: Reading


def submit(order: Order, timing: Timing) -> Flow[Answer]:
    """Invoke the action and read its answer.

    Raises ``OutcomeUnknown`` when a paid request left and nothing tells what became of it,
    and the error that the answer stands for when the server refused.
    """
    if not order.action.paid:
        reply = yield from retried(order.send(), timing)
        return read_answer(order, reply)
    yield Record("intent", order.ref, order.facts)
    begun = timing.clock()
    reply, doubtful = yield from _paid(order, timing)
    took = timing.clock() - begun if order.action.role == "wait" and not doubtful else None
    return (yield from _settle(order, reply, doubtful=doubtful, took=took))


def _paid(order: Order, timing: Timing) -> Flow[tuple[Reply, bool]]:
    """The POST that may cost money, and whether an earlier try of it may have arrived.

    Only a lost connection is tried again, and only where the server honours the key or
    nothing can have reached it; an answer, whatever its status, is never asked for twice.
    """
    left = sending = False
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                sending = True
                return (yield from followed(order.send())), left
            except NetworkError as error:
                sending = False
                left = left or error.sent
                if attempt == ATTEMPTS or (left and not order.resend):
                    raise
            yield Sleep(pause(None, attempt, throttled=False, timing=timing))
        raise AssertionError("the last attempt returns or raises")
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from _broken_off(order, error, left=left or (sending and _doubtful(error)))
        raise


def _doubtful(error: BaseException) -> bool:
    """Whether the request that ended so may have been carried out.

    A ``UsageError`` is raised before anything leaves; a redirect says that nothing was done,
    but for 303, which shows the way to a result.
    """
    if isinstance(error, ServerError):
        return error.http_status == SEE_OTHER
    return not isinstance(error, UsageError)


def _broken_off(order: Order, error: BaseException, *, left: bool) -> Flow[None]:
    """Write down that no answer was had; raises ``OutcomeUnknown`` in place of our own errors."""
    what = error.message if isinstance(error, CallsheetError) else type(error).__name__
    answered = isinstance(error, ServerError)
    state = "unknown" if left else "refused" if answered else "unsent"
    yield from noted(Record(state, order.ref, {"error": what}))
    if left and isinstance(error, CallsheetError):
        what = what if answered else f"no answer came back ({what})"
        raise _unknown(order, what) from error


def _settle(order: Order, reply: Reply, *, doubtful: bool, took: float | None) -> Flow[Answer]:
    """Read the answer to a paid request and write down what it means.

    ``took`` are the seconds after which a blocking action answered.
    """
    raw = safe_text(reply.body[:RAW_LIMIT].decode("utf-8", "replace"), multiline=True)
    unsure = reply.status == 408 or reply.status >= 500
    try:
        answer = read_answer(order, reply)
    except CallsheetError as error:
        if not (unsure or doubtful or isinstance(error, Unreadable)):
            yield from noted(Record("refused", order.ref, {"error": error.message, "reply": raw}))
            raise
        yield from noted(Record("unknown", order.ref, {"error": error.message, "reply": raw}))
        raise _unknown(order, error.message, reply=reply, raw=raw) from None
    yield from noted(Record(*_event(order, answer, took)))
    return answer


def _event(order: Order, answer: Answer, took: float | None) -> tuple[str, str, dict[str, Any]]:
    reading = answer.reading
    values: dict[str, Any] = {"task_ids": list(reading.task_ids), "cost": reading.cost}
    honours = {"idempotency-key", "idempotent-replayed"} & set(answer.reply.headers)
    if honours:
        values["idempotency"] = True
    if reading.state in {"done", "failed"} or not reading.task_ids:
        state = reading.state or "done"
        values |= {"said": reading.said, "reply": answer.json}
        return state, order.ref, {**values, "seconds": took if state == "done" else None}
    return "accepted", order.ref, {**values, "said": reading.said}


class Unreadable(ServerError):
    """A success in which neither a task id nor a result is recognised."""

    code = "unreadable"


def read_answer(order: Order, reply: Reply) -> Answer:
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
    )
    if reading.refusal is not None:
        raise _error(order, reply)
    if order.action.role in {"create", "wait"} and not (
        reading.task_ids or reading.media or reading.state == "failed"
    ):
        raise Unreadable("neither a task id nor a result was recognised in the answer")
    return Answer(reply, data, reading)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        page = body.strip()[:1] == b"<"
        what = "an HTML page, not JSON" if page else "not JSON"
        raise Unreadable(f"the answer is {what}") from None


def _error(order: Order, reply: Reply) -> CallsheetError:
    from callsheet.protocol import error_for

    return error_for(
        reply.status,
        reply.headers,
        reply.body,
        action=order.action.id,
        host=order.host,
        overrides=order.overrides,
    )


def _unknown(
    order: Order, what: str, *, reply: Reply | None = None, raw: str = ""
) -> OutcomeUnknown:
    from callsheet.protocol import request_id

    return OutcomeUnknown(
        f"{order.action.id} was sent and its outcome is unknown: {what}",
        hint=f"it was not sent again; see: tasks recover {order.ref[:8]}",
        action=order.action.id,
        http_status=reply.status if reply else None,
        request_id=request_id(reply.headers) if reply else None,
        raw=raw,
    )
