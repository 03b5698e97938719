"""How many requests leave, and what each takes: for a refresh, for a call, for a wait."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from callsheet.client.client import Client
from callsheet.flows.effects import Gather, HttpReply, Send
from callsheet.storage import ledger_schema
from callsheet.transport.aio import gather_aside
from callsheet.transport.http import AIOHTTP_FROM

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from callsheet_sandbox.server import Running

WAVES = {"prompt": "sea"}


def client(sandbox: Running) -> Client:
    return Client(host=sandbox.url, api_key=sandbox.key, auth="bearer")


def commits(folder: Path) -> int:
    """Count the transactions in the ledger's log: each ends in a frame that says so."""
    log = (folder / "state/ledger.sqlite3-wal").read_bytes()
    _, _, size, _, *salt, _, _ = struct.unpack(">8I", log[:32])
    heads = [struct.unpack(">4I", log[at : at + 16]) for at in range(32, len(log), 24 + size)]
    return sum(1 for _, pages, *own in heads if pages and own == salt)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the statements that every opened ledger executes."""
    executed: list[str] = []
    real = ledger_schema.connect

    def connect(path: str, say: Callable[[str], object]) -> sqlite3.Connection:
        db = real(path, say)
        db.set_trace_callback(executed.append)
        return db

    monkeypatch.setattr(ledger_schema, "connect", connect)
    return executed


def sent(sandbox: Running) -> Counter[str]:
    """Count the requests so far, without ids."""
    counts = Counter[str]()
    for request in sandbox.requests():
        kind = "schema" if request["path"].endswith("/schema") else "list"
        action = request["path"].rpartition("/")[2]
        counts[f"{request['method']} {action if request['method'] == 'POST' else kind}"] += 1
    return counts


def test_a_cold_refresh_asks_once_for_the_list_and_once_for_each_schema(
    sandbox: Running, home: Path
) -> None:
    with client(sandbox) as ads:
        actions = ads.actions(refresh=True).actions

    assert sent(sandbox) == {"GET list": 1, "GET schema": len(actions)}


def test_a_call_is_one_request_where_the_catalogue_is_known(sandbox: Running, home: Path) -> None:
    with client(sandbox) as ads:
        ads.actions(refresh=True)
    before = sent(sandbox)
    with client(sandbox) as ads:
        ads.call("material.search", {"query": "sea"})
        ads.call("material.search", {"query": "sea"})

    assert sent(sandbox) - before == {"POST material.search": 2}


def test_a_job_is_one_submission_and_polls_alone(sandbox: Running, home: Path) -> None:
    with client(sandbox) as ads:
        ads.actions(refresh=True)
        before = sent(sandbox)
        ads.submit("ai.video.generate", WAVES).wait()
    more = sent(sandbox) - before
    polls = more.pop("POST ai.video.query")

    assert more == {"POST ai.video.generate": 1}
    assert 1 <= polls <= 60


def test_a_paid_call_is_two_transactions(sandbox: Running, home: Path) -> None:
    with client(sandbox) as ads:
        ads.call("ai.video.generate", WAVES)
        before = commits(home)
        for _ in range(5):
            ads.call("ai.video.generate", WAVES)

        assert commits(home) - before == 10


def test_a_paid_call_asks_the_ledger_for_nothing_that_it_does_not_use(
    sandbox: Running, home: Path, statements: list[str]
) -> None:
    with client(sandbox) as ads:
        ads.call("ai.video.generate", WAVES)
        statements.clear()
        job = ads.submit("ai.video.generate", WAVES)
        submitted = Counter(text.split()[0] for text in statements)
        job.wait()
    lengths = [text for text in statements if text.startswith("SELECT seconds")]

    assert submitted == Counter(BEGIN=2, INSERT=1, UPDATE=1, COMMIT=2)
    assert len(lengths) == 1


def test_a_free_call_leaves_the_ledger_alone(
    sandbox: Running, home: Path, statements: list[str]
) -> None:
    with client(sandbox) as ads:
        ads.call("material.search", {"query": "sea"})

    assert statements == []
    assert not (home / "state/ledger.sqlite3").exists()


def test_many_schemas_are_asked_for_on_one_loop(sandbox: Running, home: Path) -> None:
    """Cover a sync client too, also where a loop is running already."""
    sends = tuple(Send("GET", "/api/actions") for _ in range(AIOHTTP_FROM))
    before = sent(sandbox)["GET list"]
    counted: list[int] = []

    async def within() -> tuple[HttpReply | Exception, ...]:
        return gather_aside(ads._settings, Gather(sends), lambda: counted.append(1))

    with client(sandbox) as ads:
        replies = (*ads._transport.perform(Gather(sends)), *asyncio.run(within()))

    assert {reply.status for reply in replies if isinstance(reply, HttpReply)} == {200}
    assert len(replies) == sent(sandbox)["GET list"] - before == 2 * AIOHTTP_FROM
    assert len(counted) == AIOHTTP_FROM
