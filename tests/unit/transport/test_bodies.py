"""Bodies that are media go to the disk as they come, and to the asked name from there."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Said, Seen, said, serving
from unit.transport.test_transport import BODY, KEY, MAKE, failing, options, states

from callsheet.errors import DownloadError, OutcomeUnknown
from callsheet.spec import Action

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 300_000 + b"\0\0\0\0IEND\xaeB`\x82"
DRAW = Action(id="ai.image.draw")


def medium(kind: str, body: bytes = PNG, **how: Any) -> Said:
    return Said(200, body, {"Content-Type": kind} if kind else {}, **how)


def stored(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "ledger" / "replies"
    return sorted(folder.iterdir()) if folder.exists() else []


async def drawing(client: Any, wait: Any) -> Any:
    return await wait(client.call(DRAW, BODY, check=False))


@pytest.mark.parametrize(
    "kind", ["image/png", "application/octet-stream", "application/json", "text/plain", ""]
)
def test_a_medium_is_known_by_its_bytes_whatever_its_type(
    runner: Runner, tmp_path: Path, kind: str
) -> None:
    with serving(medium(kind)) as server:
        result = runner(options(server.url, tmp_path), drawing)
    (path,) = stored(tmp_path)
    assert path.read_bytes() == PNG
    assert path.suffix == ".png"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert result.json == {"mediaType": kind, "bytes": len(PNG), "localPath": str(path)}
    assert result.media == (f"file://{path}",)
    assert states(tmp_path) == ["done"]


def test_a_medium_is_saved_by_the_result_and_by_the_medium_itself(
    runner: Runner, tmp_path: Path
) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        result = await drawing(client, wait)
        first = await wait(result.media[0].save(str(tmp_path / "a.png")))
        second = await wait(result.save(str(tmp_path / "b.png")))
        return first, second

    with serving(medium("image/png")) as server:
        files = runner(options(server.url, tmp_path), steps)
    assert {file.sha256 for file in files} == {hashlib.sha256(PNG).hexdigest()}
    assert [os.path.basename(file.path) for file in files] == ["a.png", "b.png"]
    assert stored(tmp_path) == []
    assert states(tmp_path) == ["saved"]


def test_a_link_is_saved_by_the_medium_itself(runner: Runner, tmp_path: Path) -> None:
    def answer(request: Seen) -> Said:
        body = PNG if request.path == "/b.png" else PNG[:-20] + PNG[-12:]
        links = {"images": [{"imageUrl": "/a.png"}, {"imageUrl": "/b.png"}]}
        return medium("image/png", body) if request.method == "GET" else said(links)

    async def steps(client: Any, wait: Any) -> Any:
        result = await drawing(client, wait)
        return await wait(result.media[1].save(str(tmp_path / "b.png")))

    with serving(answer) as server:
        saved = runner(options(server.url, tmp_path), steps)
    assert saved.sha256 == hashlib.sha256(PNG).hexdigest()


def test_a_medium_of_another_kind_is_stored_and_not_saved(runner: Runner, tmp_path: Path) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        result = await wait(client.call(Action(id="ai.video.make"), BODY, check=False))
        with pytest.raises(DownloadError) as caught:
            await wait(result.save(str(tmp_path / "o.mp4")))
        return caught.value

    with serving(medium("video/mp4")) as server:
        error = runner(options(server.url, tmp_path), steps)
    (path,) = stored(tmp_path)
    assert str(path) in error.hint
    assert not (tmp_path / "o.mp4").exists()


@pytest.mark.parametrize("how", [{"length": len(PNG) + 10, "cut": "after"}, {"length": -1}])
def test_a_medium_that_ends_early_is_unknown_and_what_came_is_stored(
    runner: Runner, tmp_path: Path, how: dict[str, Any]
) -> None:
    body = PNG[:-40]
    with serving(medium("image/png", body, **how)) as server:
        error = failing(runner, server.url, tmp_path, drawing)
        assert len(server.posts()) == 1
    (path,) = stored(tmp_path)
    assert isinstance(error, OutcomeUnknown)
    assert str(path) in error.message
    assert path.read_bytes() == body
    assert states(tmp_path) == ["unknown"]


def test_a_medium_that_answers_a_query_ends_the_job(runner: Runner, tmp_path: Path) -> None:
    polls = [said({"taskId": "t", "status": "running"}), medium("image/png")]

    def answer(request: Seen) -> Said:
        return polls.pop(0) if request.path.endswith("query") else said({"taskId": "t"})

    async def steps(client: Any, wait: Any) -> Any:
        task = await wait(client.submit(MAKE, BODY, check=False))
        return await wait(task.save(str(tmp_path / "o.png")))

    with serving(answer) as server:
        saved = runner(options(server.url, tmp_path), steps)
    assert saved.sha256 == hashlib.sha256(PNG).hexdigest()
    assert states(tmp_path) == ["saved"]


def test_the_key_is_masked_in_a_spooled_text(runner: Runner, tmp_path: Path) -> None:
    text = f'{{"echo": "{KEY}", "pad": "{"x" * (17 << 20)}", "again": "{KEY}"}}'
    with serving(Said(200, text.encode(), {"Content-Type": "application/json"})) as server:
        result = runner(options(server.url, tmp_path), drawing)
    (path,) = stored(tmp_path)
    assert KEY not in path.read_text("utf-8")
    assert result.json["again"] == result.json["echo"] != KEY


def test_a_stream_is_read_to_its_marker_though_the_server_does_not_hang_up(
    runner: Runner, tmp_path: Path
) -> None:
    import threading

    gate = threading.Event()

    def pieces() -> Any:
        yield b'data: {"status": "processing", "progress": 40}\n\n'
        yield b'data: {"status": "success", "imageUrl": "/a.png"}\n\ndata: [DONE]\n\n'
        gate.wait(20)

    answer = Said(200, b"", {"Content-Type": "text/event-stream"}, length=-1, pieces=pieces())
    with serving(answer) as server:
        result = runner(options(server.url, tmp_path), drawing)
        gate.set()
    assert result.media == (f"{server.url}/a.png",)


def test_a_folder_that_cannot_be_written_loses_no_medium(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from callsheet import Client

    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "replies").write_text("a file in the place of the folder")
    with serving(medium("image/png")) as server, Client(**options(server.url, tmp_path)) as client:
        saved = client.call(DRAW, BODY, check=False).save(str(tmp_path / "o.png"))
    assert saved.sha256 == hashlib.sha256(PNG).hexdigest()


def test_a_stream_that_breaks_off_keeps_the_id_of_its_job(runner: Runner, tmp_path: Path) -> None:
    lines = b'data: {"taskId": "t-1", "status": "processing"}\n\ndata: {"sta'
    answer = Said(200, lines, {"Content-Type": "text/event-stream"}, length=999, cut="after")
    with serving(answer) as server:
        result = runner(options(server.url, tmp_path), drawing)
        assert len(server.posts()) == 1
    assert result.task_id == "t-1"
    assert states(tmp_path) == ["running"]


def test_a_medium_that_was_not_saved_is_found_by_its_reference(tmp_path: Path) -> None:
    from callsheet import Client
    from callsheet.engine.saving import stored_answer

    with serving(medium("image/png")) as server, Client(**options(server.url, tmp_path)) as client:
        client.call(DRAW, BODY, check=False)
        ledger = client.ledger
        assert ledger is not None
        (row,) = ledger.jobs()
        answer = stored_answer(ledger, row)
        assert answer is not None
        flow = client._engine.save(answer, str(tmp_path / "o.png"), action=row.action)
        (saved,) = client._run(flow)
    assert saved.sha256 == hashlib.sha256(PNG).hexdigest()
    assert states(tmp_path) == ["saved"]
    assert stored(tmp_path) == []
