"""The library as the README shows it: typed calls, tasks, input models; sync and async."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from program import ROOT

from callsheet import OMIT, InvalidInput, StillRunning, TaskFailed, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from functional.writing import Written

    from callsheet_sandbox.server import Running

PROMPT = "ocean waves at sunset"
WITHOUT_END = {"sandboxSeconds": 3600}
CREATE = "ai.video.generate"


@pytest.fixture
def package(plain: Written, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the generated package, with host and key in the environment."""
    monkeypatch.setenv("ADS_HOST", plain.host)
    monkeypatch.setenv("ADS_API_KEY", plain.key)
    return plain.module()


def sent(server: Running, action: str = CREATE) -> list[Any]:
    """Return the bodies that were POSTed to an action."""
    path = f"/api/actions/{action}"
    return [request["body"] for request in server.requests() if request["path"].endswith(path)]


def test_the_example(package: Any, folder: Path) -> None:
    updates: list[Any] = []
    with package.Client() as ads:
        task = ads.video.generate(prompt=PROMPT)
        task.wait(on_update=updates.append).save(str(folder / "waves.mp4"))

    assert (folder / "waves.mp4").read_bytes()[4:8] == b"ftyp"
    assert updates[-1].state == "done"
    assert {update.task_id for update in updates} == {task.id}


def test_the_example_with_await(package: Any, folder: Path) -> None:
    async def make() -> tuple[list[Any], Any]:
        updates: list[Any] = []
        async with package.AsyncClient() as ads:
            task = await ads.video.generate(prompt=PROMPT)
            outcome = await task.wait(on_update=updates.append)
            await outcome.save(str(folder / "waves.mp4"))
            watched = [update async for update in task.watch()]
        return updates + watched, task

    updates, task = asyncio.run(make())
    assert (folder / "waves.mp4").read_bytes()[4:8] == b"ftyp"
    assert [update.state for update in updates][-2:] == ["done", "done"]
    assert (task.state, task.action) == ("done", CREATE)


def test_a_task_tells_how_it_stands(package: Any, sandbox: Running, folder: Path) -> None:
    with package.Client() as ads:
        task = ads.video.generate(prompt=PROMPT, options=WITHOUT_END)
        first = (task.state, task.raw_state)
        sandbox.advance(1800)
        halfway = task.refresh().progress
        with pytest.raises(StillRunning) as stopped:
            task.wait(timeout=0.05)
        with pytest.raises(UsageError, match="no action that cancels"):
            task.cancel()
        sandbox.advance(1800)
        watched = list(task.watch(timeout=10))
        saved = task.save(str(folder / "waves.mp4"))

    assert first == ("running", "pending")
    assert halfway == pytest.approx(0.5, abs=0.01)
    assert (stopped.value.task_id, stopped.value.action) == (task.id, CREATE)
    assert [update.state for update in watched] == ["done"]
    assert saved.bytes == (folder / "waves.mp4").stat().st_size
    assert len(sandbox.charges()) == 1


def test_a_task_is_rebuilt_in_another_process(
    package: Any, plain: Written, sandbox: Running, folder: Path
) -> None:
    with package.Client() as ads:
        task = ads.video.generate(prompt=PROMPT)
    script = (
        f"import json, sys; sys.path.insert(0, {str(plain.root)!r})\n"
        f"from {plain.package} import Client\n"
        f"with Client() as ads:\n"
        f"    task = ads.tasks.get({task.id!r})\n"
        f"    saved = task.save('waves.mp4')\n"
        f"    print(json.dumps([task.id, task.action, task.state, saved.bytes]))\n"
    )
    words = [
        sys.executable,
        "-c",
        f"import sys; sys.path[:0] = [{str(ROOT / 'runtime')!r}]\n{script}",
    ]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    size = (folder / "waves.mp4").stat().st_size
    assert json.loads(done.stdout) == [task.id, CREATE, "done", size]
    assert len(sandbox.charges()) == 1


def test_a_client_without_a_ledger_finds_a_job_by_its_query(package: Any) -> None:
    with package.Client(ledger=None) as ads:
        task = ads.video.generate(prompt=PROMPT)
        task.wait(timeout=20)
        queried = ads.video.query(task_id=task.id)
        with pytest.raises(UsageError, match="in this ledger"):
            ads.tasks.get(task.id)

    assert queried.data.status == "success"
    assert queried.data.task_id == task.id


