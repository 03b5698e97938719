"""The written library against the running sandbox: keywords, models, tasks, sync and async."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from functional.writing import imported, write

from callsheet import InvalidInput
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_codegen.config import Config
    from callsheet_sandbox.server import Running


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Write the client once; the lock's source is not the server that the tests use."""
    with serve() as server:
        out = tmp_path_factory.mktemp("library")
        return write(out, "library", host=server.url, key=server.key)


@pytest.fixture
def library(package: Config, home: Path, sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the package, with the sandbox and an empty home in its environment."""
    monkeypatch.setenv("LIBRARY_HOST", sandbox.url)
    monkeypatch.setenv("LIBRARY_API_KEY", sandbox.key)
    return imported(package, monkeypatch)


def test_keywords_reach_the_wire_by_their_wire_names(library: Any, sandbox: Running) -> None:
    with library.Client() as client:
        task = client.video.generate(prompt="waves", image_input=["https://a.example/b.png"])
        result = task.wait()

    posted = [r for r in sandbox.requests() if r["path"] == "/api/actions/ai.video.generate"]
    assert posted[0]["body"] == {"prompt": "waves", "imageInput": ["https://a.example/b.png"]}
    assert type(result.data).__name__ == "VideoQueryResult"
    assert result.data.video_url == result.media[0]


def test_a_model_sends_exactly_what_was_set(library: Any, sandbox: Running) -> None:
    models = import_module(f"{library.__name__}.models")
    body = models.VideoGenerateInput(prompt="waves", video_input=["https://a.example/b.mp4"])
    with library.Client() as client:
        client.video.generate(body, extra_body={"scene": "ad-video"}, idempotency_key="one")

    path = "/api/actions/ai.video.generate"
    sent = next(r for r in sandbox.requests() if r["path"] == path)
    assert sent["body"] == {
        "prompt": "waves",
        "videoInput": ["https://a.example/b.mp4"],
        "scene": "ad-video",
    }
    assert [charge["reference"] for charge in sandbox.charges()] == ["one"]


def test_a_body_that_the_schema_refuses_is_not_sent(library: Any, sandbox: Running) -> None:
    with library.Client() as client, pytest.raises(InvalidInput):
        client.video.query()

    assert [r for r in sandbox.requests() if r["method"] == "POST"] == []


def test_the_async_client_has_the_same_names(library: Any) -> None:
    async def make() -> Any:
        async with library.AsyncClient() as client:
            task = await client.video.generate(prompt="waves")
            return (await task.wait()).data

    assert asyncio.run(make()).status == "success"


def test_a_saved_video_plays(library: Any, home: Path) -> None:
    with library.Client() as client:
        client.video.generate(prompt="waves").save(str(home / "waves.mp4"))

    assert (home / "waves.mp4").read_bytes()[4:8] == b"ftyp"
