"""Represent results and raw responses."""

from __future__ import annotations

import io
import os
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from callsheet.errors import UsageError
from callsheet.masking import masked, masked_document
from callsheet.protocol.error_replies import request_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Protocol

    from callsheet.config.bindings import Bindings
    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow, JobUpdate
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.spec import Action
    from callsheet.storage.ledger import Ledger
    from callsheet.storage.partial_file import SavedFile


T = TypeVar("T")
SaveTarget: TypeAlias = str | os.PathLike[str] | IO[bytes]
"""Where a medium is saved: a path, or a file that is open for writing bytes."""

if TYPE_CHECKING:

    class _ClientState(Protocol):
        """What results and jobs need of the client that made them, sync or async."""

        @property
        def _engine(self) -> Engine: ...
        @property
        def _bindings(self) -> Bindings: ...
        @property
        def ledger(self) -> Ledger | None: ...
        @property
        def _transport(self) -> Any: ...

        def _observed(self, flow: Flow[T]) -> Flow[T]: ...

    class _SyncClient(_ClientState, Protocol):
        """A client that runs a flow to its end."""

        def _run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T: ...
        def submit(self, action: Action | str, body: bytes) -> Any: ...

    class _AwaitedClient(_ClientState, Protocol):
        """A client whose ``_run`` is awaited."""

        async def _run(
            self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None
        ) -> T: ...
        async def submit(self, action: Action | str, body: bytes) -> Any: ...


class Response(NamedTuple):
    """The HTTP side of an answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    request_id: str | None


class _NoClient:
    """The client of a copy: using it raises ``UsageError``."""

    def __getattr__(self, name: str) -> Any:
        raise UsageError(
            "this is a copied or unpickled result or job: it has the data, but no client",
            hint="use the original, or get the job by its id: client.tasks.get(ID)",
        )


class Detachable:
    """A result or job, which is copied and pickled without its client."""

    _client: Any

    def __getstate__(self) -> dict[str, Any]:
        return {name: part for name, part in vars(self).items() if name != "_client"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _client=_NoClient())


class ResultState(Detachable, Generic[T]):
    """One answer; a copy has the data alone and saves nothing.

    ``json`` is the reply as it came, ``data`` its content as the generated model, or as plain JSON
    where no output is advertised; in both a key that the server repeats is masked. ``media`` holds
    the media, each an absolute link (``http``, ``data``, or ``file`` for a reply that is the medium
    itself) with a ``save`` of its own.
    """

    _client: _ClientState
    _copied: tuple[tuple[str, ...], float | None] | None = None
    _saved: tuple[SavedFile, ...] = ()

    def __init__(
        self, client: _ClientState, action: Action, answer: ParsedReply, job: Job | None
    ) -> None:
        self._client, self._answer, self._job = client, answer, job
        self._data: Any = None
        self._package = client._bindings.package
        self._called, self.action = action, action.id
        self._module = action.result or action.module
        self.json: Any = masked_document(answer.json, answer.http.body)
        self.task_id = answer.fields.task_ids[0] if answer.fields.task_ids else None
        headers = {name: masked(header) for name, header in answer.http.headers.items()}
        self.response = Response(answer.http.status, headers, request_id(headers))

    @property
    def data(self) -> T:
        """Return the content as the generated model, else as plain JSON; built on first access.

        Fields that the model does not have are kept, values that do not fit stay JSON.
        """
        if self._data is None:
            payload = masked_document(self._answer.fields.payload, self._answer.http.body)
            self._data = _read_typed(self._package, self._module, payload)
        content: T = self._data
        return content

    @property
    def cost(self) -> float | None:
        """Return what the server says that this cost, now or before; ``None`` where it is silent.

        A copy knows what was known when it was made.
        """
        if self._copied is not None:
            return self._copied[1]
        if self._answer.fields.cost is not None or self._client.ledger is None:
            return self._answer.fields.cost
        ref = self._job.ref if self._job is not None else self._answer.ref
        row = self._client.ledger.find(ref) if ref else None
        return row.cost if row is not None else None

    @property
    def _links(self) -> tuple[str, ...]:
        """Return the links of the media; of a copy, those at the time it was made."""
        if self._copied is not None:
            return self._copied[0]
        return self._client._engine.media_links(self._answer)

    def _save_flow(self, target: SaveTarget, **options: Any) -> Flow[tuple[SavedFile, ...]]:
        """Save the media of the answer, or its JSON where that is the result; return the files.

        ``options`` are those of ``Result.save``, and ``only``: the link of the one medium to save.
        """
        if not isinstance(target, str | os.PathLike):
            require_binary(target, manifest=options.pop("manifest", False))
            options.pop("force", None)
            return (yield from copy_into(target, partial(self._save_to, recorded=False, **options)))
        self._saved = yield from self._save_to(os.fspath(target), **options)
        return self._saved

    def _save_to(self, path: str, **options: Any) -> Flow[tuple[SavedFile, ...]]:
        from callsheet.engine.saving import wants_json_file, write_document

        if not options.get("only") and wants_json_file(self._called, self._answer, path):
            force = options.get("force", False)
            json_flow = write_document(self.json, path, action=self.action, force=force)
            return ((yield from json_flow),)
        flow = self._client._engine.save(
            self._answer, path, action=self.action, job=self._job, **options
        )
        return (yield from flow)

    def __getstate__(self) -> dict[str, Any]:
        copied = (self._links, self.cost)
        return {**super().__getstate__(), "_job": None, "_copied": copied}

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the saved files, else the media by their links."""
        from callsheet.client.notebook import figure

        kinds = {medium.link: medium.kind for medium in self._answer.fields.candidates}
        raw = self._answer.fields.media
        links = [
            (link, kinds.get(raw[index], "") if index < len(raw) else "")
            for index, link in enumerate(self._links)
        ]
        cost = "" if self.cost is None else f", cost {self.cost:g}"
        files = [file.path for file in self._saved]
        caption = " ".join([f"{self.action}, HTTP {self.response.status}{cost}", *files])
        return figure(caption, links, self._saved)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.action}, HTTP {self.response.status}>"


