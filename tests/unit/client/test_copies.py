"""What a client gives away can be copied and pickled; the client itself says that it cannot."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Said, said, serving
from unit.transport.test_transport import MAKE, options

from callsheet import AsyncClient, Client, errors
from callsheet.spec import Action

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unit.surroundings import Runner

ANSWER = {"title": "waves", "videoUrl": "https://cdn.example/a.mp4"}
COPIES = {
    "pickled": lambda original: pickle.loads(pickle.dumps(original)),
    "copied": copy.copy,
    "copied deeply": copy.deepcopy,
}
copying = pytest.mark.parametrize("twin_of", COPIES.values(), ids=COPIES)
PAID = Action(id="v.make", media=("videoUrl",))


@copying
def test_a_result_is_copied_without_its_client(
    runner: Runner, tmp_path: Path, twin_of: Callable[[Any], Any]
) -> None:
    async def steps(client: Any, wait: Any) -> None:
        result = await wait(client.call(PAID, {}, check=False))
        twin = twin_of(result)
        assert (twin.json, twin.data, twin.action) == (ANSWER, result.data, "v.make")
        assert (twin.response, twin.media) == (result.response, result.media)
        assert twin_of(result.media[0]) == ANSWER["videoUrl"]
        assert twin_of(twin).json == ANSWER
        with pytest.raises(errors.UsageError, match="no client"):
            await wait(twin.save(str(tmp_path / "a.mp4")))
        with pytest.raises(errors.UsageError, match="no client"):
            await wait(twin.media[0].save(str(tmp_path / "a.mp4")))

    with serving(said(ANSWER)) as server:
        runner(options(server.url, tmp_path), steps)


@copying
def test_a_job_is_copied_without_its_client(
    runner: Runner, tmp_path: Path, twin_of: Callable[[Any], Any]
) -> None:
    async def steps(client: Any, wait: Any) -> None:
        task = await wait(client.submit(MAKE, {}, check=False))
        await wait(task.refresh())
        twin = twin_of(task)
        facts = [(job.id, job.ref, job.action, job.state, job.progress) for job in (twin, task)]
        assert facts[0] == facts[1]
        with pytest.raises(errors.UsageError, match="no client") as caught:
            await wait(twin.refresh())
        assert "tasks.get" in caught.value.hint

    with serving(said({"taskId": "t-1", "status": "running", "progress": 0.5})) as server:
        runner(options(server.url, tmp_path), steps)


@copying
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_says_that_it_cannot(
    kind: Any, tmp_path: Path, twin_of: Callable[[Any], Any]
) -> None:
    client = kind(**options("http://127.0.0.1:1", tmp_path))
    for original in (client, {"ads": client}, [client.tasks]):
        if twin_of is not copy.copy or original is client:
            with pytest.raises(TypeError, match=f"a {kind.__name__} cannot be pickled or copied"):
                twin_of(original)


def test_what_a_client_lists_can_be_pickled(tmp_path: Path) -> None:
    with serving(said(ANSWER)) as server, Client(**options(server.url, tmp_path)) as client:
        client.call(PAID, {}, check=False)
        for original in (client.actions(), client.tasks.list(), client.notes):
            assert pickle.loads(pickle.dumps(original)) == original


@copying
def test_an_error_is_copied_whole(twin_of: Callable[[Any], Any]) -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    raised = [kind("why", hint="what to do") for kind in kinds if issubclass(kind, Exception)]
    assert len(raised) > 10
    for error in (*raised, errors.NetworkError("why", sent=False)):
        twin = twin_of(error)
        assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fast", [True, False])
def test_one_client_serves_several_event_loops(
    tmp_path: Path, fast: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Some one after the other, then two at once."""
    if not fast:
        monkeypatch.setattr("callsheet.transport.aio._aiohttp", lambda facts: None)
    echoes: list[str] = []
    meeting = threading.Barrier(2, timeout=60)

    async def call(name: str, *, meet: bool) -> None:
        for number in range(3):
            if meet:
                meeting.wait()
            body = {"prompt": f"{name}-{number}"}
            result = await client.call(PAID, body, check=False)
            assert result.json == body
            echoes.append(result.json["prompt"])

    with serving(lambda request: Said(200, request.body)) as server:
        client = AsyncClient(**options(server.url, tmp_path))
        for name in "abc":
            asyncio.run(call(name, meet=False))
        threads = [
            threading.Thread(target=lambda name=name: asyncio.run(call(name, meet=True)))
            for name in "de"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asyncio.run(client.close())
    assert sorted(echoes) == [f"{name}-{number}" for name in "abcde" for number in range(3)]
    assert "Unclosed" not in capfd.readouterr().err
