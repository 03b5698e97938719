"""Where the catalogue comes from, in order, and the one way it is fetched."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from callsheet.bindings import Bindings
from callsheet.client import Client
from callsheet.errors import AuthError, CallsheetError, UsageError
from callsheet.settings import LOOPBACK, load
from callsheet.snapshot import Snapshot
from callsheet_codegen.diagnostics import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.catalog.catalogue import Catalogue
    from callsheet.settings import Settings
    from callsheet_codegen.config import Config

SANDBOX = "sandbox"
_READY_SECONDS = 20


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
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and package
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


def fetch(source: Source, config: Config) -> tuple[Snapshot, tuple[Diagnostic, ...]]:
    """The catalogue as a snapshot, and what the reading of it left to say.

    Where nobody said how the key travels, both ways are tried: only GETs are sent.
    Raises what the server's answers stand for, and ``CallsheetError`` for an empty catalogue.
    """
    try:
        found = _catalogue(source.settings, config)
    except AuthError:
        if source.settings.origins.get("auth") != "default" or source.settings.key is None:
            raise
        found = _catalogue(replace(source.settings, auth="x-api-key"), config)
    if not found.actions:
        raise CallsheetError(f"{source.settings.host} advertises no action")
    notes = (Diagnostic(level="note", code="catalogue", message=note) for note in found.notes)
    return Snapshot(source.name, found.actions), tuple(notes)


def _catalogue(settings: Settings, config: Config) -> Catalogue:
    with Client(settings=settings, ledger=None, overrides=config.overlay.protocol) as client:
        found: Catalogue = client.run(client.directory.refresh(whole=True))
    return found
