"""Take one row from its request to its file: send or adopt, follow, save."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet import jsonio
from callsheet.batch.driver import BatchTransport, GroupRecorder
from callsheet.batch.results import RowResult
from callsheet.engine.invoke import require_done
from callsheet.engine.jobs import recorded_job, require_job
from callsheet.engine.saving import stored_answer, wants_json_file, write_document
from callsheet.errors import (
    AuthError,
    CallsheetError,
    LimitReached,
    NetworkError,
    OutcomeUnknown,
    ReferenceUsed,
    SavedElsewhere,
    StillRunning,
    TaskFailed,
)
from callsheet.flows.effects import HttpReply, Record, record_leniently
from callsheet.flows.invoke import ParsedReply
from callsheet.flows.jobs import ask_once
from callsheet.protocol.media import RequestMarks, expected_media
from callsheet.protocol.replies import read_reply
from callsheet.storage.output_path import Destination

if TYPE_CHECKING:
    from callsheet.batch.limiter import Limiter
    from callsheet.batch.rows import Row
    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow
    from callsheet.flows.jobs import Job
    from callsheet.spec import Action
    from callsheet.storage.batch_journal import JournalRow
    from callsheet.storage.ledger import Ledger
    from callsheet.storage.ledger_entry import LedgerEntry
    from callsheet.storage.partial_file import SavedFile


SENDING, ASKING, FETCHING = 64, 48, 16
"""Requests under way at once at most: those that cost, questions about jobs, and downloads."""
SPREAD = 0.1
"""The largest part of a pause by which it is made longer at random."""


_FINAL_LIMITS = frozenset(("credit", "budget"))
_STATES = {OutcomeUnknown: "unknown", ReferenceUsed: "unknown", StillRunning: "running"}


class SendingStopped(Exception):
    """Why no further row can be sent; the row at hand was not."""

    def __init__(self, reason: CallsheetError) -> None:
        super().__init__(reason.message)
        self.reason = reason


class RowTask(NamedTuple):
    """One row on its way: its action, its client reference, and the path of its result or ""."""

    row: Row
    action: Action
    entry: JournalRow
    target: str

    def result(self, state: str, error: CallsheetError | None = None, **more: Any) -> RowResult:
        """Return the result of the row in this state."""
        row, reason = self.row, None
        if error is not None:
            reason = {"code": error.code, "message": error.message, "hint": error.hint or None}
            more.setdefault("task_id", error.task_id)
        return RowResult(row.n, row.key, state, row.action, self.entry.ref, error=reason, **more)


class Started(NamedTuple):
    """A request that was answered: its reply, where it is at hand, and the job that it started."""

    reply: ParsedReply | None
    job: Job | None


class RowWorker:
    """Works on rows side by side; see ``run.BatchRun``."""

    def __init__(
        self, engine: Engine, ledger: Ledger, limiter: Limiter, *, timeout: float = 0.0
    ) -> None:
        self._engine, self._ledger, self._limiter = engine, ledger, limiter
        self._timeout, random = timeout, engine.timing.random
        recorder, settings = GroupRecorder(ledger), engine.settings
        self._driver = BatchTransport(settings, ledger, recorder)
        self._asker = BatchTransport(
            settings,
            ledger,
            recorder,
            width=ASKING,
            spread=lambda seconds: seconds * (1 + SPREAD * random()),
        )
        self._sending = asyncio.Semaphore(SENDING)
        self._fetching = asyncio.Semaphore(FETCHING)
        self._following: set[asyncio.Task[Any]] = set()
        self._is_leaving = False

    async def close(self) -> None:
        """Close the connections."""
        await self._driver.close()
        await self._asker.close()

    async def run(self, flow: Flow[Any]) -> Any:
        """Run a flow that belongs to no row."""
        return await self._driver.run(flow)

    def leave(self) -> None:
        """Stop following jobs, now and in future; they go on without this process."""
        self._is_leaving = True
        for task in tuple(self._following):
            task.cancel()

    async def send(self, task: RowTask) -> Started | RowResult:
        """Send a row; return the result where that is its end.

        It is sent again only after the host refused it for its rate. Raises ``SendingStopped``
        where no other row could be sent either.
        """
        while True:
            try:
                async with self._sending:
                    sent = self._engine.timing.clock()
                    started: Started = await self._driver.run(self._start(task))
            except LimitReached as refusal:
                await self._wait_for_turn(refusal, sent)
            except (AuthError, NetworkError) as error:
                raise SendingStopped(error) from error
            except CallsheetError as error:
                if error.code == "ledger":
                    raise SendingStopped(error) from error
                return task.result(_STATES.get(type(error), "refused"), error)
            else:
                self._limiter.note_accepted()
                return started

    async def _wait_for_turn(self, refusal: LimitReached, sent: float) -> None:
        """Give the slot of a refused row back until the host may be asked again.

        ``sent`` is when it was sent, a reading of the clock. Raises ``SendingStopped`` where the
        next turn is not to be waited for.
        """
        limiter = self._limiter
        if refusal.code in _FINAL_LIMITS or not await limiter.note_refused(
            refusal.retry_after, sent
        ):
            raise SendingStopped(refusal)
        limiter.give_back()
        try:
            may_send = await limiter.free()
        finally:
            limiter.take()
        if not may_send:
            raise SendingStopped(refusal)

    def _start(self, task: RowTask) -> Flow[Started]:
        body = jsonio.encode(task.row.body).encode()
        engine = self._engine
        invocation = yield from engine.invoke(
            task.action, body, key=task.entry.ref, check=False, target=task.target
        )
        job = yield from require_job(engine, invocation)
        reply = yield from ask_once(invocation.reply, job, engine.timing)
        return Started(reply, job)

    async def adopt(self, task: RowTask) -> Started | RowResult:
        """Take over a row that another run has sent; return the result where it is over."""
        entry = await asyncio.to_thread(self._ledger.entry, task.entry.ref)
        if entry is None:
            return task.result("unknown")
        if entry.state in {"saved", "failed"}:
            return stored_result(task, entry)
        answer = stored_answer(self._ledger, entry) or _direct_answer(task.action, entry)
        if answer is not None:
            return Started(answer, None)
        try:
            job = await self._driver.run(recorded_job(self._engine, entry, entry.task_ids))
        except CallsheetError as error:
            return task.result("running", error)
        return Started(None, job)

    async def follow(self, task: RowTask, started: Started) -> RowResult:
        """Wait for the job of a row and save what it made.

        Without this process from ``leave`` on: the row is running then.
        """
        current, stage = asyncio.current_task(), "running"
        if self._is_leaving or current is None:
            return task.result(stage, task_id=_task_id(started))
        self._following.add(current)
        try:
            reply = await self._wait(task, started)
            stage = "unsaved" if task.target else "done"
            return await self._save(task, reply, started.job)
        except asyncio.CancelledError:
            if not self._is_leaving:
                raise
            return task.result(stage, task_id=_task_id(started))
        except TaskFailed as error:
            return task.result("failed", error)
        except CallsheetError as error:
            return task.result("running" if isinstance(error, StillRunning) else stage, error)
        finally:
            self._following.discard(current)

    async def _wait(self, task: RowTask, started: Started) -> ParsedReply:
        """Return the last reply about a row; raise as waiting for a job does."""
        reply, job = started
        if job is not None and (reply is None or reply.fields.state in {"", "running"}):
            seconds = self._timeout or job.family.timeout_ms / 1000
            reply = await self._asker.run(self._engine.wait_until_over(job, seconds))
        if reply is None:
            raise StillRunning(
                f"no action is known that asks about {task.action.id}", action=task.action.id
            )
        return require_done(reply, task.action.id, _task_id(Started(reply, job)))

    def _save_media(self, task: RowTask, reply: ParsedReply, job: Job | None) -> Flow[Any]:
        """Save the media of a reply, under a free name beside where the wanted one is taken."""
        to, is_adopted = Destination(task.target), task.entry.job_state != ""
        try:
            saved = yield from self._engine.save(
                reply, to, action=task.action.id, job=job, recorded=not is_adopted
            )
        except SavedElsewhere as error:
            saved = error.files
        if is_adopted:
            saved = tuple(map(_without_double, saved))
            yield from record_leniently(Record("saved", task.entry.ref, {"files": saved}))
        return saved

    async def _save(self, task: RowTask, reply: ParsedReply, job: Job | None) -> RowResult:
        """Save what a row made; raise as ``engine.save`` does."""
        links = () if reply.http.file else self._engine.media_links(reply)
        facts: dict[str, Any] = {
            "task_id": _task_id(Started(reply, job)),
            "url": next(iter(links), None),
            "cost": reply.fields.cost,
        }
        if job is None and not links and reply.http.file is None:
            facts["output"] = reply.json
        if not task.target:
            return task.result("done", **facts)
        flow: Flow[Any]
        if wants_json_file(task.action, reply, task.target):
            flow = write_document(reply.json, Destination(task.target), action=task.action.id)
        else:
            flow = self._save_media(task, reply, job)
        async with self._fetching:
            saved = await self._driver.run(flow)
        files = saved if isinstance(saved, tuple) and not hasattr(saved, "path") else (saved,)
        return task.result("saved", files=files, **facts)


def _without_double(saved: SavedFile) -> SavedFile:
    """Return a file, or the equal one under the name that was wanted, and remove it then.

    A run that was killed may have saved the file and not have noted that.
    """
    match = re.fullmatch(r"(.+)-[0-9]+(\.[^.]*)?", saved.path, re.DOTALL)
    wanted = match[1] + (match[2] or "") if match else ""
    if not wanted or not os.path.isfile(wanted) or os.path.getsize(wanted) != saved.bytes:
        return saved
    with open(wanted, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != saved.sha256:
            return saved
    os.unlink(saved.path)
    return saved._replace(path=wanted)


def stored_result(task: RowTask, entry: LedgerEntry) -> RowResult:
    """Return the result of a row that is over, as the ledger has it."""
    error = None
    if entry.state == "failed":
        error = TaskFailed(entry.error or entry.said or "it failed on the server")
    facts = {"task_id": next(iter(entry.task_ids), None), "cost": entry.cost}
    return task.result(entry.state, error, files=entry.files, is_new=False, **facts)


def _direct_answer(action: Action, entry: LedgerEntry) -> ParsedReply | None:
    """Return the reply to a finished call that started no job, as the ledger has it."""
    if entry.state != "done" or entry.task_ids or entry.reply is None:
        return None
    expected = expected_media(entry.action, entry.target or "")
    marks = RequestMarks(entry.sent or ())
    fields = read_reply(
        entry.reply, media=action.media, role=action.role, expected=expected, marks=marks
    )
    body = json.dumps(entry.reply).encode()
    return ParsedReply(HttpReply(200, {}, body, entry.host), entry.reply, fields, entry.ref)


def _task_id(started: Started) -> str | None:
    job_ids = started.job.task_ids if started.job is not None else ()
    reply_ids = started.reply.fields.task_ids if started.reply is not None else ()
    return next(iter(reply_ids or job_ids), None)
