"""Provide the synchronous and the asynchronous client."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.client.results import AsyncResult, Result
from callsheet.config.bindings import Bindings
from callsheet.config.settings import Settings, load
from callsheet.engine.invoke import Engine, Invocation, require_done
from callsheet.flows.jobs import fetch_missing_media
from callsheet.flows.retry import default_timing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.host import Host
    from callsheet.client.tasks import AsyncTask, AsyncTasks, Task, Tasks
    from callsheet.flows.effects import Flow, JobUpdate
    from callsheet.flows.jobs import Job
    from callsheet.flows.retry import Timing
    from callsheet.model import Model, RootModel
    from callsheet.spec import Action
    from callsheet.storage.ledger import Ledger
    from callsheet.transport.aio import AsyncTransport
    from callsheet.transport.sync import Transport

    Body = bytes | Mapping[str, Any] | Model | RootModel[Any] | None


T = TypeVar("T")
DEFAULT_LEDGER = "default"


def as_json(body: Any) -> Any:
    """Return a body, or a part of one, with JSON objects in the place of generated models."""
    if hasattr(body, "model_dump"):
        from callsheet.model import to_wire

        return to_wire(body)
    if isinstance(body, (list, tuple)):
        return [as_json(part) for part in body]
    if isinstance(body, dict):
        return {name: as_json(part) for name, part in body.items()}
    return body


class BaseClient:
    """What both clients are made of: settings, bindings, ledger and engine.

    ``host``, ``api_key``, ``auth`` and ``profile`` win over the environment and over what was
    logged in. ``ledger`` is a folder, or ``None`` to keep no record of paid calls.
    ``overrides`` force how replies are read (see ``protocol.Overrides``).
    """

    bindings: Bindings = Bindings()

    def __init__(
        self,
        *,
        host: str | None = None,
        api_key: str | None = None,
        auth: str | None = None,
        profile: str | None = None,
        insecure_http: bool | None = None,
        ledger: str | None = DEFAULT_LEDGER,
        settings: Settings | None = None,
        bindings: Bindings | None = None,
        timing: Timing | None = None,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        self.bindings = bindings or type(self).bindings
        flags = {
            "host": host,
            "api_key": api_key,
            "auth": auth,
            "profile": profile,
            "insecure_http": insecure_http,
        }
        self.settings = settings or load(self.bindings, flags=flags)
        self.ledger = self._ledger(ledger)
        from callsheet.catalog.host import Host

        host_actions = Host(
            self.settings, self.bindings, timing or default_timing(), overrides=overrides
        )
        self.settings = host_actions.settings
        self.engine = Engine(host_actions, self.ledger)

    @property
    def directory(self) -> Host:
        """Return what is known of the server's actions: catalogue, schemas and validation."""
        return self.engine.host

    def _ledger(self, folder: str | None) -> Ledger | None:
        if folder is None:
            return None
        from callsheet.storage.ledger import Ledger

        return Ledger(self.settings.state_dir if folder == DEFAULT_LEDGER else folder)

    def _job(self, outcome: Invocation) -> Job:
        from callsheet.errors import ServerError

        job = self.engine.job_of(outcome)
        if job is None:
            raise ServerError(
                f"{outcome.action.id} answered without a task that can be asked about",
                action=outcome.action.id,
            )
        return job


