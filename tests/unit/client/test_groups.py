"""What a generated client stands on: fields to bodies, results as models, bindings as data."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import said, serving

from callsheet import OMIT, AsyncClient, AsyncGroup, Client, Group
from callsheet.client.calls import as_json
from callsheet.client.groups import body_of
from callsheet.config.bindings import Bindings
from callsheet.errors import ServerError, UsageError
from callsheet.flows.invoke import deadline_of, silence_limit
from callsheet.spec import Action, Family

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAKE = Action(
    id="v.make", role="create", family=Family(create="v.make", query="v.query"), result="v_query"
)
NOTE = Action(id="v.note", module="v_query", paid=False)
MODELS = """
from typing import Literal
from callsheet.model import Field, Model
class Out(Model):
    task_id: str = Field(validation_alias="taskId", serialization_alias="taskId")
    status: Literal["running", "done"]
class In(Model):
    prompt: str
    image_input: list[str] | None = Field(
        default=None, validation_alias="imageInput", serialization_alias="imageInput"
    )
    seed: int = 5
INPUT, OUTPUT = In, Out
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bindings]:
    """Write a generated package by hand: one model, one schema, one overlay."""
    folder = tmp_path / "made_client"
    (folder / "models").mkdir(parents=True)
    (folder / "schemas").mkdir()
    for name in ("__init__.py", "models/__init__.py"):
        (folder / name).write_text("")
    (folder / "models/v_query.py").write_text(MODELS)
    (folder / "models/v_none.py").write_text("INPUT = OUTPUT = None\n")
    (folder / "schemas/v_note.json").write_text(json.dumps({"input": {"required": ["n"]}}))
    (folder / "overlay.json").write_text(json.dumps({"free": ["v.note"]}))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Bindings(package="made_client", command="made", env="MADE")
    for name in [name for name in sys.modules if name.startswith("made_client")]:
        del sys.modules[name]


def test_a_body_is_what_was_set_by_wire_name(package: Bindings) -> None:
    from importlib import import_module

    model = import_module("made_client.models.v_query").INPUT
    fields = {"a": 1, "b": OMIT, "c": None, "d": [model(prompt="x")], "e": {"f": (1, 2)}}
    assert as_json(body_of(NOTE, fields, None)) == {
        "a": 1,
        "c": None,
        "d": [{"prompt": "x"}],
        "e": {"f": [1, 2]},
    }
    typed = model(prompt="x", image_input=["u"])
    assert as_json(typed) == {"prompt": "x", "imageInput": ["u"]}
    assert body_of(NOTE, {"prompt": "field"}, {"prompt": "extra"}) == {"prompt": "extra"}
    assert (bool(OMIT), repr(OMIT)) == (False, "OMIT")


def test_groups_submit_and_call(package: Bindings, tmp_path: Path) -> None:
    done = {"taskId": "t", "status": "done", "later": {"x": [1]}, "videoUrl": "/v.mp4"}
    options: dict[str, Any] = {"api_key": "sk-1", "bindings": package, "ledger": None}

    def sync(url: str) -> Any:
        with Client(host=url, **options) as client:
            group = Group(client)
            return (
                group._submit(MAKE, {"prompt": "x"}, extra_body={"seed": 1}).wait(),
                group._call(NOTE, {"n": 1}),
            )

    async def over(url: str) -> Any:
        async with AsyncClient(host=url, **options) as client:
            group = AsyncGroup(client)
            task = await group._submit(MAKE, {"prompt": "x"}, extra_body={"seed": 1})
            return await task.wait(), await group._call(NOTE, {"n": 1})

    with serving(said(done, x_request_id="r-1")) as server:
        for waited, noted in (sync(server.url), asyncio.run(over(server.url))):
            assert (waited.data.task_id, waited.data.status) == ("t", "done")
            assert waited.data.later == {"x": [1]}
            assert waited.json == noted.json == done
            assert waited.media == (f"{server.url}/v.mp4",)
            assert (noted.response.status, noted.response.request_id) == (200, "r-1")
        bodies = [json.loads(post.body) for post in server.posts() if "v.make" in post.path]
        assert bodies == [{"prompt": "x", "seed": 1}] * 2


@pytest.mark.parametrize(
    ("module", "answer", "data"),
    [
        ("v_query", {"taskId": "t", "status": "brand-new"}, "brand-new"),
        ("v_query", {"status": "running"}, "running"),
    ],
)
def test_values_of_a_newer_server_break_nothing(
    package: Bindings, module: str, answer: Any, data: str
) -> None:
    action = Action(id="v.note", module=module, paid=False)
    with (
        serving(said(answer)) as server,
        Client(host=server.url, bindings=package, ledger=None) as client,
    ):
        result = client.call(action, {}, check=False)
        assert result.data.status == data
        assert result.data is result.data


@pytest.mark.parametrize("module", ["", "v_none", "v_missing"])
def test_without_a_model_data_is_plain(package: Bindings, module: str) -> None:
    action = Action(id="v.note", module=module, paid=False)
    with (
        serving(said({"code": 0, "message": "ok", "data": {"n": 1}})) as server,
        Client(host=server.url, bindings=package, ledger=None) as client,
    ):
        assert client.call(action, {}, check=False).data == {"n": 1}


def test_bindings_are_data(package: Bindings) -> None:
    assert package.schema("v_note") == {"input": {"required": ["n"]}}
    assert package.schema("v_other") is None
    assert package.overlay().is_free("v.note")
    assert Bindings().schema("v_note") is None
    assert not Bindings().overlay().is_free("v.note")


def test_the_schema_of_the_lock_judges_its_own_host(package: Bindings) -> None:

    from callsheet.errors import InvalidInput

    action = Action(id="v.note", module="v_note", paid=False)
    with serving(said({"n": 1})) as server:
        bound = package._replace(source=server.url)
        with Client(host=server.url, bindings=bound, ledger=None) as client:
            with pytest.raises(InvalidInput):
                client.call(action, {})
            assert client.call(action, {"n": 1}).json == {"n": 1}
        assert [request.method for request in server.seen] == ["POST"]


def test_a_task_cannot_be_cancelled_where_nobody_offers_it() -> None:
    with (
        serving(said({"taskId": "t", "status": "running"})) as server,
        Client(host=server.url, api_key="sk-1", ledger=None) as client,
    ):
        task = client.submit(MAKE, {}, check=False)
        with pytest.raises(UsageError, match="no action that cancels"):
            task.cancel()
        assert repr(task) == "<Task t of v.make: running>"
        assert (task.raw_state, task.progress) == ("running", None)


def test_a_task_needs_something_to_ask_about() -> None:
    with (
        serving(said({"items": [1]})) as server,
        Client(host=server.url, api_key="sk-1", ledger=None) as client,
        pytest.raises(ServerError, match="without a task"),
    ):
        client.submit(Action(id="v.plain"), {}, check=False)


def test_a_blocking_action_may_keep_silent_as_long_as_it_takes() -> None:
    blocking = Action(id="x", role="wait", family=Family(wait="x", timeout_ms=180_000))
    assert silence_limit("create", deadline_of(Action(id="x"), {"timeoutMs": 900_000})) == 60.0
    bodies = [{}, {"timeoutMs": 5000}, {"timeoutMs": "soon"}, {"timeoutMs": True}]
    limits = [silence_limit("wait", deadline_of(blocking, body)) for body in bodies]
    assert limits == [210.0, 35.0, 210.0, 210.0]
    week = 7 * 86_400.0
    assert silence_limit("wait", deadline_of(blocking, {"timeoutMs": 10**400})) == week + 30.0
