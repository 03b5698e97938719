"""What is generated from a server works with it, in every wording of the protocol."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import av
import pytest

from callsheet import AuthError, TaskFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from functional.writing import Written
    from program import Program

    from callsheet_sandbox.server import Running

PROMPT = "ocean waves at sunset"
PNG = b"\x89PNG\r\n\x1a\n"
WORDS = "the prompt asked for a failure"


def argument(written: Written) -> str:
    """Return what the query method calls the task id."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", written.dialect.task.ask).lower()


def codec(path: Path) -> str:
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 0
        return container.streams.video[0].codec_context.name


def plain_json(content: Any) -> Any:
    """Return typed content as the JSON that it stands for, and plain JSON as it is."""
    return content.model_dump(by_alias=True) if hasattr(content, "model_dump") else content


def contents(media: Iterable[str]) -> list[str | bytes]:
    """Return each link, or the bytes of the file that a reply itself was."""
    paths = [(link, Path(unquote(urlsplit(link).path))) for link in media]
    return [path.read_bytes() if link.startswith("file:") else link for link, path in paths]


def posts(server: Running, written: Written) -> list[tuple[Any, Any]]:
    """Return what was POSTed and carried out: the action and its body."""
    return [
        (str(request["path"]).rpartition("/")[2], request["body"])
        for request in server.requests(written.dialect.name)
        if request["method"] == "POST" and request["status"] == 200
    ]


def test_a_video_from_the_typed_client(written: Written, sandbox: Running, folder: Path) -> None:
    with written.client(api_key=written.key) as ads:
        task = ads.video.generate(prompt=PROMPT)
        outcome = task.wait(timeout=20)
        queried = ads.video.query(**{argument(written): task.id})
        assert contents(queried.media) == contents(outcome.media)
        saved = outcome.save(str(folder / "waves.mp4"))
        outcome.save(str(folder / "again.mp4"))

    assert (folder / "again.mp4").read_bytes() == (folder / "waves.mp4").read_bytes()
    assert codec(folder / "waves.mp4") == "h264"
    assert saved.bytes == (folder / "waves.mp4").stat().st_size
    assert (task.state, task.action) == ("done", "ai.video.generate")
    sent = posts(sandbox, written)
    assert sent[0] == ("ai.video.generate", {"prompt": PROMPT})
    assert sent[-1] == ("ai.video.query", {written.dialect.task.ask: task.id})
    assert len(sandbox.charges(written.dialect.name)) == 1


def test_the_rest_of_the_typed_client(written: Written, folder: Path) -> None:
    with written.client(api_key=written.key) as ads:
        ads.image.generate(prompt=PROMPT, aspect_ratio="1:1").save(str(folder / "x.png"))
        materials = ads.material.search(query="waves", page_size=3)
        with pytest.raises(TaskFailed, match=WORDS) as failed:
            ads.video.generate(prompt="[fail]").wait(timeout=20)

    assert (folder / "x.png").read_bytes().startswith(PNG)
    content = plain_json(materials.data)
    assert content["total"] >= 1
    assert "waves" in content["items"][0]["title"].lower()
    output = written.module("models.material_search")
    assert isinstance(materials.data, getattr(output, "OUTPUT", None) or dict)
    assert failed.value.action == "ai.video.generate"
    assert failed.value.task_id


def test_a_wrong_key_is_told(written: Written, sandbox: Running) -> None:
    with written.client(api_key="sk-not-this-one") as ads, pytest.raises(AuthError) as refused:
        ads.video.generate(prompt=PROMPT)

    assert refused.value.exit_code == 3
    assert "sk-not-this-one" not in str(refused.value)
    assert sandbox.charges(written.dialect.name) == []


async def everything(written: Written, folder: Path) -> dict[str, Any]:
    """Do with the async client what the other tests do with the sync one."""
    async with written.async_client(api_key=written.key) as ads:
        task = await ads.video.generate(prompt=PROMPT)
        outcome = await task.wait(timeout=20)
        queried = await ads.video.query(**{argument(written): task.id})
        asked, media = contents(queried.media), contents(outcome.media)
        saved = await outcome.save(str(folder / "waves.mp4"))
        image = await ads.image.generate(prompt=PROMPT)
        await image.save(str(folder / "x.png"))
        materials = await ads.material.search(query="waves")
        failing = await ads.video.generate(prompt="[fail]")
        with pytest.raises(TaskFailed, match=WORDS):
            await failing.wait(timeout=20)
    async with written.async_client(api_key="sk-not-this-one") as ads:
        with pytest.raises(AuthError):
            await ads.video.generate(prompt=PROMPT)
    return {
        "saved": saved,
        "found": materials,
        "asked": asked,
        "media": media,
    }


def test_the_same_with_the_async_client(written: Written, sandbox: Running, folder: Path) -> None:
    done = asyncio.run(everything(written, folder))

    assert codec(folder / "waves.mp4") == "h264"
    assert done["saved"].bytes == (folder / "waves.mp4").stat().st_size
    assert (folder / "x.png").read_bytes().startswith(PNG)
    assert plain_json(done["found"].data)["total"] >= 1
    assert done["asked"] == done["media"]
    is_free_to_fail = written.dialect.charges == "success"
    assert len(sandbox.charges(written.dialect.name)) == (2 if is_free_to_fail else 3)


def test_the_command_line(written: Written, shell: Program, sandbox: Running, folder: Path) -> None:
    listed = shell.run("actions", "list", "--json")
    generated = shell.run("video", "generate", "--prompt", PROMPT, "--out", "videos/waves.mp4")
    flag = f"--{argument(written).replace('_', '-')}"
    query = shell.run("video", "query", flag, generated.json["taskId"])

    assert [row["id"] for row in listed.json] == sorted(
        sandbox.world.realms[written.dialect.name].actions
    )
    assert generated.code == 0, generated.stderr
    assert generated.json["localPath"] == "videos/waves.mp4"
    assert codec(folder / "videos/waves.mp4") == "h264"
    assert query.code == 0, query.stderr
    assert query.json["videoUrl"] == generated.json["videoUrl"]
    assert query.json["taskId"] == generated.json["taskId"]


def test_call_and_failures_have_their_exit_codes(written: Written, shell: Program) -> None:
    failed = shell.run("call", "ai.video.generate", "--prompt", "[fail]", "--wait")
    wrong = {"ADS_API_KEY": "sk-not-this-one"}
    refused = shell.run("video", "generate", "--prompt", PROMPT, env=wrong)

    assert (failed.code, failed.json["error"]["code"]) == (6, "task_failed")
    assert WORDS in failed.json["error"]["message"]
    assert (refused.code, refused.json["error"]["code"]) == (3, "auth")
    assert "Traceback" not in failed.stderr + refused.stderr


def test_an_id_that_query_does_not_take_leads_to_the_job(
    writer: Callable[[str], Written], sandbox: Running, home: Path
) -> None:
    rows = writer("rows")
    with rows.client(api_key=rows.key) as ads:
        task = ads.video.generate(prompt=PROMPT)
        first = task.id
        queried = ads.video.query(task_id=first)
        task.wait(timeout=20)

    assert sandbox.world.setting.store.task("rows", first) is None
    assert queried.task_id == task.id
    assert task.id != first
    assert sandbox.world.setting.store.task("rows", task.id) is not None