def test_an_input_model_sends_exactly_what_was_set(
    package: Any, plain: Written, sandbox: Running
) -> None:
    model = plain.module("models").VideoGenerateInput
    with package.Client() as ads:
        ads.submit(CREATE, model(prompt=PROMPT))
        ads.submit(CREATE, model(image_input=["https://a.example/b.png"], scene="ad-video"))
        ads.submit(CREATE, model(imageInput=["https://a.example/b.png"], futureField=[1]))
        ads.call(CREATE, model(prompt=PROMPT, scene="a scene of tomorrow"))
        with pytest.raises(InvalidInput, match="null") as refused:
            ads.submit(CREATE, model(prompt=PROMPT, scene=None))

    assert sent(sandbox) == [
        {"prompt": PROMPT},
        {"imageInput": ["https://a.example/b.png"], "scene": "ad-video"},
        {"imageInput": ["https://a.example/b.png"], "futureField": [1]},
        {"prompt": PROMPT, "scene": "a scene of tomorrow"},
    ]
    assert refused.value.pointer == "/scene"


def test_keywords_send_exactly_what_was_said(package: Any, sandbox: Running) -> None:
    with package.Client() as ads:
        ads.video.generate(prompt=PROMPT, scene=OMIT, video_input=["https://a.example/b.mp4"])
        ads.video.generate(extra_body={"prompt": PROMPT, "newField": {"a": 1}})
        ads.video.generate(prompt=PROMPT, workspace_id="w", idempotency_key="mine-1")
        ads.video.generate()

    assert sent(sandbox) == [
        {"prompt": PROMPT, "videoInput": ["https://a.example/b.mp4"]},
        {"prompt": PROMPT, "newField": {"a": 1}},
        {"prompt": PROMPT, "workspaceId": "w"},
        {},
    ]
    assert [charge["reference"] for charge in sandbox.charges()][2] == "mine-1"


def test_what_the_schema_refuses_is_not_sent(package: Any, sandbox: Running) -> None:
    with package.Client() as ads:
        with pytest.raises(TypeError, match="query"):
            ads.material.search()
        with pytest.raises(InvalidInput) as large:
            ads.material.search(query="waves", page_size=51)

    assert large.value.pointer == "/pageSize"
    assert sent(sandbox, "material.search") == []


def test_results_are_typed_and_keep_what_is_unknown(
    package: Any, plain: Written, sandbox: Running
) -> None:
    sandbox.add_action(ODD_ANSWER)
    with package.Client() as ads:
        materials = ads.material.search(query="waves")
    models = plain.module("models.material_search")

    assert isinstance(materials.data, models.MaterialSearchResult)
    assert materials.data.items[0].title == "Waves"
    assert materials.data.items[0].kind == "hologram"
    assert materials.data.model_extra == {"total_time": 3}
    assert materials.json == materials.data.model_dump(by_alias=True, exclude_unset=True)
    assert materials.response.status == 200
    assert materials.response.headers["content-type"] == "application/json"


ODD_ANSWER = {
    "id": "material.search",
    "input": {"type": "object"},
    "readOnly": True,
    "does": "reply",
    "reply": {
        "items": [{"id": "a", "title": "Waves", "kind": "hologram"}],
        "total": 1,
        "total_time": 3,
    },
}


def test_an_answer_that_fits_no_model_is_still_read(package: Any, sandbox: Running) -> None:
    sandbox.add_action({**ODD_ANSWER, "reply": {"items": "none", "total": "many"}})
    with package.Client() as ads:
        materials = ads.material.search(query="waves")

    assert materials.data.total == "many"
    assert materials.json == {"items": "none", "total": "many"}


def test_a_failed_job_carries_what_is_known(package: Any) -> None:
    with package.Client() as ads:
        task = ads.video.generate(prompt="[fail]")
        with pytest.raises(TaskFailed) as failed:
            task.wait(timeout=20)

    assert (failed.value.action, failed.value.task_id) == (CREATE, task.id)
    assert (failed.value.exit_code, failed.value.retryable) == (6, False)
    assert task.state == "failed"
