"""The jobs that a client knows of: listed, found again, recovered, started anew, forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from callsheet.engine.recovery import Recovery
from callsheet.errors import UsageError
from callsheet.tasks import AsyncTask, Task

if TYPE_CHECKING:
    from callsheet.client import AsyncClient, Client
    from callsheet.engine.work import Engine
    from callsheet.flows import Flow, Job

Rows: TypeAlias = list[dict[str, Any]]


def body_of(recovery: Recovery, name: str) -> tuple[str, bytes]:
    """The action and the body of an earlier job; raises ``UsageError`` where it is not kept."""
    row = recovery.row(name)
    if row["body"] is None:
        raise UsageError(
            f"the body of {name} is not kept here, its digest alone ({row['body_digest'][:16]})"
        )
    return row["action"], row["body"].encode()


class History:
    """What both kinds of client do alike; a row is a job as ``list`` gives it."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self._client = client

    @property
    def _engine(self) -> Engine:
        return self._client.engine

    def list(self, *, limit: int = 50) -> Rows:
        """What the ledger knows, newest first."""
        ledger = self._client.ledger
        return ledger.jobs(limit=limit) if ledger is not None else []

    def forget(self, name: str) -> None:
        """Drop a job from the ledger; the job itself and its files stay."""
        recovery = Recovery(self._engine)
        recovery.ledger.forget(recovery.row(name)["ref"])

    def _recovering(self, name: str, task_id: str | None) -> Flow[Rows]:
        recovery = Recovery(self._engine)
        if task_id is None:
            return (yield from recovery.recover(name))
        return [(yield from recovery.supply(name, task_id))]


class Tasks(History):
    """The jobs of a ``Client``: those in its ledger, and any by its id."""

    _client: Client

    def get(self, name: str) -> Task[Any]:
        """The job with this task id or client reference; nothing is asked of the server yet."""
        job: Job = self._client.run(self._engine.known_job(name))
        return Task(self._client, self._engine.action_of(job), job, None)

    def recover(self, name: str = "", *, task_id: str | None = None) -> Rows:
        """Every job that is unknown or not saved, after the unknown ones were looked up.

        Nothing is sent again. ``name`` narrows it to one job; ``task_id`` says what its task
        id is, where you know it from elsewhere: the server has to know it too.
        """
        return self._client.run(self._recovering(name, task_id))

    def rerun(self, name: str) -> Task[Any]:
        """Start the same job again, as a new one with a reference of its own; it may cost."""
        return self._client.submit(*body_of(Recovery(self._engine), name))


class AsyncTasks(History):
    """The jobs of an ``AsyncClient``."""

    _client: AsyncClient

    async def get(self, name: str) -> AsyncTask[Any]:
        """As ``Tasks.get``."""
        job: Job = await self._client.run(self._engine.known_job(name))
        return AsyncTask(self._client, self._engine.action_of(job), job, None)

    async def recover(self, name: str = "", *, task_id: str | None = None) -> Rows:
        """As ``Tasks.recover``."""
        return await self._client.run(self._recovering(name, task_id))

    async def rerun(self, name: str) -> AsyncTask[Any]:
        """As ``Tasks.rerun``."""
        return await self._client.submit(*body_of(Recovery(self._engine), name))
