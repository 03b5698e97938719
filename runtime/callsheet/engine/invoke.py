"""Compose flows into calls, jobs and waits."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.engine.local_files import require_files
from callsheet.errors import InvalidInput, TaskFailed, UsageError
from callsheet.flows.invoke import (
    InvocationRequest,
    ParsedReply,
    deadline_of,
    silence_limit,
    submit,
)
from callsheet.flows.retry import is_sendable
from callsheet.jsonio import reject_duplicates
from callsheet.protocol.media import expected_media
from callsheet.protocol.request_marks import NO_MARKS, RequestMarks
from callsheet.spec import Action
from callsheet.text import one_line
from callsheet.transport.http import require_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.catalog.host import Host
    from callsheet.flows.effects import Flow
    from callsheet.flows.jobs import Job
    from callsheet.spec import Family
    from callsheet.storage.ledger import Ledger, LedgerEntry
    from callsheet.storage.partial_file import SavedFile


def encode(value: Any) -> bytes:
    """JSON as the user gave it: key order and number forms are kept."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the body cannot be written as JSON: {error}") from None


def decode(data: bytes) -> Any:
    """The JSON of a body; raises ``InvalidInput``."""
    try:
        return json.loads(
            data.decode(), object_pairs_hook=reject_duplicates, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not JSON: {error}") from None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def client_reference(key: str | None) -> str:
    """The client reference; raises ``UsageError`` for one that cannot stand in a header."""
    if key is not None and not re.fullmatch("[!-~]{1,255}", key):
        raise UsageError("an idempotency key is 1 to 255 printable ASCII characters without spaces")
    return key or str(uuid.uuid4())


def require_sendable(action_id: str) -> None:
    """Raise ``UsageError`` for an id that cannot be a segment of a path."""
    if not is_sendable(action_id):
        raise UsageError(f"{one_line(action_id)!r} cannot be the id of an action")


class Invocation(NamedTuple):
    """What came of one invocation: the action, the client reference, and the answer.

    ``expected`` are the kinds of medium that the action makes, ``marks`` what the request
    contained.
    """

    action: Action
    ref: str
    reply: ParsedReply
    started: float
    expected: frozenset[str] = frozenset()
    marks: RequestMarks = NO_MARKS


class Engine:
    """Composes flows over one host and one ledger; the drivers run them."""

    def __init__(self, host: Host, ledger: Ledger | None) -> None:
        self.host, self.ledger = host, ledger
        self.settings, self.timing = host.settings, host.timing

    def invoke(
        self,
        action: Action,
        body: bytes | Mapping[str, Any],
        *,
        key: str | None = None,
        timeout: float | None = None,
        check: bool = True,
        target: str = "",
    ) -> Flow[Invocation]:
        """Exactly one invocation; ``body`` goes out as these bytes, or as this JSON.

        ``key`` is the client reference (a UUID when not given), ``timeout`` the longest
        silence in seconds. ``target`` is where the result is meant to be saved: it is kept
        with the job. Raises any of ``callsheet.errors``.
        """
        data = body if isinstance(body, bytes) else encode(body)
        value = decode(data)
        if check:
            require_sendable(action.id)
            require_files(action.params, value)
            yield from self.host.validate(action, value)
        facts: dict[str, Any] = {"target": target or None}
        if self.settings.store_input:
            facts["body"] = data.decode()
        return (
            yield from self.invoke_encoded(
                action, data, value, key=key, timeout=timeout, facts=facts
            )
        )

    def invoke_encoded(
        self,
        action: Action,
        data: bytes,
        value: Any,
        *,
        key: str | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, Any] = {},
    ) -> Flow[Invocation]:
        """Send bytes that stand for ``value`` without a check; see ``invoke``.

        ``facts`` are recorded in the ledger too; ``headers`` are sent with the bytes.
        """
        ref = client_reference(key)
        require_sendable(action.id)
        action = yield from self.host.apply_terms(action)
        if action.paid:
            require_key(self.settings)
        silence = silence_limit(action.role, deadline_of(action, value))
        expected, marks = self._expectations(action, value, facts.get("target") or "")
        order = InvocationRequest(
            action=action,
            body=data,
            value=value,
            ref=ref,
            host=self.settings.require_host(),
            overrides=self.host.overrides,
            timeout=timeout if timeout is not None else silence,
            may_resend=lambda: self._may_resend(action),
            headers=headers or {},
            expected=expected,
            marks=marks,
        )
        if action.paid:
            order = order._replace(facts={**_facts(order), **facts})
        started = self.timing.wall()
        answer = yield from self._answered(order)
        return Invocation(action, order.ref, answer, started, expected, marks)

    def _expectations(
        self, action: Action, value: Any, target: str
    ) -> tuple[frozenset[str], RequestMarks]:
        """Return the kinds of medium that a reply may hold, and the marks of the request.

        A query's are those of the job that it asks about, where the ledger knows the job.
        """
        row = self._row_asked_about(action, value) if action.role == "query" else None
        if row is not None:
            target = target or row.target or ""
            return expected_media(row.action, target), RequestMarks(row.sent or ())
        return expected_media(action.id, target), RequestMarks.of(value)

    def _row_asked_about(self, action: Action, value: Any) -> LedgerEntry | None:
        """Return the ledger's row of the job that a query names, on this host."""
        name = value.get(action.family.task_key) if action.family and isinstance(value, dict) else 0
        row = self.ledger.find(name) if self.ledger is not None and isinstance(name, str) else None
        return row if row is not None and row.host == self.settings.host else None

    def _answered(self, order: InvocationRequest) -> Flow[ParsedReply]:
        if order.action.role != "query":
            return (yield from submit(order, self.timing))
        from callsheet.flows.jobs import submit_query

        return (yield from submit_query(order, self.timing, others=lambda: self._others(order)))

    def _others(self, order: InvocationRequest) -> tuple[str, ...]:
        """Return the other ids of the job that a query asks about, from the ledger."""
        row = self._row_asked_about(order.action, order.value)
        task_ids = row.task_ids if row is not None else ()
        return tuple(task_id for task_id in task_ids if task_id not in order.value.values())

    def _may_resend(self, action: Action) -> Flow[bool]:
        """Find out whether this host honours the key: by an answer, or its own word, of this hour.

        A mark in bindings or in an old catalogue counts once the host confirms it.
        """
        if self.ledger is not None and self.ledger.honours_key(self.settings.require_host()):
            return True
        if not action.idempotent:
            return False
        marks = yield from self.host.recent_marks(action.id)
        return marks.get("idempotency") is True

    def job_of(self, outcome: Invocation) -> Job | None:
        """The job that an invocation started, if it started one that can be asked about."""
        family, reading = outcome.action.family, outcome.reply.fields
        if family is None or not family.query or not reading.task_ids:
            return None
        from callsheet.flows.jobs import Job, poll_hint

        return Job(
            ref=outcome.ref,
            action=outcome.action.id,
            family=family,
            task_ids=reading.task_ids,
            started=outcome.started,
            host=self.settings.host,
            overrides=self.host.overrides,
            media=outcome.action.media,
            hint=poll_hint(outcome.reply, self.timing.wall()),
            expected=outcome.expected,
            marks=outcome.marks,
        )

    def with_history(self, job: Job) -> Job:
        """A job that is to be waited for, with how long earlier ones of its action took here."""
        if self.ledger is None or job.past:
            return job
        names = (job.family.create, job.family.wait)
        try:
            return job._replace(past=self.ledger.durations(self.settings.host, *names))
        except UsageError:  # a ledger that fails now must not cost the caller a paid job
            return job

    def find_job(self, name: str, family: Family | None = None) -> Flow[Job]:
        """The job with this task id or client reference, from the ledger or as a bare id.

        A bare id needs a family; where only one is advertised, it is that one.
        """
        from callsheet.flows.jobs import Job, job_of

        row = self.ledger.find(name) if self.ledger is not None else None
        if row is not None and row.host != self.settings.host:
            raise UsageError(
                f"the job {name} is on {row.host}, and this is {self.settings.host}",
                hint=f"name its host: {row.host}",
                flag="--host",
            )
        if row is not None and row.task_ids and row.family:
            return job_of(row, self.host.overrides)
        if family is None:
            family = yield from _only_family(self.host, name)
        action_id = family.create or family.wait
        return Job(
            "", action_id, family, (name,), self.timing.wall(), self.settings.require_host(),
            self.host.overrides, expected=expected_media(action_id),
        )  # fmt: skip

    def action_of(self, job: Job) -> Action:
        """The action that a job belongs to, as far as the catalogue at hand knows it."""
        catalogue = self.host.cached()
        known = self.host.surface(catalogue).by_id.get(job.action) if catalogue else None
        return known or Action(id=job.action, family=job.family, media=job.media)

    def query_job(self, job: Job) -> Flow[ParsedReply]:
        """One look at a job."""
        from callsheet.flows.jobs import query_job

        return (yield from query_job(job, self.timing))

    def wait(self, job: Job, timeout: float) -> Flow[ParsedReply]:
        """Wait for a job, at most ``timeout`` seconds; raises ``TaskFailed`` when it failed."""
        answer = yield from self.wait_until_over(job, timeout)
        return require_done(answer, job.action, answer.fields.task_ids[0])

    def wait_until_over(self, job: Job, timeout: float) -> Flow[ParsedReply]:
        """As ``wait``, but a failed job is an answer too."""
        from callsheet.flows.jobs import wait

        deadline = self.timing.clock() + timeout
        return (yield from wait(self.with_history(job), self.timing, deadline=deadline))

    def media_links(self, answer: ParsedReply) -> tuple[str, ...]:
        """The media of an answer as absolute links; a relative one belongs to the host."""
        return media_links(answer, self.settings.host)

    def save(
        self,
        answer: ParsedReply,
        out: str,
        *,
        action: str,
        job: Job | None = None,
        force: bool = False,
        manifest: bool = False,
    ) -> Flow[tuple[SavedFile, ...]]:
        """Fetch the media of an answer; see ``saves.SaveRequest`` for which, where and how."""
        from callsheet.engine.saving import SaveRequest, save

        what = SaveRequest(answer, out, action, self.settings.host, job, force, manifest)
        return (yield from save(what, self.timing))


