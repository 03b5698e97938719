"""Give these tests the sandbox, a home of their own, and clients of both kinds."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.backoff import process_quota
from callsheet_sandbox.pytest import sandbox

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["sandbox"]


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home folder without any login; nothing of the machine's own settings is read."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("CALLSHEET_", "ADS_", "XDG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    return folder


class Runner:
    """Runs the same steps on a ``Client`` or, awaited, on an ``AsyncClient``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, options: dict[str, Any], steps: Any) -> Any:
        """Return the outcome of ``steps(client, wait)``; ``wait`` takes a call of either kind."""
        import callsheet

        if self.kind == "sync":
            with callsheet.Client(**options) as client:
                return asyncio.run(steps(client, _at_once))

        async def work() -> Any:
            async with callsheet.AsyncClient(**options) as client:
                return await steps(client, _awaited)

        return asyncio.run(work())


async def _at_once(outcome: Any) -> Any:
    return outcome


async def _awaited(outcome: Any) -> Any:
    return await outcome


def asker(client: Any) -> Any:
    """Return what ``probe`` asks a host with, of a library's client."""
    return SimpleNamespace(engine=client._engine, run=client._run)


@pytest.fixture(params=["sync", "aiohttp", "httpx"])
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Give each kind of client: sync, async over aiohttp, async without it."""
    if request.param == "httpx":
        monkeypatch.setattr("callsheet.transport.aio._aiohttp", lambda facts: None)
    return Runner("sync" if request.param == "sync" else "async")


@pytest.fixture(autouse=True)
def own_quota() -> None:
    """Give each test a full quota of retries; a process has one for all of its clients."""
    process_quota.cache_clear()
