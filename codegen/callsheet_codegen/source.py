"""Where the catalogue comes from, in order, and the one way it is fetched."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from callsheet.bindings import Bindings
from callsheet.client import Client
from callsheet.errors import AuthError, CallsheetError, UsageError
from callsheet.settings import LOOPBACK, load
from callsheet.snapshot import Snapshot
from callsheet.transport import Transport
from callsheet_codegen.diagnostics import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from callsheet.catalog.catalogue import Catalogue
    from callsheet.flows import Gather, Reply
    from callsheet.settings import Settings
    from callsheet_codegen.config import Config

SANDBOX = "sandbox"
_READY_SECONDS = 20
_WORTH_TELLING = 50
_DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A server to ask. ``name`` goes into the lock, ``why`` says how it was chosen."""

    name: str
    why: str
    settings: Settings


def settings_for(
    config: Config, *, host: str | None, environ: Mapping[str, str] | None
) -> tuple[Settings, str] | None:
    """The settings of the first server in order, ``None`` where only the sandbox is left."""
    bindings = Bindings(command=config.command, env=config.env)
    if host:
        return load(bindings, flags={"host": host}, environ=environ), "--host"
    if config.host:
        return load(bindings, flags={"host": config.host}, environ=environ), "[tool.callsheet] host"
    found = load(bindings, environ=environ)
    if found.host:
        where = found.origins.get("host", "")
        return found, f"`{config.command} login`" if where.startswith("profile") else where
    return None


@contextlib.contextmanager
def choose(
    config: Config, *, host: str | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[Source]:
    """``host``, else the configured one, else that of the login, else a sandbox of our own.

    A sandbox runs as a process while the context lasts.
    """
    found = settings_for(config, host=host, environ=environ)
    if found is not None:
        settings, why = found
        yield Source(name=name_of(settings.origin), why=why, settings=settings)
        return
    with sandbox() as (url, key):
        flags = {"host": url, "api_key": key}
        bindings = Bindings(command=config.command, env=config.env)
        settings = load(bindings, flags=flags, environ=environ)
        yield Source(name=SANDBOX, why="no host is configured", settings=settings)


def name_of(origin: str) -> str:
    """The origin as the lock names it: a loopback port means nothing tomorrow."""
    parts = urlsplit(origin)
    if parts.hostname in LOOPBACK:
        return f"{parts.scheme}://{parts.hostname}"
    return origin


@contextlib.contextmanager
def sandbox() -> Iterator[tuple[str, str]]:
    """Address and key of a sandbox that ends with the context; raises ``UsageError``."""
    words = [sys.executable, "-m", "callsheet_sandbox", "--port", "0", "--print-json"]
    process = subprocess.Popen(  # noqa: S603 - no shell; every word is written above
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            _, why = process.communicate(timeout=_READY_SECONDS)
            raise UsageError(
                f"no server is configured and the sandbox does not start: {_last(why)}",
                hint='name one with --host, or pip install "callsheet[sandbox]"',
            )
        ready = json.loads(line)
        yield ready["url"], ready["key"]
    finally:
        process.terminate()
        process.communicate()


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


class Progress:
    """How far a fetch is: one moving line on a terminal, a line at each quarter elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._moving = stream, stream.isatty()
        self._told = 0

    def __call__(self, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` schemas are here."""
        if total < _WORTH_TELLING:
            return
        quarter = 4 * done // total
        if self._moving:
            end = "\n" if done == total else ""
            self._stream.write(f"\rschemas: {done} of {total}{end}")
        elif quarter > self._told:
            self._told = quarter
            self._stream.write(f"schemas: {done} of {total}\n")
        self._stream.flush()


class _Watched(Transport):
    """A transport that tells how many of the schemas are here."""

    def __init__(self, settings: Settings, progress: Callable[[int, int], None]) -> None:
        super().__init__(settings, None)
        self._progress, self._total, self._done = progress, 0, 0
        self._counting = threading.Lock()

    def _gather(self, gather: Gather) -> tuple[Reply | Exception, ...]:
        self._total, self._done = len(gather.sends), 0
        return super()._gather(gather)

    def _answered(self) -> None:
        with self._counting:
            self._done += 1
            self._progress(self._done, self._total)


def fetch(
    source: Source,
    config: Config,
    *,
    whole: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Snapshot, tuple[Diagnostic, ...]]:
    """The catalogue as a snapshot, and what the reading of it left to say.

    Only what changed since it was last asked for is fetched, unless the ``whole`` is wanted.
    Where nobody said how the key travels, both ways are tried: only GETs are sent.
    Raises what the server's answers stand for, and ``CallsheetError`` for an empty catalogue.
    """
    tell = progress or (lambda done, total: None)
    try:
        found = _catalogue(source.settings, config, tell, whole=whole)
    except AuthError:
        if (
            source.settings.origins.get("auth") != "default"
            or config.overlay.protocol.get("auth")
            or source.settings.key is None
        ):
            raise
        found = _catalogue(source.settings._replace(auth="x-api-key"), config, tell, whole=whole)
    if not found.actions:
        raise CallsheetError(f"{source.settings.host} advertises no action")
    notes = [Diagnostic(level="note", code="catalogue", message=note) for note in found.notes]
    if found.fetched != found.whole and found.apart:
        notes.append(_trusted(found))
    return Snapshot(source.name, found.actions), tuple(notes)


def _trusted(found: Catalogue) -> Diagnostic:
    """That the schemas were not asked for, for the list has not changed."""
    return Diagnostic(
        level="note",
        code="unchanged",
        message="the server says that its list has not changed",
        hint="--refresh asks for every schema; so does the first run of a day",
    )


def _catalogue(
    settings: Settings, config: Config, tell: Callable[[int, int], None], *, whole: bool
) -> Catalogue:
    transport = _Watched(settings, tell)
    overrides = config.overlay.protocol
    with Client(settings=settings, ledger=None, overrides=overrides, transport=transport) as client:
        directory = client.directory
        known = directory.cached()
        every = known is not None and directory.timing.wall() - known.whole > _DAY
        found: Catalogue = client.run(directory.refresh(whole=whole, every=every))
    return found
