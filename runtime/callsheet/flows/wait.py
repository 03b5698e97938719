"""Waiting for a job: its own loop, in which trouble with a poll never ends the job."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import growth, retry_after
from callsheet.errors import AuthError, CallsheetError, NetworkError, ServerError, StillRunning
from callsheet.flows.effects import Flow, Record, Reply, Send, Sleep, Tell, Timing, Update
from callsheet.flows.notes import noted
from callsheet.flows.requests import followed
from callsheet.flows.submit import Answer, Order, action_path, submit
from callsheet.protocol import error_for, read_reply
from callsheet.text import shell_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from callsheet.protocol import Overrides
    from callsheet.spec import Family

UNFOUND_LIMIT = 5
SHORTEST = 0.02  # seconds between two polls, whatever a server hints


class Job(NamedTuple):
    """A job on the server: every id it may be asked by, and how to ask.

    ``started`` is a time of day; ``ref`` is empty for a job that this ledger never saw.
    """

    ref: str
    action: str
    family: Family
    task_ids: tuple[str, ...]
    started: float
    host: str
    overrides: Overrides
    media: tuple[str, ...] = ()


def ask(job: Job, *, timeout: float = 60.0) -> Flow[Answer]:
    """One query: the ids are tried in order, the next one where the server knows not the last.

    Raises what the answer stands for; ``code`` is ``not_found`` when no id is known there.
    """
    answer, _ = yield from _asked(job, timeout)
    return answer


def _asked(job: Job, timeout: float) -> Flow[tuple[Answer, Job]]:
    """The answer to one query, and the job; in both the id that the server knew is in front."""
    refusal: CallsheetError | None = None
    for task_id in job.task_ids:
        body = {job.family.task_key: task_id}
        reply: Reply = yield from followed(
            Send(
                "POST",
                action_path(job.family.query),
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
                timeout,
            )
        )
        answer = _read(job, reply, body)
        if answer is not None:
            ids = tuple(dict.fromkeys((task_id, *job.task_ids)))
            return _about(answer, *ids), job._replace(task_ids=ids)
        refusal = error_for(
            reply.status,
            reply.headers,
            reply.body,
            action=job.family.query,
            host=job.host,
            task_id=task_id,
            overrides=job.overrides,
        )
        if refusal.code != "not_found":
            break
    raise refusal or ServerError(f"{job.action}: the job has no id to ask for")


def query(order: Order, timing: Timing, *, others: Callable[[], Iterable[str]]) -> Flow[Answer]:
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


def _about(answer: Answer, *ids: str) -> Answer:
    """The answer with these ids in front: the server's own may include ones it does not take."""
    found = tuple(dict.fromkeys((*ids, *answer.reading.task_ids)))
    return answer._replace(reading=replace(answer.reading, task_ids=found))


def _read(job: Job, reply: Reply, sent: Any) -> Answer | None:
    """What a reply says of the job; nothing where it is a refusal or no JSON."""
    if not 200 <= reply.status < 300:
        return None
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    reading = read_reply(data, sent=sent, media=job.media, role="query", overrides=job.overrides)
    return Answer(reply, data, reading) if reading.refusal is None else None


def wait(job: Job, timing: Timing, *, deadline: float) -> Flow[Answer]:
    """Poll until the job is done or failed; ``deadline`` is a reading of the measuring clock.

    Raises ``StillRunning`` at the deadline and ``AuthError`` when the key is refused; the job
    is alive in both cases.
    """
    polls = unfound = 0
    asked = job
    while True:
        answer: Answer | None = None
        hint: float | None = None
        try:
            left = deadline - timing.clock()
            answer, asked = yield from _asked(asked, min(60.0, max(1.0, left)))
            hint, unfound = _hint(answer, timing.wall()), 0
        except AuthError:
            raise
        except (NetworkError, ServerError) as error:
            unfound = unfound + 1 if error.code == "not_found" else 0
            if unfound >= UNFOUND_LIMIT:
                raise
        except CallsheetError as error:
            hint = getattr(error, "retry_after", None)
        if answer is not None:
            yield Tell(_update(job, answer, timing))
            if answer.reading.state in {"done", "failed"}:
                yield from _note(job, answer)
                return answer
        polls += 1
        left = deadline - timing.clock()
        if left <= 0:
            raise _still_running(job)
        yield Sleep(min(max(hint, SHORTEST) if hint else growth(polls - 1), left))


def _hint(answer: Answer, now: float) -> float | None:
    said = retry_after(answer.reply.headers.get("retry-after"), now)
    return said or answer.reading.poll_after


def _update(job: Job, answer: Answer, timing: Timing) -> Update:
    reading = answer.reading
    return Update(
        task_id=job.task_ids[0],
        state=reading.state or "running",
        said=reading.said,
        progress=reading.progress,
        elapsed=timing.wall() - job.started,
        reading=reading,
    )


def _note(job: Job, answer: Answer) -> Flow[None]:
    if job.ref:
        reading = answer.reading
        values = {"said": reading.said, "cost": reading.cost, "reply": answer.json}
        values["task_ids"] = list(reading.task_ids)
        yield from noted(Record(reading.state, job.ref, values))


def _still_running(job: Job) -> StillRunning:
    return StillRunning(
        f"stopped waiting for {job.action}; the job goes on as {job.task_ids[0]}",
        hint=f"tasks wait {shell_word(job.task_ids[0])}",
        task_id=job.task_ids[0],
        action=job.action,
    )
