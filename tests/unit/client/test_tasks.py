"""A job is found again by its id, watched, and asked about where it lives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from unit.client.test_client import VIDEO, WAVES, at

from callsheet import AsyncClient, Client
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

    from callsheet_sandbox.server import Running


def test_a_task_is_found_again_by_its_id(runner: Runner, sandbox: Running) -> None:
    async def begin(client: Any, wait: Any) -> Any:
        return await wait(client.submit(VIDEO, WAVES))

    async def resume(client: Any, wait: Any) -> Any:
        found = [await wait(client.tasks.get(name)) for name in (task.id, task.ref, task.ref[:8])]
        assert [again.state for again in found] == ["running"] * 3
        await wait(found[0].refresh())
        return await wait(found[0].wait())

    task = runner(at(sandbox), begin)
    assert runner(at(sandbox), resume).task_id == task.id
    assert len(sandbox.charges()) == 1


def test_a_task_of_another_host_is_not_asked_for_here(sandbox: Running) -> None:
    with Client(**at(sandbox, "plain")) as client:
        task = client.submit(VIDEO, WAVES)
    with Client(**at(sandbox, "bare")) as other, pytest.raises(UsageError, match="/d/plain"):
        other.tasks.get(task.id)


def test_updates_can_be_watched(sandbox: Running) -> None:
    with Client(**at(sandbox)) as client:
        task = client.submit(VIDEO, WAVES)
        states = [update.state for update in task.watch()]
        assert (states[-1], task.state) == ("done", "done")

    async def work() -> list[str]:
        async with AsyncClient(**at(sandbox)) as client:
            task = await client.submit(VIDEO, WAVES)
            return [update.state async for update in task.watch()]

    assert asyncio.run(work())[-1] == "done"


def test_watching_may_stop_early(sandbox: Running) -> None:
    with Client(**at(sandbox)) as client:
        task = client.submit(VIDEO, WAVES)
        next(iter(task.watch()))
        assert task.refresh().state in {"running", "done"}


def test_the_list_is_typed_and_searched(runner: Runner, sandbox: Running, tmp_path: Path) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        fox = await wait(client.submit(VIDEO, {"prompt": "a fox in snow"}))
        saved = await wait(fox.save(tmp_path / "fox.mp4"))
        await wait(client.call("ai.image.generate", {"prompt": "a lamp"}))
        now = datetime.now(UTC)
        lists = {
            "all": client.tasks.list(),
            "words": client.tasks.list(search="SNOW fox"),
            "state": client.tasks.list(state="saved"),
            "action": client.tasks.list(action="image"),
            "age": client.tasks.list(since=timedelta(hours=1), limit=1),
            "later": client.tasks.list(since=now + timedelta(hours=1)),
        }
        return fox, saved, lists, now, await wait(client.tasks.recover())

    fox, saved, lists, now, open_jobs = runner(at(sandbox), steps)
    lamp, entry = lists["all"]
    assert {name: jobs for name, jobs in lists.items() if name != "all"} == {
        "words": [entry],
        "state": [entry],
        "action": [lamp],
        "age": [lamp],
        "later": [],
    }
    assert (entry.id, entry.ref, entry.action, entry.state) == (fox.id, fox.ref, VIDEO, "saved")
    assert (entry.host, entry.prompt, entry.file) == (sandbox.url, "a fox in snow", saved.path)
    assert now - timedelta(minutes=10) < entry.created < now
    assert [job.ref for job in open_jobs] == [lamp.ref]


def test_without_a_ledger_nothing_is_listed(sandbox: Running) -> None:
    with Client(**at(sandbox, ledger=None)) as client:
        client.submit(VIDEO, WAVES)
        assert client.tasks.list() == []
