"""R24: a refusal after which something may have been charged is unknown, and its ids are kept."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from unit.servers import Said, Seen, said, serving

from callsheet.errors import CallsheetError
from callsheet.spec import Action, Family
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.tally import Tally
    from unit.servers import Server

    from callsheet.storage.ledger_entry import LedgerEntry

FAMILY = Family(create="v.make", wait="v.make_and_wait", query="v.query")
ACTIONS = {
    "a job": Action(id="v.make", role="create", family=FAMILY),
    "a blocking action": Action(id="v.make_and_wait", role="wait", family=FAMILY),
    "a plain action": Action(id="v.plain"),
}
FAULTS = (
    (500, "Server exception, please contact us"),
    (503, "node busy"),
    (504, "upstream did not answer"),
    (408, "the work took too long"),
    ("500", ""),
    ("504", "try again"),
    (524, "a timeout occurred"),
    ("INTERNAL_ERROR", "oops"),
    ("InternalError.Timeout", "An error has occurred"),
    ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    ("ServiceUnavailable", "down"),
    ("gateway-timeout", "no answer from upstream"),
    (50013, "worker lost"),
    (1, "Internal server error"),
    ("FAIL", "request timed out"),
    (-1, ""),
    (10001, "服务器内部错误"),
    (9, "Something went wrong"),
    (2, "unexpected error"),
)
"""Codes and messages of a server that failed over a request, perhaps after it was charged."""
STYLES: dict[str, Callable[[Any, str], Any]] = {
    "code, message": lambda code, text: {"code": code, "message": text},
    "code, msg, no data": lambda code, text: {"code": code, "msg": text, "data": None},
    "success false": lambda code, text: {"success": False, "code": code, "message": text},
    "ok false, an error": lambda code, text: {
        "ok": False, "error": {"code": code, "message": text}
    },
    "an error object": lambda code, text: {"error": {"code": code, "message": text}},
    "an error beside an id of the request": lambda code, text: {
        "requestId": "req-7", "error": {"code": code, "message": text}
    },
    "errors": lambda code, text: {"data": None, "errors": [{"code": code, "message": text}]},
    "errors with extensions": lambda code, text: {
        "data": None, "errors": [{"message": text or "failed", "extensions": {"code": code}}]
    },
    "status and error": lambda code, text: {
        "status": "error", "error": {"type": code, "message": text}
    },
    "base_resp": lambda code, text: {"base_resp": {"status_code": code, "status_msg": text}},
    "ret": lambda code, text: {"ret": code, "errmsg": text},
    "json-rpc": lambda code, text: {
        "jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": text}
    },
    "a text of JSON": lambda code, text: {
        "statusCode": 500, "body": json.dumps({"code": code, "message": text})
    },
    "an envelope in an envelope": lambda code, text: {
        "code": 0, "data": {"success": False, "code": code, "message": text}
    },
    "Response.Error": lambda code, text: {
        "Response": {"Error": {"Code": code, "Message": text}, "RequestId": "r-1"}
    },
}  # fmt: skip
WITH_ID: dict[str, Any] = {
    "success false beside a task id": {"success": False, "taskId": "t-9", "message": "slow"},
    "ok 0 beside a job id": {"ok": 0, "job_id": "t-9", "msg": "queue is slow"},
    "code 500, the id in data": {"code": 500, "msg": "db is busy", "data": {"taskId": "t-9"}},
    "code 400, the id in data": {"code": 400, "message": "no", "data": {"task_id": "t-9"}},
    "code 1, the id beside it": {"code": 1, "msg": "no", "task_id": "t-9"},
    "an error beside a task id": {"task_id": "t-9", "error": {"code": "x", "message": "no"}},
    "the id in the error": {"error": {"message": "took too long", "task_id": "t-9"}},
    "the id in the details": {
        "success": False, "error": {"message": "took too long", "details": {"taskId": "t-9"}}
    },
    "a rate limit beside a task id": {
        "success": False, "taskId": "t-9", "message": "too many requests"
    },
    "no credit beside a task id": {
        "success": False, "taskId": "t-9", "message": "insufficient credits"
    },
    "base_resp beside a task id": {
        "task_id": "t-9", "base_resp": {"status_code": 1000, "status_msg": "unknown error"}
    },
    "errors beside data with a task": {
        "data": {"createVideo": {"taskId": "t-9"}}, "errors": [{"message": "notify failed"}]
    },
    "a text of JSON with an id": {
        "statusCode": 500, "body": '{"message": "late", "taskId": "t-9"}'
    },
    "a task object": {"success": False, "message": "late", "task": {"id": "t-9"}},
    "a list of tasks": {"success": False, "message": "late", "tasks": [{"taskId": "t-9"}]},
}  # fmt: skip
"""Refusals that name a task: it may run and cost."""
BY_STATUS = {
    f"HTTP {status}, {name}": said(body, status)
    for status in (500, 502, 504, 408)
    for name, body in (
        ("the id beside it", {"error": "timeout", "taskId": "t-9"}),
        ("the id in data", {"code": status, "data": {"task_id": "t-9"}}),
    )
}


def text(words: str, kind: str = "text/plain") -> Said:
    """Return a reply that is no JSON."""
    return Said(200, words.encode(), {"Content-Type": kind})


_FAILED = {"code": 500, "message": "internal error"}
UNUSUAL = {
    "a line of text": text("Internal Server Error"),
    "a line of text that a proxy wrote": text("upstream request timeout"),
    "a text with a code": text("error: code 504"),
    "a page": text("<html><title>502 Bad Gateway</title></html>", "text/html"),
    "XML": text("<Error><Code>InternalError</Code></Error>", "application/xml"),
    "an event": text(f"event: error\ndata: {json.dumps(_FAILED)}\n\n", "text/event-stream"),
    "an event of text": text("event: error\ndata: timed out\n\n", "text/event-stream"),
    "no event": text(": ping\n\n", "text/event-stream"),
    "lines of JSON": text('{"status": "queued"}\n{"error": {"code": 504, "message": "late"}}\n',
                          "application/x-ndjson"),
    "half an object": text('{"code": 500, "mess', "application/json"),
    "nothing": text("", "application/json"),
    "UTF-16": Said(200, json.dumps(_FAILED).encode("utf-16"), {"Content-Type": "application/json"}),
    "HTTP 300": said({}, 300), "HTTP 304": Said(304), "HTTP 302 without a place": Said(302),
    "HTTP 399": said({}, 399), "HTTP 499": said({"message": "client closed"}, 499),
    "HTTP 600": Said(600), "HTTP 205": Said(205), "HTTP 207": said(_FAILED, 207),
    "HTTP 400 about a code 500": said(_FAILED, 400),
    "HTTP 422 about a code 504": said({"code": 504}, 422),
    "a message alone": said({"message": "Internal server error"}),
    "a detail alone": said({"detail": "timeout"}),
    "a text of JSON alone": said("internal server error"),
    "a state of time": said({"status": "timeout"}),
    "gRPC 14": said({"code": 14, "message": "unavailable", "details": []}),
    "gRPC 13 without words": said({"code": 13, "message": "", "details": []}),
    "a number without words": said({"code": 5001, "message": "", "request_id": "r-1"}),
    "a word without words": said({"request_id": "r-1", "code": "InternalError", "message": ""}),
    "five layers": said({"data": {"data": {"data": {"data": _FAILED}}}}),
}  # fmt: skip
"""Replies that are no usual refusal, and tell no outcome either."""
CONFLICT = {"HTTP 409, the id of a task": said({"message": "still running", "taskId": "t-9"}, 409)}
SURE = {
    "no credit": {"code": 402, "message": "Insufficient credits"},
    "the key": {"success": False, "message": "Invalid API key"},
    "a field": {"success": False, "error": {"message": "prompt is required", "field": "prompt"}},
    "a rate limit": {"code": 429, "msg": "Too many requests"},
    "what the model refuses": {"base_resp": {"status_code": 1026, "status_msg": "sensitive words"}},
    "an id of the request": {"id": "req_1", "error": {"code": "x", "message": "no credits left"}},
    "an error that is named": {"error": True, "message": "Model is not available"},
}
"""Refusals that cost nothing: they show that the campaign does not just see everything unknown."""


class ReplyCase(NamedTuple):
    """A reply to a paid action: ``ids`` are to be kept, and ``is_sure`` means not charged."""

    name: str
    action: str
    reply: Said
    ids: tuple[str, ...] = ()
    is_sure: bool = False


def cases() -> list[ReplyCase]:
    """Return every style with every fault, then replies with ids, then sure refusals."""
    actions = itertools.cycle([name for name in ACTIONS for _ in stage.DRIVERS])
    found = [
        ReplyCase(f"{style}: {code!r} {text!r}", next(actions), said(make(code, text)))
        for (style, make), (code, text) in itertools.product(STYLES.items(), FAULTS)
    ]
    named = {**{name: said(body) for name, body in WITH_ID.items()}, **BY_STATUS, **CONFLICT}
    for (name, reply), action in itertools.product(named.items(), ACTIONS):
        found.append(ReplyCase(f"{name}, {action}", action, reply, ("t-9",)))
    for (name, reply), action in itertools.product(UNUSUAL.items(), ACTIONS):
        found.append(ReplyCase(f"{name}, {action}", action, reply))
    for (name, body), action in itertools.product(SURE.items(), ACTIONS):
        found.append(ReplyCase(f"{name}, {action}", action, said(body), is_sure=True))
    return found


def judge(tally: Tally, case: ReplyCase, row: LedgerEntry | None, posts: int) -> None:
    """Hold one POST and a row that says what is known."""
    tally.ran(case.name)
    tally.hold(posts == 1, case.name, posts, "POSTs")
    if not tally.hold(row is not None, case.name, "no row in the ledger") or row is None:
        return
    if case.is_sure:
        tally.hold(row.state == "refused", case.name, "cost nothing, and is", row.state)
        return
    allowed = {"unknown", "running"} if case.ids else {"unknown"}
    tally.hold(row.state in allowed, case.name, "may have cost, and is", row.state)
    kept = [name for name in case.ids if name in row.task_ids]
    tally.hold(kept == list(case.ids), case.name, "ids kept:", row.task_ids)
    tally.hold("req-7" not in row.task_ids, case.name, "the id of the request was kept")


def play_all(
    tally: Tally, chosen: list[ReplyCase], server: Server, home: Path, driver: str
) -> None:
    """Play cases with one client."""
    settings = stage.settings_for(server.url, home)

    async def steps(client: Any, wait: Any) -> None:
        for number, case in enumerate(chosen):
            server.answer = lambda request, case=case: answer_of(case, request)  # type: ignore[misc]  # bound early
            server.seen.clear()
            ref = f"r-{number:08d}"
            try:
                call = client.call(ACTIONS[case.action], {}, check=False, idempotency_key=ref)
                await wait(call)
            except CallsheetError:
                pass
            judge(tally, case, Ledger(settings.state_dir).find(ref), count(server, case))

    stage.run(settings, steps, stage.Play(driver))


def answer_of(case: ReplyCase, request: Seen) -> Said:
    """Return the reply of a case; questions about the job are never answered."""
    is_paid = request.path.endswith(ACTIONS[case.action].id)
    return case.reply if is_paid else said({"error": "no such task"}, 404)


def count(server: Server, case: ReplyCase) -> int:
    """Return how often the paid action was sent."""
    return sum(post.path.endswith(ACTIONS[case.action].id) for post in server.posts())


def play(tally: Tally, *, every: int) -> None:
    """Play every case, or each that ``every`` reaches, by clients of every kind in turn."""
    chosen = cases()[::every]
    for number, driver in enumerate(stage.DRIVERS):
        with tempfile.TemporaryDirectory() as folder, serving(said({})) as server:
            play_all(tally, chosen[number::3], server, Path(folder), driver)
