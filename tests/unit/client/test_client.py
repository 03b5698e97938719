"""Both clients do the same over the sandbox: submit, wait, save, call, and what they refuse."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest

from callsheet import Client
from callsheet.client.client import AsyncClient
from callsheet.errors import (
    AuthError,
    CallsheetError,
    InvalidInput,
    LimitReached,
    ServerError,
    StillRunning,
    TaskFailed,
    UsageError,
)
from callsheet.spec import Action
from callsheet.transport.aio import AsyncTransport
from callsheet.transport.sync import Transport

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

    from callsheet_sandbox.server import Running

VIDEO = "ai.video.generate"
WAVES = {"prompt": "waves"}


def at(sandbox: Running, dialect: str = "", **more: Any) -> dict[str, Any]:
    url = sandbox.dialect_url(dialect) if dialect else sandbox.url
    return {"host": url, "api_key": sandbox.key, **more}


def posts(sandbox: Running, dialect: str | None = None) -> list[dict[str, Any]]:
    return [request for request in sandbox.requests(dialect) if request["method"] == "POST"]


def test_a_video_from_prompt_to_file(runner: Runner, sandbox: Running, tmp_path: Path) -> None:
    states: list[str] = []

    async def steps(client: Any, wait: Any) -> Any:
        task = await wait(client.submit(VIDEO, WAVES))
        result = await wait(task.wait(on_update=lambda update: states.append(update.state)))
        saved = await wait(result.save(str(tmp_path / "v.mp4")))
        return task, result, saved, client.tasks.list()

    task, result, saved, jobs = runner(at(sandbox), steps)
    data = (tmp_path / "v.mp4").read_bytes()
    assert saved == (str(tmp_path / "v.mp4"), len(data), hashlib.sha256(data).hexdigest())
    assert (task.state, states[-1], set(states)) == ("done", "done", {"running", "done"})
    assert result.task_id == task.id
    assert result.media[0].startswith(f"{sandbox.url}/media/")
    assert [(job.state, job.id) for job in jobs] == [("saved", task.id)]
    (charge,) = sandbox.charges()
    assert charge["reference"] == task.ref == posts(sandbox)[0]["headers"]["idempotency-key"]


DIALECTS = [
    "bare", "coded", "cursor", "flagged", "gateway", "keyed", "linked", "market", "numbered",
    "plain", "rows", "snake",
]  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_its_video(sandbox: Running, tmp_path: Path, dialect: str) -> None:
    auth = "x-api-key" if dialect == "flagged" else "bearer"
    with Client(**at(sandbox, dialect, auth=auth)) as client:
        client._transport = Transport(client._settings, client.ledger, sleep=sandbox.advance)
        create = next(a for a in client.actions().actions if a.id.endswith("video.generate"))
        task = client.submit(create, WAVES)
        assert task.save(str(tmp_path / "v.mp4")).bytes > 1000
    assert len(sandbox.charges(dialect)) == 1


def test_a_call_is_one_post(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        return await wait(client.call("material.search", {"query": ""}))

    result = runner(at(sandbox), steps)
    assert [request["path"] for request in posts(sandbox)] == ["/api/actions/material.search"]
    assert result.json["items"]
    assert result.data == result.json
    assert result.response.status == 200


def test_a_call_may_wait(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        now = await wait(client.call(VIDEO, WAVES))
        return now, await wait(client.call(VIDEO, WAVES, wait=True))

    now, later = runner(at(sandbox), steps)
    assert (now.media, len(later.media) > 0) == ((), True)
    assert len(sandbox.charges()) == 2


@pytest.mark.parametrize(
    "case",
    [
        ({"prompt": "[fail]"}, {}, TaskFailed, 6),
        ({"prompt": "x", "options": {"sandboxSeconds": 60}}, {"timeout": 0.01}, StillRunning, 4),
        ({"prompt": "[throttle]"}, {}, LimitReached, 7),
        ({"prompt": 5}, {}, InvalidInput, 2),
        ({"prompt": float("nan")}, {}, InvalidInput, 2),
        ({"prompt": object()}, {}, InvalidInput, 2),
        (b"{", {}, InvalidInput, 2),
        (b"\xff", {}, InvalidInput, 2),
        (b"[]", {}, InvalidInput, 2),
        ({"prompt": "x"}, {"idempotency_key": "two words"}, UsageError, 2),
    ],
)
def test_what_goes_wrong(
    runner: Runner, sandbox: Running, case: tuple[Any, Any, type, int]
) -> None:
    body, options, kind, code = case

    async def steps(client: Any, wait: Any) -> Any:
        return await wait(client.call(VIDEO, body, wait=True, **options))

    with pytest.raises(CallsheetError) as caught:
        runner(at(sandbox), steps)
    assert (type(caught.value), caught.value.exit_code) == (kind, code)
    assert bool(posts(sandbox)) is (code != 2)


def test_without_a_key_the_server_decides(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        return await wait(client.call(Action(id=VIDEO), WAVES, check=False))

    with pytest.raises(AuthError) as caught:
        runner({"host": sandbox.url}, steps)
    assert (caught.value.http_status, sandbox.charges()) == (401, [])


def test_a_wrong_key_is_told(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        return await wait(client.call(Action(id=VIDEO), WAVES, check=False))

    with pytest.raises(AuthError) as caught:
        runner({"host": sandbox.url, "api_key": "sk-wrong-key-4711"}, steps)
    assert "sk-wrong-key-4711" not in f"{caught.value!r}{caught.value.hint}{caught.value.raw}"


def test_no_paid_call_without_a_ledger_that_works(
    runner: Runner, sandbox: Running, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    async def paid(client: Any, wait: Any) -> Any:
        return await wait(client.call(VIDEO, WAVES))

    async def safe(client: Any, wait: Any) -> Any:
        return await wait(client.call("material.search", {"query": ""}))

    broken = at(sandbox, ledger=str(tmp_path / "file" / "x"))
    with pytest.raises(UsageError, match="ledger"):
        runner(broken, paid)
    assert posts(sandbox) == []
    assert runner(broken, safe).response.status == 200
    assert runner(at(sandbox, ledger=None), paid).task_id
    assert len(sandbox.charges()) == 1


def test_a_reference_is_the_idempotency_key(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        first = await wait(client.submit(VIDEO, WAVES, idempotency_key="mine-1"))
        with pytest.raises(UsageError, match="mine-1 was used"):
            await wait(client.submit(VIDEO, {"prompt": "other"}, idempotency_key="mine-1"))
        return first.ref

    assert runner(at(sandbox), steps) == "mine-1"
    assert [charge["reference"] for charge in sandbox.charges()] == ["mine-1"]


def test_an_unknown_action_is_left_to_the_server(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        return await wait(client.call("no.such", {}))

    with pytest.raises(ServerError, match=r"no\.such") as caught:
        runner(at(sandbox), steps)
    assert caught.value.code == "not_found"


def test_a_new_action_is_seen(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        await wait(client.actions())
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        sandbox.add_action({"id": "x.later", "title": "Later", "does": "reply", "input": schema})
        with pytest.raises(InvalidInput):
            await wait(client.call("x.later", {"n": "text"}))
        return await wait(client.call("x.later", {"n": 1}))

    assert runner(at(sandbox), steps).json["ok"] is True


def test_threads_share_a_client(sandbox: Running) -> None:
    with Client(**at(sandbox)) as client:
        client.actions()
        ids: list[str] = []

        def work() -> None:
            ids.append(client.submit(VIDEO, WAVES).wait().task_id or "")

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(ids)) == len(sandbox.charges()) == 8
        assert {job.state for job in client.tasks.list()} == {"done"}


def test_many_tasks_of_one_loop(sandbox: Running) -> None:
    async def work() -> list[str | None]:
        async with AsyncClient(**at(sandbox)) as client:
            await client.actions()
            calls = [client.call(VIDEO, WAVES, wait=True) for _ in range(12)]
            return [result.task_id for result in await asyncio.gather(*calls)]

    assert len(set(asyncio.run(work()))) == len(sandbox.charges()) == 12


def test_a_client_uses_what_was_logged_in(sandbox: Running, own_home: Path) -> None:
    from callsheet.config.profiles import ProfileFile

    store = ProfileFile(str(own_home / ".config/callsheet"))
    store.save("default", {"host": sandbox.url}, origin=sandbox.url, key=sandbox.key)
    with Client() as client:
        assert client.call("material.search", {"query": ""}).response.status == 200
    assert (own_home / ".local/state/callsheet").exists() is False
    assert (own_home / ".cache/callsheet").exists()


def test_the_driver_refuses_what_is_no_effect(sandbox: Running) -> None:
    with Client(**at(sandbox)) as client:
        with pytest.raises(TypeError, match="int"):
            client._transport.perform(5)
        transport = AsyncTransport(client._settings, None)
        with pytest.raises(TypeError, match="int"):
            asyncio.run(transport.perform(5))


def test_a_catalogue_that_did_not_change_is_one_request(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        first = await wait(client.actions())
        before = len(sandbox.requests())
        again = await wait(client.actions(refresh=True))
        assert [action.id for action in again.actions] == [action.id for action in first.actions]
        return sandbox.requests()[before:]

    (request,) = runner(at(sandbox), steps)
    assert (request["path"], request["status"]) == ("/api/actions", 304)


def test_headers_go_where_the_key_goes(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        return await wait(client.call("material.search", {"query": ""}))

    runner(at(sandbox, headers={"X-Team": "blue"}), steps)
    assert posts(sandbox)[0]["headers"]["x-team"] == "blue"
    with pytest.raises(UsageError, match="Authorization"):
        Client(**at(sandbox, headers={"Authorization": "Key 1"}))