def copy_into(
    file: IO[bytes], save_to: Callable[[str], Flow[tuple[SavedFile, ...]]]
) -> Flow[tuple[SavedFile, ...]]:
    """Save to a temporary path and copy the first file into an open one; return what was copied.

    Its ``path`` is the name of the open file, or ``""``. Raises as ``save_to`` does.
    """
    import shutil
    import tempfile

    name = getattr(file, "name", "")
    name = name if isinstance(name, str) else ""
    with tempfile.TemporaryDirectory(prefix="callsheet-") as folder:
        path = os.path.join(folder, "medium" + os.path.splitext(name)[1])
        saved = (yield from save_to(path))[0]
        with open(saved.path, "rb") as source:
            shutil.copyfileobj(source, file)
    return (saved._replace(path=name),)


def require_binary(file: IO[bytes], *, manifest: bool = False) -> None:
    """Raise ``UsageError`` for an open file that takes no bytes, or no manifest beside it."""
    if isinstance(file, io.TextIOBase) or not file.writable():
        raise UsageError(
            f"{file!r} takes no bytes", hint='open it with the mode "wb", or give a path'
        )
    if manifest:
        raise UsageError("a manifest lies beside a file: give a path instead of an open one")


class ResultMedium(str):
    """The link of one medium of a ``Result``, which is saved by its ``save``."""

    _save: Callable[..., SavedFile]

    def __new__(cls, link: str, save: Callable[..., SavedFile]) -> ResultMedium:
        """Return the link, with the function that saves what it leads to."""
        medium = str.__new__(cls, link)
        medium._save = save
        return medium

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    def save(self, path: SaveTarget, *, force: bool = False, manifest: bool = False) -> SavedFile:
        """Save this medium to ``path``; see ``Result.save``."""
        return self._save(path, force=force, manifest=manifest)


class AsyncResultMedium(str):
    """The link of one medium of an ``AsyncResult``."""

    _save: Callable[..., Awaitable[SavedFile]]

    def __new__(cls, link: str, save: Callable[..., Awaitable[SavedFile]]) -> AsyncResultMedium:
        """Return the link, with the function that saves what it leads to."""
        medium = str.__new__(cls, link)
        medium._save = save
        return medium

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    async def save(
        self, path: SaveTarget, *, force: bool = False, manifest: bool = False
    ) -> SavedFile:
        """See ``ResultMedium.save``."""
        return await self._save(path, force=force, manifest=manifest)


class Result(ResultState[T]):
    """The answer to a call of a ``Client``."""

    _client: _SyncClient

    @property
    def media(self) -> tuple[ResultMedium, ...]:
        """Return the media of the answer as links, each with a ``save``."""
        return tuple(ResultMedium(link, partial(self._save_one, link)) for link in self._links)

    def _save_one(self, link: str, path: SaveTarget, **options: bool) -> SavedFile:
        return self._client._run(self._save_flow(path, only=link, **options))[0]

    def save(self, path: SaveTarget, *, force: bool = False, manifest: bool = False) -> SavedFile:
        """Fetch the first medium to ``path`` and return its file.

        All media go into a folder (``path`` ends in ``/``) or a template, and the first file comes
        back. A result without media is written as JSON. ``manifest`` writes ``PATH.json`` beside
        it. A file that is open for writing bytes gets the first medium, and the job does not
        count as saved. Raises ``UsageError`` when the file exists and ``force`` is not given,
        ``SavedElsewhere`` when the name is taken while it is fetched (the file has a free one
        beside it), ``DownloadError`` when it cannot be fetched or written.
        """
        return self._client._run(self._save_flow(path, force=force, manifest=manifest))[0]

    def save_all(
        self, path: str | os.PathLike[str], *, force: bool = False, manifest: bool = False
    ) -> tuple[SavedFile, ...]:
        """Save as ``save`` does and return every file; a template for several has ``{index}``."""
        return self._client._run(self._save_flow(path, force=force, manifest=manifest))


class AsyncResult(ResultState[T]):
    """The answer to a call of an ``AsyncClient``."""

    _client: _AwaitedClient

    @property
    def media(self) -> tuple[AsyncResultMedium, ...]:
        """Return the media of the answer."""
        return tuple(AsyncResultMedium(link, partial(self._save_one, link)) for link in self._links)

    async def _save_one(self, link: str, path: SaveTarget, **options: bool) -> SavedFile:
        return (await self._client._run(self._save_flow(path, only=link, **options)))[0]

    async def save(
        self, path: SaveTarget, *, force: bool = False, manifest: bool = False
    ) -> SavedFile:
        """See ``Result.save``."""
        flow = self._save_flow(path, force=force, manifest=manifest)
        return (await self._client._run(flow))[0]

    async def save_all(
        self, path: str | os.PathLike[str], *, force: bool = False, manifest: bool = False
    ) -> tuple[SavedFile, ...]:
        """See ``Result.save_all``."""
        return await self._client._run(self._save_flow(path, force=force, manifest=manifest))


def _read_typed(package: str, module: str, payload: Any) -> Any:
    """Read a payload into the package's model of a module; return it as it is without a model."""
    if not package or not module:
        return payload
    from importlib import import_module

    try:
        model = import_module(f"{package}.models.{module}").OUTPUT
    except (ImportError, AttributeError):
        return payload
    if model is None:
        return payload
    from callsheet.model import read_leniently

    return read_leniently(model, payload)
