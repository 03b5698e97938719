"""Results are saved one or all, with a manifest where it is asked for, and gone on with later."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Said, Seen, said, serving
from unit.transport.test_transport import BODY, MAKE, options

from callsheet import AsyncClient, Client
from callsheet.errors import DownloadError, SavedElsewhere, UsageError
from callsheet.spec import Action
from callsheet.storage import partial_file
from callsheet.storage.output_path import target_path

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 99 + b"\0\0\0\0IEND\xaeB`\x82"


def film(*links: str) -> dict[str, Any]:
    return {"taskId": "t", "status": "done", "images": [{"imageUrl": link} for link in links]}


def plan(files: dict[str, Said], *links: str) -> Any:
    """Return a server whose only job makes these links."""

    def answer(request: Seen) -> Said:
        path = request.path.partition("?")[0]
        return files[path] if request.method == "GET" else said(film(*links))

    return answer


def png(data: bytes = PNG) -> Said:
    return Said(200, data, {"Content-Type": "image/png", "ETag": '"1"'})


async def saving(client: Any, wait: Any, path: str, **how: Any) -> Any:
    task = await wait(client.submit(MAKE, BODY, check=False))
    result = await wait(task.wait())
    return await wait(result.save_all(path, **how))


def test_the_first_of_several_is_saved_and_all_where_the_name_has_an_index(
    runner: Runner, tmp_path: Path
) -> None:
    files = {"/a.png": png(), "/b.png": png(PNG[:20] + b"y" + PNG[21:])}
    with serving(plan(files, "/a.png", "/b.png")) as server:
        client_options = options(server.url, tmp_path)

        async def steps(client: Any, wait: Any) -> Any:
            first = await saving(client, wait, str(tmp_path / "one.png"))
            every = await saving(client, wait, str(tmp_path / "{index}.{ext}"))
            return first, every, client.tasks.list()

        first, every, jobs = runner(client_options, steps)
    assert [os.path.basename(file.path) for file in first] == ["one.png"]
    assert [os.path.basename(file.path) for file in every] == ["1.png", "2.png"]
    assert every[0].sha256 != every[1].sha256
    assert [(job.state, len(job.files)) for job in jobs] == [("saved", 2), ("saved", 1)]


def test_nothing_is_fetched_where_one_of_the_names_is_taken(tmp_path: Path) -> None:
    (tmp_path / "2.png").write_bytes(b"old")
    served = plan({"/a.png": png(), "/b.png": png()}, "/a.png", "/b.png")
    with serving(served) as server, Client(**options(server.url, tmp_path)) as client:
        result = client.submit(MAKE, BODY, check=False).wait()
        with pytest.raises(UsageError, match=r"2\.png exists"):
            result.save(str(tmp_path / "{index}.png"))
    assert not (tmp_path / "1.png").exists()
    assert [request.path for request in server.seen if request.method == "GET"] == []


def test_a_manifest_says_where_a_file_came_from(runner: Runner, tmp_path: Path) -> None:
    with serving(plan({"/a.png": png()}, "/a.png?signature=secret")) as server:
        client_options = options(server.url, tmp_path)

        async def steps(client: Any, wait: Any) -> Any:
            return await saving(client, wait, str(tmp_path / "a.png"), manifest=True)

        runner(client_options, steps)
    text = (tmp_path / "a.png.json").read_text("utf-8")
    facts = json.loads(text)
    assert facts == facts | {
        "file": "a.png",
        "bytes": len(PNG),
        "sha256": hashlib.sha256(PNG).hexdigest(),
        "action": "v.make",
        "taskId": "t",
        "host": server.url,
    }
    assert "secret" not in text


def test_what_a_failure_leaves_is_gone_on_with_by_the_next_client(
    runner: Runner, tmp_path: Path
) -> None:
    cut = Said(200, PNG[:50], {"ETag": '"1"'}, length=len(PNG), cut="after")
    rest = Said(
        206, PNG[50:], {"ETag": '"1"', "Content-Range": f"bytes 50-{len(PNG) - 1}/{len(PNG)}"}
    )
    refused = Said(418)
    ranges: list[str] = []
    replies = [cut, refused, refused, rest]

    def answer(request: Seen) -> Said:
        if request.method == "POST":
            return said(film("/a.png?signed=" + str(len(ranges))))
        ranges.append(request.headers.get("range", ""))
        return replies.pop(0)

    async def steps(client: Any, wait: Any) -> Any:
        return await saving(client, wait, str(tmp_path / "a.png"))

    async def later(client: Any, wait: Any) -> Any:
        (job,) = client.tasks.list()
        task = await wait(client.tasks.get(job.ref))
        return await wait(task.save(str(tmp_path / "a.png")))

    with serving(answer) as server:
        with pytest.raises(DownloadError, match="418"):
            runner(options(server.url, tmp_path), steps)
        assert not (tmp_path / "a.png").exists()
        saved = runner(options(server.url, tmp_path), later)
    assert ranges == ["", "bytes=50-", "", "bytes=50-"]
    assert saved.sha256 == hashlib.sha256(PNG).hexdigest()
    assert sorted(os.listdir(tmp_path)) == ["a.png", "ledger"]


def test_an_error_document_in_place_of_a_picture_leaves_nothing(tmp_path: Path) -> None:
    xml = Said(200, b"<?xml version='1.0'?><Error/>", {"ETag": '"1"'})
    served = plan({"/a.png": xml}, "/a.png")
    with serving(served) as server, Client(**options(server.url, tmp_path)) as client:
        result = client.submit(MAKE, BODY, check=False).wait()
        with pytest.raises(DownloadError, match="png was expected"):
            result.save(str(tmp_path / "a.png"))
    assert sorted(os.listdir(tmp_path)) == ["ledger"]


def test_a_folder_takes_all_media(runner: Runner, tmp_path: Path) -> None:
    files = {"/a.png": png(), "/b.png": png(PNG[:20] + b"y" + PNG[21:])}
    with serving(plan(files, "/a.png", "/b.png")) as server:

        async def steps(client: Any, wait: Any) -> Any:
            return await saving(client, wait, f"{tmp_path}/all/")

        saved = runner(options(server.url, tmp_path), steps)
    names = ["v-make-t-1.png", "v-make-t-2.png"]
    assert [os.path.basename(file.path) for file in saved] == names
    assert sorted(os.listdir(tmp_path / "all")) == names


def test_the_file_of_an_action_that_is_no_job_is_recorded_as_saved(
    runner: Runner, tmp_path: Path
) -> None:
    def answer(request: Seen) -> Said:
        return png() if request.method == "GET" else said({"images": [{"url": "/a.png"}]})

    with serving(answer) as server:

        async def steps(client: Any, wait: Any) -> Any:
            result = await wait(client.call(Action(id="image.make"), BODY, check=False))
            await wait(result.save(str(tmp_path / "a.png")))
            return client.tasks.list()

        (job,) = runner(options(server.url, tmp_path), steps)
    assert job.state == "saved"
    assert [os.path.basename(file.path) for file in job.files] == ["a.png"]


@pytest.mark.parametrize("form", ["{}", "data:application/octet-stream;base64,{}"])
def test_files_that_stand_in_the_reply_are_saved_like_any_other(
    runner: Runner, tmp_path: Path, form: str
) -> None:
    other = PNG[:20] + b"y" + PNG[21:]
    texts = [form.format(base64.b64encode(data).decode()) for data in (PNG, other)]
    with serving(said({"taskId": "t", "status": "done", "images": texts})) as server:

        async def steps(client: Any, wait: Any) -> Any:
            first = await saving(client, wait, str(tmp_path / "one.png"), manifest=True)
            return first, await saving(client, wait, str(tmp_path / "{index}.{ext}"))

        first, every = runner(options(server.url, tmp_path), steps)
    assert [file.sha256 for file in every] == [
        hashlib.sha256(data).hexdigest() for data in (PNG, other)
    ]
    assert first[0].sha256 == every[0].sha256
    assert [os.path.basename(file.path) for file in every] == ["1.png", "2.png"]
    manifest = json.loads((tmp_path / "one.png.json").read_text("utf-8"))
    assert manifest["link"] == f"data:image/png ({len(PNG)} bytes)"


@pytest.mark.parametrize("data", [PNG[:-4], PNG + b"x" * 5000])
def test_a_file_in_the_reply_that_is_not_whole_leaves_nothing(tmp_path: Path, data: bytes) -> None:
    reply = said({"taskId": "t", "status": "done", "image": base64.b64encode(data).decode()})
    with serving(reply) as server, Client(**options(server.url, tmp_path)) as client:
        result = client.submit(MAKE, BODY, check=False).wait()
        with pytest.raises(DownloadError, match="not whole"):
            result.save(str(tmp_path / "a.png"))
    assert sorted(os.listdir(tmp_path)) == ["ledger"]


def test_a_link_that_is_gone_costs_no_answer(tmp_path: Path) -> None:
    served = plan({"/a.png": Said(404)}, "/a.png")
    with serving(served) as server, Client(**options(server.url, tmp_path)) as client:
        result = client.submit(MAKE, BODY, check=False).wait()
        with pytest.raises(DownloadError, match="404") as caught:
            result.save(str(tmp_path / "a.png"))
    copy = next(path for path in (tmp_path / "ledger" / "replies").iterdir() if not path.suffix)
    assert json.loads(copy.read_bytes()) == film("/a.png")
    assert str(copy) in caught.value.message


def test_a_page_in_place_of_the_first_link_leaves_the_next(tmp_path: Path) -> None:
    page = Said(200, b"<html>", {"Content-Type": "text/html"})
    served = plan({"/a": page, "/b.png": png()}, "/a", "/b.png")
    with serving(served) as server, Client(**options(server.url, tmp_path)) as client:
        saved = client.submit(MAKE, BODY, check=False).wait().save(str(tmp_path / "a.png"))
    assert saved.sha256 == hashlib.sha256(PNG).hexdigest()


def test_media_of_no_job_find_names_in_a_folder_too(tmp_path: Path) -> None:
    named = [target_path(f"{tmp_path}/", action="a.b", index=n, extension=".png") for n in (1, 2)]
    assert [os.path.basename(path) for path in named] == ["a-b.png", "a-b-2.png"]


@pytest.mark.parametrize(("refused", "wanted"), [(False, ["/a.png"]), (True, [])])
def test_a_job_that_is_done_at_once_without_media_is_asked_for_them(
    runner: Runner, tmp_path: Path, refused: bool, wanted: list[str]
) -> None:
    def answer(request: Seen) -> Said:
        if request.path.endswith("query"):
            return said({"error": "busy"}, 500) if refused else said(film("/a.png"))
        return said({"taskId": "t", "status": "done"})

    with serving(answer) as server:

        async def steps(client: Any, wait: Any) -> Any:
            return await wait(client.call(MAKE, BODY, check=False, wait=True))

        result = runner(options(server.url, tmp_path), steps)
    assert list(result.media) == [server.url + path for path in wanted]
    assert len(server.posts()) == 2


def test_a_name_that_is_taken_while_the_job_runs_gives_way_to_a_free_one(
    runner: Runner, tmp_path: Path
) -> None:
    files, target = {"/a.png": png()}, tmp_path / "a.png"

    def answer(request: Seen) -> Said:
        if request.method == "GET":
            target.mkdir()
        reply: Said = plan(files, "/a.png")(request)
        return reply

    async def steps(client: Any, wait: Any) -> Any:
        task = await wait(client.submit(MAKE, BODY, check=False))
        try:
            await wait(task.save(str(target)))
        except SavedElsewhere as error:
            return error, client.tasks.list()

    with serving(answer) as server:
        error, (job,) = runner(options(server.url, tmp_path), steps)
    saved = str(tmp_path / "a-2.png")
    assert [file.path for file in error.files] == [file.path for file in job.files] == [saved]
    assert (job.state, error.task_id, error.exit_code) == ("saved", "t", 1)
    assert saved in error.message
    assert (tmp_path / "a-2.png").read_bytes() == PNG


def test_a_task_looks_at_its_path_before_it_waits(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    with serving(plan({}, "/a.png")) as server:

        async def steps(client: Any, wait: Any) -> None:
            task = await wait(client.submit(MAKE, BODY, check=False))
            server.seen.clear()
            with pytest.raises(UsageError, match="exists"):
                await wait(task.save(str(tmp_path / "a.png")))

        runner(options(server.url, tmp_path), steps)
    assert server.seen == []


def test_a_fifo_takes_the_medium_of_a_result(runner: Runner, tmp_path: Path) -> None:
    path, read = tmp_path / "fifo", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    with serving(plan({"/a.png": png()}, "/a.png")) as server:

        async def steps(client: Any, wait: Any) -> Any:
            return (await saving(client, wait, str(path)))[0], client.tasks.list()[0]

        saved, job = runner(options(server.url, tmp_path), steps)
    reader.join()
    assert (read, saved.bytes, job.state) == ([PNG], len(PNG), "done")
    assert path.is_fifo()


def test_a_fifo_that_nobody_reads_yet_leaves_the_event_loop_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, read, opening = tmp_path / "fifo", [], threading.Event()
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()), daemon=True)
    open_stream = partial_file._open_stream

    def open_later(target: str) -> int:
        opening.set()
        return open_stream(target)

    monkeypatch.setattr(partial_file, "READER_TRIES", 100)
    monkeypatch.setattr(partial_file, "_open_stream", open_later)

    async def work(url: str) -> None:
        async with AsyncClient(**options(url, tmp_path)) as client:
            task = await client.submit(MAKE, BODY, check=False)
            save = asyncio.ensure_future((await task.wait()).save_all(str(path)))
            await asyncio.to_thread(opening.wait, 20)
            reader.start()
            await save

    with serving(plan({"/a.png": png()}, "/a.png")) as server:
        asyncio.run(work(server.url))
    reader.join()
    assert read == [PNG]
