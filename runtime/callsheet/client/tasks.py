"""Follow, list and recover tasks, synchronously and asynchronously."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from callsheet.client.results import (
    AsyncResult,
    Detachable,
    Result,
    copy_into,
    require_binary,
)
from callsheet.engine.invoke import require_done
from callsheet.engine.jobs import find_job
from callsheet.engine.recovery import Recovery
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from callsheet.client.results import SaveTarget, _AwaitedClient, _ClientState, _SyncClient
    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow, JobUpdate
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.spec import Action
    from callsheet.storage.ledger_entry import LedgerEntry
    from callsheet.storage.partial_file import SavedFile


class TaskEntry(NamedTuple):
    """A job as the ledger has it; ``client.tasks.get(entry.ref)`` returns the job itself.

    ``id`` is its task id, ``ref`` the client reference. ``state`` is as last recorded: running,
    done, saved, failed, unknown, refused, unsent or intent. ``prompt`` is that of the input, else
    its first text; empty where inputs are not stored. ``cost`` is in the server's own unit,
    ``seconds`` is how long the job took.
    """

    id: str | None
    ref: str
    action: str
    state: str
    host: str
    created: datetime
    prompt: str
    model: str
    file: str | None
    files: tuple[SavedFile, ...]
    cost: float | None
    error: str | None
    seconds: float | None

    @classmethod
    def of(cls, row: LedgerEntry, state: str) -> TaskEntry:
        """Return the entry of a row of the ledger, in the state that it is shown in."""
        return cls(
            id=next(iter(row.task_ids), None),
            created=datetime.fromtimestamp(row.created, UTC),
            file=next((file.path for file in row.files), None),
            **{name: getattr(row, name) for name in _SAME},
            state=state,
        )


_SAME = ("ref", "action", "host", "prompt", "model", "files", "cost", "error", "seconds")
Entries: TypeAlias = list[TaskEntry]


def stored_request(recovery: Recovery, name: str) -> tuple[str, bytes]:
    """Return (action id, body) of an earlier job, by its task id or reference.

    Raises ``UsageError`` where the ledger has no such job, or its digest alone.
    """
    row = recovery.row(name)
    if row.body is None:
        digest = (row.body_digest or "")[:16]
        raise UsageError(f"the body of {name} is not stored here, its digest alone ({digest})")
    return row.action, row.body.encode()


class History:
    """Base of ``Tasks`` and ``AsyncTasks``: what only reads or writes the ledger.

    ``name`` is a task id, a client reference, or the start of one; ``@1`` is the newest job.
    """

    def __init__(self, client: _ClientState) -> None:
        self._client = client

    @property
    def _engine(self) -> Engine:
        return self._client._engine

    def list(
        self,
        *,
        search: str = "",
        since: datetime | timedelta | None = None,
        state: str = "",
        action: str = "",
        limit: int = 50,
    ) -> Entries:
        """Return the last ``limit`` jobs of the ledger, newest first; none without a ledger.

        ``search`` holds words that all occur in the input, the ids or the files, ``since`` is the
        earliest start or the greatest age, ``action`` a part of its id. Nothing is sent.
        """
        ledger = self._client.ledger
        if ledger is None:
            return []
        from callsheet.storage.ledger_search import JobFilter

        begun = datetime.now(UTC) - since if isinstance(since, timedelta) else since
        only = JobFilter(search, begun.timestamp() if begun else 0.0, state, action)
        return [
            TaskEntry.of(row, ledger.state_of(row)) for row in ledger.jobs(limit=limit, only=only)
        ]

    def forget(self, name: str) -> None:
        """Delete a job from the ledger; the job on the server and its files stay.

        Raises ``UsageError`` where the ledger has no such job.
        """
        recovery = Recovery(self._engine)
        recovery.ledger.forget(recovery.row(name).ref)

    def _recover(self, name: str, task_id: str | None) -> Flow[Entries]:
        """Look jobs up as ``Tasks.recover`` does; return their entries."""
        recovery = Recovery(self._engine)
        if task_id is None:
            rows = yield from recovery.recover(name)
        else:
            rows = [(yield from recovery.supply(name, task_id))]
        return [TaskEntry.of(row, recovery.ledger.state_of(row)) for row in rows]


class Tasks(History):
    """The jobs of a ``Client``: those in its ledger, and any by its id."""

    _client: _SyncClient

    def get(self, name: str) -> Task[Any]:
        """Return the job with this task id or reference; its state is not asked for yet.

        An id that the ledger does not have needs a server with a single family of jobs. Raises
        ``UsageError`` for a job of another host, ``StillRunning`` where nothing can query it.
        """
        job: Job = self._client._run(find_job(self._engine, name))
        return Task(self._client, self._engine.action_of(job), job, None)

    def recover(self, name: str = "", *, task_id: str | None = None) -> Entries:
        """Look up jobs that may have run; return them and all jobs not saved yet.

        No job is started again. ``name`` narrows it to one job; ``task_id`` supplies the task id
        of that job, where you know it from elsewhere: the server is asked to confirm it.
        """
        return self._client._run(self._recover(name, task_id))

    def rerun(self, name: str) -> Task[Any]:
        """Start an earlier job again, as a new one with its own reference; it may cost.

        Raises ``UsageError`` where its body is not stored, and as ``Client.submit`` does.
        """
        task: Task[Any] = self._client.submit(*stored_request(Recovery(self._engine), name))
        return task


class AsyncTasks(History):
    """The jobs of an ``AsyncClient``."""

    _client: _AwaitedClient

    async def get(self, name: str) -> AsyncTask[Any]:
        """See ``Tasks.get``."""
        job: Job = await self._client._run(find_job(self._engine, name))
        return AsyncTask(self._client, self._engine.action_of(job), job, None)

    async def recover(self, name: str = "", *, task_id: str | None = None) -> Entries:
        """See ``Tasks.recover``."""
        return await self._client._run(self._recover(name, task_id))

    async def rerun(self, name: str) -> AsyncTask[Any]:
        """See ``Tasks.rerun``."""
        body = stored_request(Recovery(self._engine), name)
        task: AsyncTask[Any] = await self._client.submit(*body)
        return task


T = TypeVar("T")


class TaskState(Detachable, Generic[T]):
    """A job and its state as last queried; a copy has the data alone and cannot query.

    ``ref`` is the client reference, ``action`` the id of the action that started it.
    """

    _client: _ClientState

    def __init__(
        self, client: _ClientState, action: Action, job: Job, answer: ParsedReply | None
    ) -> None:
        self._client, self._action, self._job = client, action, job
        self._answer = answer
        self.ref = job.ref
        self.action = job.action

    @property
    def id(self) -> str:
        """Return the task id: of several, the first in the server's last reply."""
        task_ids = self._answer.fields.task_ids if self._answer else ()
        return (task_ids or self._job.task_ids)[0]

    @property
    def state(self) -> str:
        """Return ``running``, ``done`` or ``failed``; ``running`` before the first query."""
        return (self._answer.fields.state if self._answer else "") or "running"

    @property
    def raw_state(self) -> str:
        """Return the state as the server spells it; "" before the first query."""
        return self._answer.fields.raw_state if self._answer else ""

    @property
    def progress(self) -> float | None:
        """Return the progress, 0 to 1; ``None`` where the server does not state it."""
        return self._answer.fields.progress if self._answer else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} of {self.action}: {self.state}>"

    def _query(self) -> Flow[None]:
        """Query the job and keep the reply."""
        self._answer = yield from self._client._engine.query_job(self._job)

    def _cancel(self) -> Flow[None]:
        """Ask the server to stop the job; raise as ``Task.cancel`` does."""
        from callsheet.engine.recovery import cancel

        yield from cancel(self._client._engine, self._job)

    def _save(self, target: SaveTarget, *, force: bool, manifest: bool) -> Flow[SavedFile]:
        """Save the media of the job, after waiting for it where needed; return the first file."""
        from callsheet.storage.output_path import check_out

        save = partial(self._client._engine.save, action=self._action.id, job=self._job)
        if isinstance(target, str | os.PathLike):
            path = os.fspath(target)
            to = check_out(path, action=self._action.id, force=force, manifest=manifest)
            reply = yield from self._finished()
            return (yield from save(reply, to, force=force, manifest=manifest))[0]
        require_binary(target, manifest=manifest)
        reply = yield from self._finished()
        return (yield from copy_into(target, partial(save, reply, recorded=False)))[0]

    def _finished(self) -> Flow[ParsedReply]:
        """Return the reply of the finished job, after waiting for it where needed."""
        reply = self._answer
        if reply is None or self.state != "done" or not reply.fields.media:
            reply = yield from self._wait(None)
        return reply

    def _wait(self, timeout: float | None) -> Flow[ParsedReply]:
        """Wait until the job is over, keep and return the reply; raise as ``Task.wait`` does."""
        seconds = self._job.family.timeout_ms / 1000 if timeout is None else timeout
        self._answer = yield from self._client._engine.wait_until_over(self._job, seconds)
        return require_done(self._answer, self.action, self.id)


