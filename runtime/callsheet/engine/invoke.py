"""Compose flows into calls, jobs and waits."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import is_fresh
from callsheet.config.settings import join_url
from callsheet.engine.budget import Budget
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
from callsheet.protocol.media import NO_MARKS, RequestMarks, expected_media, makes_text
from callsheet.spec import Action
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callsheet.catalog.host import Host
    from callsheet.flows.effects import Flow, JobUpdate
    from callsheet.flows.jobs import Job
    from callsheet.storage.ledger import Ledger
    from callsheet.storage.ledger_entry import LedgerEntry
    from callsheet.storage.output_path import Destination
    from callsheet.storage.partial_file import SavedFile


def encode(value: Any) -> bytes:
    """Encode a body as JSON, in the order of its keys; raises ``InvalidInput``."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the body cannot be written as JSON: {error}") from None


def decode(data: bytes) -> Any:
    """Parse the JSON of a body; raises ``InvalidInput``."""
    try:
        return json.loads(
            data.decode(), object_pairs_hook=reject_duplicates, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not JSON: {error}") from None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def client_reference(key: str | None) -> str:
    """Return ``key`` or a new UUID; raises ``UsageError`` for a key that no header can hold."""
    if key is not None and not re.fullmatch("[!-~]{1,255}", key):
        raise UsageError("an idempotency key is 1 to 255 printable ASCII characters without spaces")
    return key or str(uuid.uuid4())


def require_sendable(action_id: str) -> None:
    """Raise ``UsageError`` for an id that cannot be a segment of a path."""
    if not is_sendable(action_id):
        raise UsageError(f"{one_line(action_id)!r} cannot be the id of an action")


class Invocation(NamedTuple):
    """One invocation and its reply.

    ``ref`` is the client reference, ``started`` a time of day. ``expected`` are the kinds of
    medium that the action makes, ``marks`` those of the request.
    """

    action: Action
    ref: str
    reply: ParsedReply
    started: float
    expected: frozenset[str] = frozenset()
    marks: RequestMarks = NO_MARKS


class Engine:
    """Composes the flows of one host and one ledger; a driver runs them."""

    def __init__(self, host: Host, ledger: Ledger | None) -> None:
        self.host, self.ledger = host, ledger
        self.settings, self.timing = host.settings, host.timing
        self.asked: dict[str, float] = {}  # see ``flows.jobs.Job``
        self.budget = Budget(host, has_ledger=ledger is not None)

    def invoke(
        self,
        action: Action,
        body: bytes | Mapping[str, Any],
        *,
        key: str | None = None,
        timeout: float | None = None,
        check: bool = True,
        target: str = "",
        tell: Callable[[JobUpdate], object] | None = None,
    ) -> Flow[Invocation]:
        """Invoke an action; one that may cost money once. ``body`` is the exact bytes, or JSON.

        ``key`` is the client reference (default: a UUID), ``timeout`` the longest silence in
        seconds. ``target`` is where the result is to be saved; it is recorded with the job.
        ``tell`` gets the updates of a reply that is an event stream.
        Raises any of ``callsheet.errors``.
        """
        data = body if isinstance(body, bytes) else encode(body)
        value = decode(data)
        if check:
            require_sendable(action.id)
            require_files(action.params, value if isinstance(body, bytes) else body)
            yield from self.host.validate(action, value)
        facts: dict[str, Any] = {"target": target or None}
        if self.settings.store_input:
            facts["body"] = data.decode()
        return (
            yield from self.invoke_encoded(
                action, data, value, key=key, timeout=timeout, facts=facts, tell=tell
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
        tell: Callable[[JobUpdate], object] | None = None,
    ) -> Flow[Invocation]:
        """Send bytes that stand for ``value`` unchecked; ``facts`` go to the ledger too."""
        require_sendable(action.id)
        action = yield from self.apply_terms(action)
        if timeout is None:
            timeout = silence_limit(action.role, deadline_of(action, value))
        expected, marks = self._expect(action, value, facts.get("target") or "")
        request = InvocationRequest(
            action=action,
            body=data,
            value=value,
            ref=client_reference(key),
            host=self.settings.require_host(),
            overrides=self.host.overrides,
            timeout=timeout,
            may_resend=lambda: self.may_resend(action),
            headers=headers or {},
            expected=expected,
            marks=marks,
            tell=tell,
        )
        if action.paid:
            priced = yield from self.budget.facts(action, value)
            request = request._replace(facts={**_ledger_facts(request), **priced, **facts})
        started = self.timing.wall()
        reply = yield from self._submit(request)
        return Invocation(action, request.ref, reply, started, expected, marks)

    def _expect(
        self, action: Action, value: Any, target: str
    ) -> tuple[frozenset[str], RequestMarks]:
        """Return the kinds of medium that a reply may hold, and the marks of the request.

        Those of a query are those of its job, where the ledger has the job.
        """
        row = self._queried_row(action, value) if action.role == "query" else None
        if row is not None:
            target = target or row.target or ""
            return expected_media(row.action, target), RequestMarks(row.sent or ())
        target = "" if target and makes_text(action.id) else target
        return expected_media(action.id, target), RequestMarks.of(value)

    def _queried_row(self, action: Action, value: Any) -> LedgerEntry | None:
        """Return the ledger's row of the job that a query names, on this host."""
        if self.ledger is None or action.family is None or not isinstance(value, dict):
            return None
        task_id = value.get(action.family.task_key)
        host = self.settings.host
        row = self.ledger.find(task_id, host=host) if isinstance(task_id, str) else None
        return row if row is not None and row.host == host else None

    def _submit(self, request: InvocationRequest) -> Flow[ParsedReply]:
        if request.action.role != "query":
            return (yield from submit(request, self.timing))
        from callsheet.flows.jobs import submit_query

        return (
            yield from submit_query(request, self.timing, others=lambda: self._other_ids(request))
        )

    def _other_ids(self, request: InvocationRequest) -> tuple[str, ...]:
        """Return the other ids of the job that a query asks about, from the ledger."""
        row = self._queried_row(request.action, request.value)
        task_ids = row.task_ids if row is not None else ()
        return tuple(task_id for task_id in task_ids if task_id not in request.value.values())

    def apply_terms(self, action: Action) -> Flow[Action]:
        """Return the action with this host's word on it, and with what its answers proved."""
        action = yield from self.host.apply_terms(action)
        is_guess = action.role == "query" and action.family is not None and action.family.guessed
        if not is_guess or not action.paid:
            return action
        return action._replace(paid=not (yield from self.is_free_question(action.id)))

    def has_proof(self, query: str) -> bool:
        """Tell whether an answer of this host in the last hour proved that an action only asks."""
        ledger, host, now = self.ledger, self.settings.require_host(), self.timing.wall()
        if not is_fresh(self.asked.get(query), now) and ledger is not None:
            proved_at = ledger.proved_at(host, query)
            if is_fresh(proved_at, now):
                self.asked[query] = proved_at
        return is_fresh(self.asked.get(query), now)

    def is_free_question(self, query: str) -> Flow[bool]:
        """Find out whether a guessed question, or one that was marked billable, costs nothing.

        An answer of this host or its mark of the last hour says so, or the configuration;
        ``billable`` of the host beats that. The result is kept in ``asked``.
        """
        marks = yield from self.host.recent_marks(query)
        from callsheet.actions.families import is_free

        if marks.get("billable") is True:
            self.asked[query] = 0.0
        elif is_free(marks) or self.host.overlay.is_free(query):
            self.asked[query] = self.timing.wall()
        elif not self.has_proof(query) and self.asked.get(query):
            del self.asked[query]  # it was proved too long ago
        return bool(self.asked.get(query))

    def may_resend(self, action: Action) -> Flow[bool]:
        """Find out whether this host honours the key: by a reply or a mark of the last hour.

        A mark in bindings or in an older catalogue counts once the host confirms it, and a reply
        only where the host does not deny it for this action.
        """
        ledger, host = self.ledger, self.settings.require_host()
        has_shown = ledger is not None and ledger.honours_key(host)
        if not (has_shown or action.idempotent):
            return False
        marks = yield from self.host.recent_marks(action.id)
        return marks.get("idempotency", has_shown) is True

    def with_history(self, job: Job) -> Job:
        """Add to a job how long earlier jobs of its action took on this host."""
        if self.ledger is None or job.past:
            return job
        actions = (job.family.create, job.family.wait)
        try:
            return job._replace(past=self.ledger.durations(self.settings.host, *actions))
        except UsageError:  # a ledger that fails now must not cost the caller a paid job
            return job

    def find_row(self, name: str) -> LedgerEntry | None:
        """Return the row of the job that a person names; raise ``UsageError`` for another host."""
        host = self.settings.host
        row = self.ledger.resolve(name, host=host) if self.ledger is not None else None
        if row is not None and row.host != host:
            raise UsageError(
                f"the job {name} is on {row.host}, and this is {host}",
                hint=f"name its host: --host {row.host}",
                flag="--host",
            )
        return row

    def action_of(self, job: Job) -> Action:
        """Return the action of a job, from the cached catalogue where it is there."""
        cached = self.host.cached_action(job.action)
        return cached or Action(id=job.action, family=job.family, media=job.media)

    def query_job(self, job: Job) -> Flow[ParsedReply]:
        """Query a job once; see ``flows.jobs.query_job``."""
        from callsheet.flows.jobs import query_job

        return (yield from query_job(job, self.timing))

    def wait(self, job: Job, timeout: float) -> Flow[ParsedReply]:
        """Wait for a job, at most ``timeout`` seconds; raises ``TaskFailed`` when it failed."""
        reply = yield from self.wait_until_over(job, timeout)
        return require_done(reply, job.action, reply.fields.task_ids[0])

    def wait_until_over(self, job: Job, timeout: float) -> Flow[ParsedReply]:
        """Wait for a job as ``wait`` does, and return the reply of a failed one too."""
        from callsheet.flows.jobs import wait

        deadline = self.timing.clock() + timeout
        return (yield from wait(self.with_history(job), self.timing, deadline=deadline))

    def media_links(self, reply: ParsedReply) -> tuple[str, ...]:
        """Return the media of a reply as absolute links; a relative one is one of the host.

        A medium that was the body itself is a ``file`` link.
        """
        if reply.http.file is not None and reply.http.file.is_medium:
            return reply.fields.media
        links = (join_url(self.settings.host + "/", link) for link in reply.fields.media)
        return tuple(link for link in links if link)

    def save(
        self,
        reply: ParsedReply,
        out: str | Destination,
        *,
        action: str,
        job: Job | None = None,
        force: bool = False,
        manifest: bool = False,
        only: str = "",
        recorded: bool = True,
    ) -> Flow[tuple[SavedFile, ...]]:
        """Fetch the media of a reply; see ``saving.SaveRequest``.

        A ``Destination`` was checked before; a path is resolved and checked now.
        """
        from callsheet.engine.saving import SaveRequest, save
        from callsheet.storage.output_path import Destination, resolve

        host = self.settings.host
        checked = isinstance(out, Destination)
        to = out if isinstance(out, Destination) else resolve(out)
        request = SaveRequest(
            reply, to, action, host, job, force, manifest, only, recorded, checked
        )
        return (yield from save(request, self.timing))


def require_done(reply: ParsedReply, action: str, task_id: str | None) -> ParsedReply:
    """Return the reply; raise ``TaskFailed`` with the server's reason for a failed job."""
    if reply.fields.state != "failed":
        return reply
    reason = reply.fields.message or reply.fields.raw_state or "no reason given"
    raise TaskFailed(f"{action} failed on the server: {reason}", task_id=task_id, action=action)


def _ledger_facts(request: InvocationRequest) -> dict[str, Any]:
    """Return what the ledger records of every request that may cost money."""
    from callsheet.jsonio import digest

    action = request.action
    return {
        "host": request.host,
        "action": action.id,
        "body_digest": digest(request.value),
        "schema_digest": action.digest,
        "family": action.family._asdict() if action.family is not None else None,
        "media": list(action.media),
        "sent": sorted(request.marks.digests),
    }
