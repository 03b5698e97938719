"""Provide the synchronous and the asynchronous client."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.client.results import AsyncResult, Result
from callsheet.config.bindings import Bindings
from callsheet.config.settings import Settings, load
from callsheet.engine.invoke import Engine, require_done
from callsheet.engine.jobs import require_job, started_job
from callsheet.errors import CallsheetError
from callsheet.flows.jobs import ask_once
from callsheet.flows.retry import default_timing
from callsheet.text import with_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from types import TracebackType
    from typing import NoReturn, Self, SupportsIndex

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.host import Host
    from callsheet.client.tasks import AsyncTask, AsyncTasks, Task, Tasks
    from callsheet.engine.result_list import ResultList
    from callsheet.flows.effects import Flow, JobUpdate
    from callsheet.flows.invoke import ParsedReply
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
    """Return a copy of a body, or of a part, with JSON objects for generated models."""
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

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or copied: it has a key, connections and "
            "a ledger; create one in each process (results, jobs and errors can be passed on)"
        )

    @property
    def directory(self) -> Host:
        """Return what is known of the server's actions: catalogue, schemas and validation."""
        return self.engine.host

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the calls so far could not check, one line each; the log has them too."""
        return tuple(self.engine.host.notes)

    def _ledger(self, folder: str | None) -> Ledger | None:
        """Return the ledger in ``folder`` (or the default one); ``None`` to keep no record."""
        if folder is None:
            return None
        from callsheet.storage.ledger import Ledger

        return Ledger(self.settings.state_dir if folder == DEFAULT_LEDGER else folder)

    def _find(self, action: Action | str) -> Flow[Action]:
        if not isinstance(action, str):
            return action
        return (yield from self.engine.host.find(action))

    def _resolve_actions(self, refresh: bool) -> Flow[ActionSet]:
        host = self.engine.host
        return host.surface((yield from host.refresh() if refresh else host.catalogue()))

    def _call(
        self,
        action: Action | str,
        body: Body,
        *,
        wait: bool,
        timeout: float | None,
        idempotency_key: str | None,
        check: bool,
    ) -> Flow[tuple[Action, ParsedReply, Job | None]]:
        """Invoke an action and, with ``wait``, wait for its job; return both with the reply.

        The job is ``None`` where none was started. Raises as ``Client.call`` does.
        """
        resolved = yield from self._find(action)
        invocation = yield from self.engine.invoke(
            resolved, as_json({} if body is None else body), key=idempotency_key, check=check,
            timeout=None if wait else timeout,
        )  # fmt: skip
        find_job = require_job if wait else started_job
        job = yield from find_job(self.engine, invocation)
        reply = invocation.reply
        if wait:
            reply = yield from ask_once(reply, job, self.engine.timing)
        if wait and job is not None and reply.fields.state in {"", "running"}:
            seconds = job.family.timeout_ms / 1000 if timeout is None else timeout
            reply = yield from self.engine.wait_until_over(job, seconds)
        task_id = next(iter(reply.fields.task_ids or job.task_ids), None) if job else None
        return resolved, require_done(reply, resolved.id, task_id), job

    def _open_list(self, action: Action | str, body: Body, limit: int | None) -> Flow[ResultList]:
        """Return the list of a free action, before its first page is fetched.

        Raises ``UsageError`` for an action that may cost money.
        """
        from callsheet.engine.invoke import decode
        from callsheet.engine.result_list import ResultList

        fields = as_json({} if body is None else body)
        fields = decode(fields) if isinstance(fields, bytes) else fields
        entries = ResultList(self.engine, (yield from self._find(action)), fields, limit)
        yield from entries.require_free()
        return entries

    def _submit(
        self,
        action: Action | str,
        body: Body,
        *,
        timeout: float | None,
        idempotency_key: str | None,
        check: bool,
    ) -> Flow[tuple[Action, Job, ParsedReply]]:
        """Start a job and return it with its action and reply.

        Raises ``ServerError`` for a reply without a task id, and as ``Client.call`` does.
        """
        resolved = yield from self._find(action)
        invocation = yield from self.engine.invoke(
            resolved, as_json({} if body is None else body), key=idempotency_key,
            timeout=timeout, check=check,
        )  # fmt: skip
        job = yield from started_job(self.engine, invocation)
        if job is None:
            from callsheet.errors import ServerError

            raise ServerError(
                f"{resolved.id} answered without a task that can be asked about",
                action=resolved.id,
            )
        return resolved, job, invocation.reply


class Client(BaseClient):
    """Calls the actions of one server; threads may share a client."""

    def __init__(self, *, transport: Transport | None = None, **options: Any) -> None:
        super().__init__(**options)
        from callsheet.transport.sync import Transport

        self.transport = transport or Transport(self.settings, self.ledger)

    @cached_property
    def tasks(self) -> Tasks:
        """Return the jobs that this client knows of."""
        from callsheet.client.tasks import Tasks

        return Tasks(self)

    def run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T:
        """Run one of the engine's flows; ``tell`` gets each ``JobUpdate``.

        Hints of the errors it raises get the name of the program before each command.
        """
        try:
            return self.transport.run(flow, tell)
        except CallsheetError as error:
            error.hint = with_program(self.bindings.command, error.hint)
            raise

    def find(self, action: Action | str) -> Action:
        """Return the action of this id; one that is not advertised counts as paid and untyped."""
        return self.run(self._find(action))

    def actions(self, *, refresh: bool = False) -> ActionSet:
        """Return the named actions of the server, from the cached catalogue unless ``refresh``."""
        return self.run(self._resolve_actions(refresh))

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
        flow = self._call(
            action, body, wait=wait, timeout=timeout, idempotency_key=idempotency_key, check=check
        )
        return Result(self, *self.run(flow))

    def iterate(
        self,
        action: Action | str,
        body: Body = None,
        *,
        limit: int | None = None,
        check: bool = True,
    ) -> Iterator[Any]:
        """Yield the entries that an action lists, at most ``limit``, asking for further pages.

        Every page is an invocation: an action that may cost money raises ``UsageError`` and is
        not sent. Logs a warning as ``callsheet`` where the list ends too early.
        """
        pages = self.run(self._open_list(action, body, limit))
        yield from self.run(pages.first(check=check))
        while not pages.is_over:
            yield from self.run(pages.following())
        pages.warn()

    def submit(
        self,
        action: Action | str,
        body: Body = None,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        check: bool = True,
    ) -> Task[Any]:
        """Start a job with its create action; raise as ``call`` does.

        ``timeout`` is in seconds, of the longest silence of the server. Raises ``ServerError``
        for a reply without a task id.
        """
        from callsheet.client.tasks import Task

        flow = self._submit(
            action, body, timeout=timeout, idempotency_key=idempotency_key, check=check
        )
        return Task(self, *self.run(flow))

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
        """See ``Client.tasks``."""
        from callsheet.client.tasks import AsyncTasks

        return AsyncTasks(self)

    async def run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T:
        """See ``Client.run``."""
        try:
            return await self.transport.run(flow, tell)
        except CallsheetError as error:
            error.hint = with_program(self.bindings.command, error.hint)
            raise

    async def find(self, action: Action | str) -> Action:
        """See ``Client.find``."""
        return await self.run(self._find(action))

    async def actions(self, *, refresh: bool = False) -> ActionSet:
        """See ``Client.actions``."""
        return await self.run(self._resolve_actions(refresh))

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
        """See ``Client.call``."""
        flow = self._call(
            action, body, wait=wait, timeout=timeout, idempotency_key=idempotency_key, check=check
        )
        return AsyncResult(self, *(await self.run(flow)))

    async def iterate(
        self,
        action: Action | str,
        body: Body = None,
        *,
        limit: int | None = None,
        check: bool = True,
    ) -> AsyncIterator[Any]:
        """See ``Client.iterate``; to be read with ``async for``."""
        pages = await self.run(self._open_list(action, body, limit))
        for entry in await self.run(pages.first(check=check)):
            yield entry
        while not pages.is_over:
            for entry in await self.run(pages.following()):
                yield entry
        pages.warn()

    async def submit(
        self,
        action: Action | str,
        body: Body = None,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        check: bool = True,
    ) -> AsyncTask[Any]:
        """See ``Client.submit``."""
        from callsheet.client.tasks import AsyncTask

        flow = self._submit(
            action, body, timeout=timeout, idempotency_key=idempotency_key, check=check
        )
        return AsyncTask(self, *(await self.run(flow)))

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