class Task(TaskState[T]):
    """A job of a ``Client``; made again from its id with ``client.tasks.get(id)``."""

    _client: _SyncClient

    def refresh(self) -> Task[T]:
        """Query the job once, update its state in place, and return it."""
        self._client._run(self._query())
        return self

    def wait(
        self,
        *,
        timeout: float | None = None,
        on_update: Callable[[JobUpdate], object] | None = None,
    ) -> Result[T]:
        """Wait until the job is done; ``timeout`` is in seconds (default: the action's own).

        ``on_update`` is called with each change. Raises ``StillRunning`` at the time-out (the job
        goes on), ``TaskFailed``, and errors of the queries.
        """
        return self._result(self._client._run(self._wait(timeout), on_update))

    def watch(self, *, timeout: float | None = None) -> Iterator[JobUpdate]:
        """Wait as ``wait`` does, and yield the job's updates meanwhile."""
        flow = self._client._observed(self._wait(timeout))
        yield from self._client._transport.iterate(flow, [])

    def save(self, path: SaveTarget, *, force: bool = False, manifest: bool = False) -> SavedFile:
        """Wait until the job is done, then save its media and return the first file.

        See ``Result.save`` for the arguments; raises as that and ``wait`` do.
        """
        return self._client._run(self._save(path, force=force, manifest=manifest))

    def cancel(self) -> None:
        """Ask the server to stop the job; raises ``UsageError`` where it offers no such action."""
        self._client._run(self._cancel())

    def _result(self, answer: ParsedReply) -> Result[T]:
        return Result(self._client, self._action, answer, self._job)