def media_links(answer: ParsedReply, host: str) -> tuple[str, ...]:
    """As ``saves.links_of``, whose imports an answer without media does not need."""
    if not answer.fields.media:
        return ()
    from callsheet.engine import saving

    return saving.media_links(answer, host)


def require_done(answer: ParsedReply, action: str, task_id: str | None) -> ParsedReply:
    """The answer, or ``TaskFailed`` with the server's own words."""
    if answer.fields.state != "failed":
        return answer
    words = answer.fields.message or answer.fields.raw_state or "no reason given"
    raise TaskFailed(f"{action} failed on the server: {words}", task_id=task_id, action=action)


def _facts(order: InvocationRequest) -> dict[str, Any]:
    """Return what the ledger always keeps of a request that may cost money."""
    from callsheet.jsonio import digest

    action = order.action
    return {
        "host": order.host,
        "action": action.id,
        "body_digest": digest(order.value),
        "schema_digest": action.digest,
        "family": action.family._asdict() if action.family is not None else None,
        "media": list(action.media),
        "sent": sorted(order.marks.digests),
    }


def _only_family(host: Host, name: str) -> Flow[Family]:
    catalogue = yield from host.catalogue()
    actions = host.surface(catalogue).actions
    found = {action.family for action in actions if action.family is not None}
    if len(found) == 1:
        return found.pop()
    raise UsageError(
        f"nothing here knows the task {name}",
        hint="ask with the query command of its group, by --task-id",
    )
