"""Clients of every kind against a sandbox, with folders of their own and no real waiting."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from program import generate

from callsheet import AsyncClient, Bindings, Client
from callsheet.backoff import process_quota
from callsheet.catalog.store import CatalogueCache
from callsheet.client.calls import DEFAULT_LEDGER
from callsheet.config.settings import Settings, load
from callsheet.transport.aio import AsyncTransport
from callsheet.transport.sync import Transport
from callsheet_sandbox.options import Options
from callsheet_sandbox.server import Running, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from callsheet.catalog.snapshot import Catalogue
    from callsheet.flows.retry import Timing

ROOT = Path(__file__).resolve().parents[2]
BINDINGS = Bindings(command="ads", env="ADS")
CLIENT = "FAULTS_CLIENT"  # the variable that names the folder of the generated client
DRIVERS = ("sync", "aiohttp", "httpx")
KEY = "sk-campaign-0123456789abcdef"
FOLDERS = ("config", "state", "cache")
LONGEST_NAP = 0.003

Steps = "Callable[[Any, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]"


@contextmanager
def sandbox(**options: Any) -> Iterator[Running]:
    """Run a sandbox with the campaign's key."""
    with serve(
        Options(**{"keys": (KEY,), "credits": 10_000_000, "auth": "both", **options})
    ) as running:
        yield running


@contextmanager
def generated() -> Iterator[None]:
    """Write a client of the sandbox's catalogue for all that runs while the context lasts."""
    with tempfile.TemporaryDirectory() as folder, sandbox() as running:
        os.environ[CLIENT] = str(generate(running.url, running.key, Path(folder)))
        try:
            yield
        finally:
            del os.environ[CLIENT]


def client_folder() -> Path:
    """Return the source root of that client; the one in the checkout may be of any server."""
    return Path(os.environ[CLIENT])


def environ(home: Path) -> dict[str, str]:
    """Return variables that keep everything of a program in one folder."""
    own = {f"ADS_{kind.upper()}_DIR": str(home / kind) for kind in FOLDERS}
    return {**own, "HOME": str(home), "PATH": os.environ.get("PATH", "")}


def settings_for(host: str, home: Path, *, key: str = KEY, auth: str = "bearer") -> Settings:
    """Return the settings of a client that keeps what it keeps below ``home``."""
    flags = {"host": host, "api_key": key, "auth": auth}
    return load(BINDINGS, flags=flags, environ=environ(home))


def nap(seconds: float) -> None:
    """Wait as long as a flow asks, but not longer than a test may."""
    time.sleep(min(seconds, LONGEST_NAP))


class PlainTransport(AsyncTransport):
    """The async driver of a client that is installed without aiohttp."""

    def _create(self, url: str, options: dict[str, Any]) -> httpx.AsyncClient:
        return httpx.AsyncClient(**options)


class Play(NamedTuple):
    """How a client is made: its driver, what happens when it sleeps, its clocks, its ledger."""

    driver: str = "sync"
    sleep: Callable[[float], object] = nap
    timing: Timing | None = None
    ledger: str | None = DEFAULT_LEDGER


USUAL = Play()


def run(settings: Settings, steps: Any, how: Play = USUAL, **more: Any) -> Any:
    """Run ``steps(client, wait)`` on a client; ``wait`` gives the value of a call of any kind.

    ``more`` are further options of the client.
    The quota of retries, which all clients of a process share, is full at the beginning.
    """
    process_quota.cache_clear()
    options: dict[str, Any] = {"settings": settings, "bindings": BINDINGS}
    options |= {"timing": how.timing, "ledger": how.ledger, **more}
    if how.driver == "sync":
        with Client(**options) as client:
            client._transport = Transport(settings, client.ledger, sleep=how.sleep)  # type: ignore[arg-type]  # its answer is dropped
            return asyncio.run(steps(client, _at_once))

    async def pause(seconds: float) -> None:
        how.sleep(seconds)
        await asyncio.sleep(0)

    async def work() -> Any:
        driver = PlainTransport if how.driver == "httpx" else AsyncTransport
        async with AsyncClient(**options) as client:
            client._transport = driver(settings, client.ledger, sleep=pause)
            return await steps(client, _awaited)

    return asyncio.run(work())


async def _at_once(outcome: Any) -> Any:
    return outcome


async def _awaited(outcome: Any) -> Any:
    return await outcome


def catalogue_of(url: str, home: Path) -> Catalogue:
    """Return what a sandbox advertises at this address."""
    with Client(settings=settings_for(url, home), bindings=BINDINGS) as client:
        catalogue: Catalogue = client._run(client._engine.host.refresh())
        return catalogue


def know(settings: Settings, catalogue: Catalogue) -> None:
    """Let a client that has these settings know the catalogue without asking."""
    CatalogueCache(settings.cache_dir).store(catalogue._replace(host=settings.host))


def quiet(running: Running, dialect: str | None = None, limit: float = 0.06) -> bool:
    """Wait until the sandbox has answered all that reached it; what it dropped stays open."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if all(entry["status"] is not None for entry in running.requests(dialect)):
            return True
        time.sleep(0.01)
    return False


def program_environ(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a program that is run from this checkout."""
    roots = [str(client_folder()), *(str(ROOT / name) for name in ("runtime", "sandbox", "tests"))]
    return {**environ(home), "PYTHONPATH": os.pathsep.join(roots), **dict(more or {})}
