"""Provide the synchronous and the asynchronous client."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.client.calls import BaseClient
from callsheet.client.results import AsyncResult, Result
from callsheet.errors import CallsheetError
from callsheet.text import with_program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Self, Unpack

    import httpx

    from callsheet.actions.resolve import ActionSet
    from callsheet.batch.results import RowResult
    from callsheet.client.batches import BatchArguments
    from callsheet.client.calls import Body
    from callsheet.client.tasks import AsyncTask, AsyncTasks, Task, Tasks
    from callsheet.engine.body_files import OpenFile
    from callsheet.flows.effects import Flow, JobUpdate
    from callsheet.spec import Action
    from callsheet.transport.aio import AsyncTransport
    from callsheet.transport.sync import Transport


T = TypeVar("T")


class Client(BaseClient["httpx.BaseTransport"]):
    """Calls the actions of one server: ``host``, with ``api_key`` as ``auth`` says.

    What is not given comes from the environment, or from ``profile`` as it was logged in.
    ``headers`` go where the key goes, beside those of the login.
    ``timeout`` is in seconds, of the longest silence of the server in a call that does not block
    until its job is over (default: 60). ``ledger`` is the folder of the record of paid calls;
    ``None`` keeps no record. ``insecure_http`` allows plain http to other hosts than this machine.
    ``transport`` is an httpx transport, for special networks and tests. ``on_request`` and
    ``on_done`` are called before each request and after it; what they raise is logged as
    ``callsheet`` and changes nothing. ``overrides`` force how
    replies are read: the table ``protocol`` of the configuration. ``settings``, ``bindings`` and
    ``timing`` are for programs that resolve them themselves. Threads may share a client.
    """

    _transport: Transport

    def _open_transport(self, http: httpx.BaseTransport | None) -> Transport:
        from callsheet.transport.sync import Transport

        return Transport(self._settings, self.ledger, http=http)

    @cached_property
    def tasks(self) -> Tasks:
        """Return the jobs that this client knows of."""
        from callsheet.client.tasks import Tasks

        return Tasks(self)

    def _run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T:
        """Run one of the engine's flows; ``tell`` gets each ``JobUpdate``.

        Hints of the errors it raises get the name of the program before each command.
        """
        try:
            return self._transport.run(self._observed(flow), tell)
        except CallsheetError as error:
            error.hint = with_program(self._bindings.command, error.hint)
            raise

    def actions(self, *, refresh: bool = False) -> ActionSet:
        """Return the named actions of the server, from the cached catalogue unless ``refresh``."""
        return self._run(self._resolve_actions(refresh))

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
        name), or JSON as bytes. In a media field of a mapping a ``pathlib.Path`` or an open file
        is uploaded first; a text is sent as it is.
        ``timeout`` is in seconds: of the wait, or else of the longest silence of the server.
        Raises any of ``callsheet.errors``.
        """
        flow = self._call(
            action, body, wait=wait, timeout=timeout, idempotency_key=idempotency_key, check=check
        )
        return Result(self, *self._run(flow))

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
        pages = self._run(self._open_list(action, body, limit))
        yield from self._run(pages.first(check=check))
        while not pages.is_over:
            yield from self._run(pages.following())
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
        return Task(self, *self._run(flow))

    def model_of(self, action: Action | str) -> type[Any]:
        """Build the pydantic model of an action's body from the schema that the server advertises.

        Its fields have Python names; ``call`` and ``submit`` take an instance as they take a
        generated model. Raises ``UsageError`` where there is no schema that can be used.
        """
        return self._run(self._model_of(action))

    def upload(self, file: str | OpenFile) -> str:
        """Store a local file on the server, given by its path or opened, and return its link.

        The same bytes are sent once while their link lives. Raises ``UsageError`` where the
        server offers no action that stores files, and as ``call`` does.
        """
        return self._run(self._upload(file))

    def batch(
        self, action: str, rows: Iterable[Any], **options: Unpack[BatchArguments]
    ) -> Iterator[RowResult]:
        """Send each of ``rows`` as a request of ``action``; yield what became of each as it comes.

        A row is a body, a generated input model, or an object with ``input`` and ``id``, ``out`` or
        ``action``. All are checked before the first is sent, and no row is sent twice: the same
        call again goes on. See ``BatchArguments``. Raises ``UsageError`` where nothing was sent,
        and at the end what kept rows from being sent.
        """
        from callsheet.client.batches import iterate_aside

        return iterate_aside(self, action, rows, options)

    def close(self) -> None:
        """Close connections and the ledger."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(BaseClient["httpx.AsyncBaseTransport"]):
    """As ``Client``, with methods that are awaited; event loops may share a client."""

    _transport: AsyncTransport

    def _open_transport(self, http: httpx.AsyncBaseTransport | None) -> AsyncTransport:
        from callsheet.transport.aio import AsyncTransport

        return AsyncTransport(self._settings, self.ledger, http=http)

    @cached_property
    def tasks(self) -> AsyncTasks:
        """See ``Client.tasks``."""
        from callsheet.client.tasks import AsyncTasks

        return AsyncTasks(self)

    async def _run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T:
        """See ``Client._run``."""
        try:
            return await self._transport.run(self._observed(flow), tell)
        except CallsheetError as error:
            error.hint = with_program(self._bindings.command, error.hint)
            raise

    async def actions(self, *, refresh: bool = False) -> ActionSet:
        """See ``Client.actions``."""
        return await self._run(self._resolve_actions(refresh))

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
        return AsyncResult(self, *(await self._run(flow)))

    async def iterate(
        self,
        action: Action | str,
        body: Body = None,
        *,
        limit: int | None = None,
        check: bool = True,
    ) -> AsyncIterator[Any]:
        """See ``Client.iterate``; to be read with ``async for``."""
        pages = await self._run(self._open_list(action, body, limit))
        for entry in await self._run(pages.first(check=check)):
            yield entry
        while not pages.is_over:
            for entry in await self._run(pages.following()):
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
        return AsyncTask(self, *(await self._run(flow)))

    async def model_of(self, action: Action | str) -> type[Any]:
        """See ``Client.model_of``."""
        return await self._run(self._model_of(action))

    async def upload(self, file: str | OpenFile) -> str:
        """See ``Client.upload``."""
        return await self._run(self._upload(file))

    def batch(
        self, action: str, rows: Iterable[Any], **options: Unpack[BatchArguments]
    ) -> AsyncGenerator[RowResult]:
        """See ``Client.batch``; to be read with ``async for``."""
        from callsheet.client.batches import iterate_batch

        return iterate_batch(self, action, rows, options)

    async def close(self) -> None:
        """Close connections and the ledger."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