class AsyncTask(TaskState[T]):
    """A job of an ``AsyncClient``."""

    _client: _AwaitedClient

    async def refresh(self) -> AsyncTask[T]:
        """See ``Task.refresh``."""
        await self._client._run(self._query())
        return self

    async def wait(
        self,
        *,
        timeout: float | None = None,
        on_update: Callable[[JobUpdate], object] | None = None,
    ) -> AsyncResult[T]:
        """See ``Task.wait``; cancelling it leaves the job alive."""
        return self._result(await self._client._run(self._wait(timeout), on_update))

    async def watch(self, *, timeout: float | None = None) -> AsyncIterator[JobUpdate]:
        """See ``Task.watch``."""
        flow = self._client._observed(self._wait(timeout))
        async for update in self._client._transport.iterate(flow, []):
            yield update

    async def save(
        self, path: SaveTarget, *, force: bool = False, manifest: bool = False
    ) -> SavedFile:
        """See ``Task.save``."""
        return await self._client._run(self._save(path, force=force, manifest=manifest))

    async def cancel(self) -> None:
        """See ``Task.cancel``."""
        await self._client._run(self._cancel())

    def _result(self, answer: ParsedReply) -> AsyncResult[T]:
        return AsyncResult(self._client, self._action, answer, self._job)
