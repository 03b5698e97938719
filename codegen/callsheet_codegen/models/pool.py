"""Run the workers that make models, and store what they make."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import CallsheetError
from callsheet.jsonio import digest
from callsheet_codegen.process import python_command, python_environ

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import ThreadPoolExecutor

    from callsheet_codegen.cache import Store


_SECONDS = 30.0
_PER_WORKER = 16

Fields = dict[str, tuple[str, str, bool]]


# The models wanted of one action: class name → (admitted schema, whether it is a reply).
ModelRequest = Mapping[str, tuple[Mapping[str, Any], bool]]


class ModelSource(NamedTuple):
    """The module of one action, or why there is none.

    ``fields`` maps class → field → (wire name, annotation, required), inherited ones included.
    ``roots`` are the classes that are a ``RootModel``; ``refused`` says why there is no module.
    """

    source: str = ""
    fields: Mapping[str, Fields] = {}
    roots: frozenset[str] = frozenset()
    refused: str = ""

    @classmethod
    def of(cls, entry: Any) -> ModelSource:
        """Read what ``as_json`` returned.

        Raises ``KeyError``, ``IndexError``, ``TypeError`` or ``AttributeError`` for anything else.
        """
        fields = {
            str(name): {str(n): (str(row[0]), str(row[1]), bool(row[2])) for n, row in rows.items()}
            for name, rows in entry["fields"].items()
        }
        roots = frozenset(map(str, entry["roots"]))
        return cls(str(entry["source"]), fields, roots, str(entry["refused"]))

    def as_json(self) -> dict[str, Any]:
        """Return the object that a worker answers and a run stores."""
        return {**self._asdict(), "roots": sorted(self.roots)}


# Turns requests into modules, or refusals, under the keys of the requests.
Modeller = Callable[[Mapping[str, ModelRequest]], Mapping[str, ModelSource]]


class Worker:
    """One process of ``callsheet_codegen.models.worker``, started when it is first needed."""

    def __init__(
        self, program: tuple[str, ...] = ("-m", "callsheet_codegen.models.worker")
    ) -> None:
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        self._waiting = False

    def ask(self, request: ModelRequest) -> ModelSource:
        """Return the models of one action, or why there are none (``refused``).

        A process that dies or takes over 30 s is ended, and replaced at the next request. Raises
        ``CallsheetError`` where none can be started.
        """
        process = self._ready()
        guard = threading.Timer(_SECONDS, process.kill)
        guard.start()
        try:
            line = _exchange(process, json.dumps(request))
        except BrokenPipeError:
            line = ""
        finally:
            guard.cancel()
        if not line:
            self.close()
            return ModelSource(refused="the schema takes more time or memory than a schema may")
        return ModelSource.of(json.loads(line))

    def launch(self) -> None:
        """Start the process unless it runs; do not wait until it is ready."""
        if self._process is not None:
            return
        self._process = subprocess.Popen(  # noqa: S603 - no shell; runs our worker, no server text
            python_command(*self._program),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**python_environ(), "PYTHONHASHSEED": "0"},
        )
        self._waiting = True

    def _ready(self) -> subprocess.Popen[str]:
        """Return the process once it is ready; raise ``CallsheetError`` where it does not start."""
        self.launch()
        process = self._process
        if process is None:
            raise CallsheetError("the model generator does not start")
        if self._waiting and not (process.stdout and process.stdout.readline()):
            _, errors = process.communicate()
            self._process = None
            raise CallsheetError(
                f"the model generator does not start: {(errors.splitlines() or ['no reason'])[-1]}",
                hint='pip install "callsheet[codegen]"',
            )
        self._waiting = False
        return process

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        process.wait()


def _exchange(process: subprocess.Popen[str], question: str) -> str:
    """Send one line and return the one that comes back; empty where the process is gone."""
    if process.stdin is None or process.stdout is None:
        return ""
    process.stdin.write(question + "\n")
    process.stdin.flush()
    return process.stdout.readline()


class PendingModels(Mapping[str, ModelSource]):
    """Models by the keys of their requests; looking one up waits for it."""

    def __init__(self, waits: Mapping[str, Callable[[], ModelSource]]) -> None:
        self._waits = waits

    def __getitem__(self, name: str) -> ModelSource:
        return self._waits[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._waits)

    def __len__(self) -> int:
        return len(self._waits)


class ModelPool:
    """A modeller that shares requests among worker processes, up to the number of CPUs."""

    def __init__(self, start: Callable[[], Worker] = Worker) -> None:
        self._start = start
        self._workers: list[Worker] = []
        self._pool: ThreadPoolExecutor | None = None

    def launch(self, requests: int) -> None:
        """Start workers until there is one for every 16 requests, at most one for each CPU."""
        count = max(1, min(os.cpu_count() or 1, requests // _PER_WORKER))
        while len(self._workers) < count:
            self._workers.append(self._start())
            self._workers[-1].launch()

    def __call__(self, requests: Mapping[str, ModelRequest]) -> Mapping[str, ModelSource]:
        """Send all requests; return a mapping that waits for a module when it is looked up.

        The look-up raises ``CallsheetError`` where no worker can be started. Workers end when
        nothing is left to ask.
        """
        if not requests:
            return {}
        from concurrent.futures import ThreadPoolExecutor

        self.launch(len(requests))
        idle = list(self._workers)

        def ask(request: ModelRequest) -> ModelSource:
            worker = idle.pop()
            try:
                return worker.ask(request)
            finally:
                idle.append(worker)

        self._pool = ThreadPoolExecutor(len(idle))
        waits = {name: self._pool.submit(ask, request).result for name, request in requests.items()}
        for _ in self._workers:
            self._pool.submit(lambda: idle.pop().close())
        self._pool.shutdown(wait=False)  # its threads end when nothing is left to ask
        return PendingModels(waits)

    def close(self) -> None:
        """End all workers; requests that were not sent yet are cancelled."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()


def make_models(
    requests: Mapping[str, ModelRequest], *, start: Callable[[], Worker] = Worker
) -> Mapping[str, ModelSource]:
    """Return the module of each request, or its refusal, after waiting for all of them.

    Raises ``CallsheetError`` where no worker can be started.
    """
    models = ModelPool(start)
    try:
        return dict(models(requests))
    finally:
        models.close()


class CachingModeller:
    """A modeller that stores what another one makes. Refusals are not stored: they are retried."""

    def __init__(self, modeller: Modeller, store: Store) -> None:
        self._modeller, self._store = modeller, store

    def __call__(self, requests: Mapping[str, ModelRequest]) -> Mapping[str, ModelSource]:
        """Return stored models, and requested ones, which are stored when they are looked up."""
        digests = {name: digest(request) for name, request in requests.items()}
        keys = {name: f"models/{sha[:2]}/{sha[2:40]}" for name, sha in digests.items()}
        stored = {name: models for name, key in keys.items() if (models := self._load(key))}
        missing = {name: request for name, request in requests.items() if name not in stored}
        pending = self._modeller(missing) if missing else {}

        def wait(name: str) -> ModelSource:
            if name in stored:
                return stored[name]
            models = pending[name]
            if not models.refused:
                self._store.put(keys[name], models.as_json())
            return models

        return PendingModels({name: partial(wait, name) for name in requests})

    def _load(self, key: str) -> ModelSource | None:
        try:
            return ModelSource.of(self._store.get(key))
        except (KeyError, TypeError, AttributeError, IndexError):
            return None
