"""Provide what both clients are made of: their options, and what they compose of the engine."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from callsheet.config.bindings import Bindings
from callsheet.config.settings import Settings, load
from callsheet.engine.invoke import Engine, require_done
from callsheet.engine.jobs import require_job, started_job
from callsheet.flows.jobs import ask_once
from callsheet.flows.retry import default_timing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn, SupportsIndex

    from callsheet.actions.resolve import ActionSet
    from callsheet.client.hooks import DoneEvent, RequestEvent
    from callsheet.engine.body_files import OpenFile
    from callsheet.engine.result_list import ResultList
    from callsheet.flows.effects import Flow
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.flows.retry import Timing
    from callsheet.model import Model, RootModel
    from callsheet.spec import Action
    from callsheet.storage.ledger import Ledger

    Body = bytes | Mapping[str, Any] | Model | RootModel[Any] | None


T = TypeVar("T")
HttpT = TypeVar("HttpT")
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


class BaseClient(Generic[HttpT]):
    """What both clients are made of; see ``Client`` for the options."""

    _bindings: Bindings = Bindings()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # As packages say it that were generated before what is inside had an underscore.
        cls._bindings = vars(cls).get("bindings", cls._bindings)

    def __init__(
        self,
        *,
        host: str | None = None,
        api_key: str | None = None,
        auth: str | None = None,
        profile: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        ledger: str | os.PathLike[str] | None = DEFAULT_LEDGER,
        insecure_http: bool | None = None,
        transport: HttpT | None = None,
        on_request: Callable[[RequestEvent], object] | None = None,
        on_done: Callable[[DoneEvent], object] | None = None,
        overrides: Mapping[str, str] | None = None,
        settings: Settings | None = None,
        bindings: Bindings | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._bindings = bindings or type(self)._bindings
        flags = {
            "host": host,
            "api_key": api_key,
            "auth": auth,
            "profile": profile,
            "insecure_http": insecure_http,
            "header": [f"{name}:{text}" for name, text in (headers or {}).items()],
        }
        resolved = settings or load(self._bindings, flags=flags)
        self.ledger = _open_ledger(ledger, resolved)
        from callsheet.catalog.host import Host

        timing = timing or default_timing()
        host_actions = Host(resolved, self._bindings, timing, overrides=overrides)
        self._settings = host_actions.settings
        self._engine = Engine(host_actions, self.ledger)
        self._timeout = timeout
        self._models: dict[tuple[str, str], type[Any]] = {}
        self._on_request, self._on_done = on_request, on_done
        self._transport = self._open_transport(transport)

    def _open_transport(self, http: HttpT | None) -> Any:
        """Return the driver that runs flows, over this httpx transport if there is one."""
        raise NotImplementedError

    def __repr__(self) -> str:
        settings = vars(self).get("_settings")  # missing in the traceback of its own making
        host = settings.host if settings is not None else ""
        return f"<{type(self).__name__} of {host or 'no server'}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or copied: it has a key, connections and "
            "a ledger; create one in each process (results, jobs and errors can be passed on)"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the calls so far could not check, one line each; the log has them too."""
        return tuple(self._engine.host.notes)

    def _observed(self, flow: Flow[T]) -> Flow[T]:
        """Return a flow whose requests are told to the hooks of this client, if it has any."""
        if self._on_request is None and self._on_done is None:
            return flow
        from callsheet.client.hooks import Hooks

        hooks = Hooks(self._on_request, self._on_done)
        return hooks.observe(flow, self._settings.host, self._engine.timing.clock)

    def _find(self, action: Action | str) -> Flow[Action]:
        """Return the action of an id; one that is not advertised counts as paid and untyped."""
        if not isinstance(action, str):
            return action
        return (yield from self._engine.host.find(action))

    def _resolve_actions(self, refresh: bool) -> Flow[ActionSet]:
        host = self._engine.host
        return host.surface((yield from host.refresh() if refresh else host.catalogue()))

    def _silence(self, action: Action, timeout: float | None) -> float | None:
        """Return the longest silence of the server in seconds; ``None`` for the usual one.

        An action that blocks is silent as long as its job takes: the client's own does not count.
        """
        return self._timeout if timeout is None and action.role != "wait" else timeout

    def _body(self, action: Action, body: Body, check: bool) -> Flow[Any]:
        """Return a body as JSON, with its local files uploaded; raise as ``fill_files`` does."""
        fields = as_json({} if body is None else body)
        if isinstance(fields, bytes):
            return fields
        from callsheet.engine.body_files import fill_files

        return (yield from fill_files(self._engine, action, fields, check=check))

    def _upload(self, file: str | OpenFile) -> Flow[str]:
        from callsheet.engine.body_files import read_open
        from callsheet.engine.uploading import find_upload_action, store_file

        local = read_open(file)
        store = yield from find_upload_action(self._engine)
        return (yield from store_file(self._engine, store, local))

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
        fields = yield from self._body(resolved, body, check)
        invocation = yield from self._engine.invoke(
            resolved, fields, key=idempotency_key, check=check,
            timeout=self._silence(resolved, None if wait else timeout),
        )  # fmt: skip
        find_job = require_job if wait else started_job
        job = yield from find_job(self._engine, invocation)
        reply = invocation.reply
        if wait:
            reply = yield from ask_once(reply, job, self._engine.timing)
        if wait and job is not None and reply.fields.state in {"", "running"}:
            seconds = job.family.timeout_ms / 1000 if timeout is None else timeout
            reply = yield from self._engine.wait_until_over(job, seconds)
        task_id = next(iter(reply.fields.task_ids or job.task_ids), None) if job else None
        return resolved, require_done(reply, resolved.id, task_id), job

    def _model_of(self, action: Action | str) -> Flow[type[Any]]:
        """Build the model of an action's body; of the same schema it is the same class."""
        resolved = yield from self._find(action)
        schema = yield from self._engine.host.schema(resolved)
        key = (resolved.id, json.dumps(schema, sort_keys=True))
        if key not in self._models:
            from callsheet.client.schema_models import build_model

            self._models[key] = build_model(resolved.id, schema, resolved.doc or resolved.summary)
        return self._models[key]

    def _open_list(self, action: Action | str, body: Body, limit: int | None) -> Flow[ResultList]:
        """Return the list of a free action, before its first page is fetched.

        Raises ``UsageError`` for an action that may cost money.
        """
        from callsheet.engine.invoke import decode
        from callsheet.engine.result_list import ResultList

        fields = as_json({} if body is None else body)
        fields = decode(fields) if isinstance(fields, bytes) else fields
        entries = ResultList(self._engine, (yield from self._find(action)), fields, limit)
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
        fields = yield from self._body(resolved, body, check)
        invocation = yield from self._engine.invoke(
            resolved, fields, key=idempotency_key,
            timeout=self._silence(resolved, timeout), check=check,
        )  # fmt: skip
        job = yield from started_job(self._engine, invocation)
        if job is None:
            from callsheet.errors import ServerError

            raise ServerError(
                f"{resolved.id} answered without a task that can be asked about",
                action=resolved.id,
            )
        return resolved, job, invocation.reply


def _open_ledger(folder: str | os.PathLike[str] | None, settings: Settings) -> Ledger | None:
    """Return the ledger in ``folder`` (or the default one); ``None`` to keep no record."""
    if folder is None:
        return None
    from callsheet.storage.ledger import Ledger

    return Ledger(settings.state_dir if folder == DEFAULT_LEDGER else os.fspath(folder))
