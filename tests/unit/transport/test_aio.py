"""Cancelling records what may have been sent, and leaves jobs alive; loopback has no proxy."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Said, Seen, said, serving

from callsheet import AsyncClient
from callsheet.spec import Action, Family
from callsheet.storage.ledger import Ledger
from callsheet.transport.aio import _aiohttp
from callsheet.transport.http import client_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unit.servers import Server

MAKE = Action(id="v.make", role="create", family=Family(create="v.make", query="v.query"))
SAFE = Action(id="v.free", paid=False)


def states(folder: Path) -> list[str]:
    ledger = Ledger(str(folder / "ledger"))
    try:
        return [job.state for job in ledger.jobs()]
    finally:
        ledger.close()


@pytest.fixture
def stuck() -> Iterator[Server]:
    """Serve, and keep every POST of ``v.make`` waiting until the test is over."""
    gate = threading.Event()

    def answer(request: Seen) -> Said:
        if request.path.endswith("v.make"):
            gate.wait(5)
        return said({"taskId": "t-1", "status": "running"})

    with serving(answer) as server:
        yield server
        gate.set()


def client_of(server: Server, folder: Path) -> AsyncClient:
    return AsyncClient(host=server.url, api_key="sk-1", ledger=str(folder / "ledger"))


async def asked(server: Server) -> None:
    """Return when the server has something to answer."""
    while not server.seen:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("fast", [True, False])
def test_cancelling_between_send_and_answer_is_unknown(
    stuck: Server, tmp_path: Path, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.setattr("callsheet.transport.aio._aiohttp", lambda facts: None)

    async def work() -> None:
        async with client_of(stuck, tmp_path) as client:
            sending = asyncio.create_task(client.submit(MAKE, {}, check=False))
            await asked(stuck)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert states(tmp_path) == ["unknown"]

    asyncio.run(work())
    assert len(stuck.posts()) == 1


def test_a_time_limit_around_a_call_is_a_cancellation(stuck: Server, tmp_path: Path) -> None:
    async def work() -> None:
        async with client_of(stuck, tmp_path) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.submit(MAKE, {}, check=False)

    asyncio.run(work())
    assert states(tmp_path) == ["unknown"]


def test_cancelling_a_wait_leaves_the_job_alive(tmp_path: Path) -> None:
    async def work(server: Server) -> str:
        async with client_of(server, tmp_path) as client:
            task = await client.submit(MAKE, {}, check=False)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await task.wait()
            again = await client.tasks.get(task.id)
            return str((await again.refresh()).state)

    with serving(said({"taskId": "t-1", "status": "running"})) as server:
        assert asyncio.run(work(server)) == "running"
    assert states(tmp_path) == ["running"]


def test_one_failure_of_many_is_its_own(tmp_path: Path) -> None:
    def answer(request: Seen) -> Said:
        return Said(cut="before") if b"bad" in request.body else said({"items": [1]})

    async def work(server: Server) -> list[Any]:
        async with client_of(server, tmp_path) as client:
            paid = Action(id="v.bill")
            bodies = [{"n": "good"}, {"n": "bad"}, {"n": "fine"}]
            calls = [client.call(paid, body, check=False) for body in bodies]
            return list(await asyncio.gather(*calls, return_exceptions=True))

    with serving(answer) as server:
        results = asyncio.run(work(server))
    assert [type(outcome).__name__ for outcome in results] == [
        "AsyncResult",
        "OutcomeUnknown",
        "AsyncResult",
    ]
    assert sorted(states(tmp_path)) == ["done", "done", "unknown"]


def test_the_fast_transport_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    options = client_options("http://127.0.0.1:1")
    assert type(_aiohttp(options)).__name__ == "AiohttpTransport"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert _aiohttp(options) is None


def test_loopback_is_never_asked_through_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(server: Server) -> int:
        async with client_of(server, tmp_path) as client:
            result = await client.call(SAFE, {}, check=False)
            return int(result.response.status)

    with serving(Said(502)) as proxy, serving(said({"items": [1]})) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert asyncio.run(work(server)) == 200
        assert proxy.seen == []