class Client(BaseClient):
    """Calls the actions of one server; one client may be shared by threads."""

    def __init__(self, *, transport: Transport | None = None, **options: Any) -> None:
        super().__init__(**options)
        from callsheet.transport.sync import Transport

        self.transport = transport or Transport(self.settings, self.ledger)

    @cached_property
    def tasks(self) -> Tasks:
        """The jobs that this client knows of."""
        from callsheet.client.tasks import Tasks

        return Tasks(self)

    def run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T:
        """Run one of the engine's flows."""
        return self.transport.run(flow, tell)

    def find(self, action: Action | str) -> Action:
        """The action of this id."""
        if not isinstance(action, str):
            return action
        match: Action = self.run(self.engine.host.find(action))
        return match

    def actions(self, *, refresh: bool = False) -> ActionSet:
        """The named actions that the server advertises; from the cache unless told otherwise."""
        flow = self.engine.host.refresh() if refresh else self.engine.host.catalogue()
        return self.engine.host.surface(self.run(flow))

    def call(
        self,
        action: Action | str,
        body: Body = None,
        *,
        wait: bool = False,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        check: bool = True,
    ) -> Result[Any]:
        """Invoke an action exactly once; ``wait`` waits for the job that it may start.

        ``body`` is a mapping, a generated input model (the fields that were set go out, by wire
        name), or JSON as bytes.
        ``timeout`` is in seconds: of the wait, or else of the longest silence of the server.
        Raises any of ``callsheet.errors``.
        """
        found = self.find(action)
        flow = self.engine.invoke(
            found, as_json({} if body is None else body), key=idempotency_key, check=check,
            timeout=None if wait else timeout,
        )  # fmt: skip
        outcome: Invocation = self.run(flow)
        job = self.engine.job_of(outcome)
        answer = outcome.reply
        if wait:
            answer = self.run(fetch_missing_media(answer, job, self.engine.timing))
        if wait and job is not None and answer.fields.state in {"", "running"}:
            from callsheet.client.tasks import Task

            return Task[Any](self, found, job, answer).wait(timeout=timeout)
        require_done(answer, found.id, job.task_ids[0] if job else None)
        return Result(self, found, answer, job)

    def submit(
        self,
        action: Action | str,
        body: Body = None,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        check: bool = True,
    ) -> Task[Any]:
        """Start a job with its create action; raises as ``call`` does."""
        from callsheet.client.tasks import Task

        found = self.find(action)
        outcome = self.run(
            self.engine.invoke(
                found,
                as_json({} if body is None else body),
                key=idempotency_key,
                timeout=timeout,
                check=check,
            )
        )
        return Task(self, found, self._job(outcome), outcome.reply)

    def close(self) -> None:
        """Close connections and the ledger."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(BaseClient):
    """The same names with ``await``; a client belongs to one event loop."""

    def __init__(self, *, transport: AsyncTransport | None = None, **options: Any) -> None:
        super().__init__(**options)
        from callsheet.transport.aio import AsyncTransport

        self.transport = transport or AsyncTransport(self.settings, self.ledger)

    @cached_property
    def tasks(self) -> AsyncTasks:
        """As ``Client.tasks``."""
        from callsheet.client.tasks import AsyncTasks

        return AsyncTasks(self)

    async def run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T:
        """Run one of the engine's flows."""
        return await self.transport.run(flow, tell)

    async def find(self, action: Action | str) -> Action:
        """The action of this id."""
        if not isinstance(action, str):
            return action
        found: Action = await self.run(self.engine.host.find(action))
        return found

    async def actions(self, *, refresh: bool = False) -> ActionSet:
        """As ``Client.actions``."""
        flow = self.engine.host.refresh() if refresh else self.engine.host.catalogue()
        return self.engine.host.surface(await self.run(flow))

    async def call(
        self,
        action: Action | str,
        body: Body = None,
        *,
        wait: bool = False,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        check: bool = True,
    ) -> AsyncResult[Any]:
        """As ``Client.call``."""
        found = await self.find(action)
        flow = self.engine.invoke(
            found, as_json({} if body is None else body), key=idempotency_key, check=check,
            timeout=None if wait else timeout,
        )  # fmt: skip
        outcome: Invocation = await self.run(flow)
        job = self.engine.job_of(outcome)
        answer = outcome.reply
        if wait:
            answer = await self.run(fetch_missing_media(answer, job, self.engine.timing))
        if wait and job is not None and answer.fields.state in {"", "running"}:
            from callsheet.client.tasks import AsyncTask

            return await AsyncTask[Any](self, found, job, answer).wait(timeout=timeout)
        require_done(answer, found.id, job.task_ids[0] if job else None)
        return AsyncResult(self, found, answer, job)

    async def submit(
        self,
        action: Action | str,
        body: Body = None,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        check: bool = True,
    ) -> AsyncTask[Any]:
        """As ``Client.submit``."""
        from callsheet.client.tasks import AsyncTask

        found = await self.find(action)
        outcome = await self.run(
            self.engine.invoke(
                found,
                as_json({} if body is None else body),
                key=idempotency_key,
                timeout=timeout,
                check=check,
            )
        )
        return AsyncTask(self, found, self._job(outcome), outcome.reply)

    async def close(self) -> None:
        """Close connections and the ledger."""
        await self.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
