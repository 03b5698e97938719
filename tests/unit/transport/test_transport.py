"""Over real connections: one paid POST, the right error, the key at home, files complete."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Said, Seen, said, serving

from callsheet.errors import (
    CallsheetError,
    DownloadError,
    NetworkError,
    OutcomeUnknown,
    ServerError,
    TaskFailed,
    UsageError,
)
from callsheet.flows.retry import default_timing
from callsheet.spec import Action, Family
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

MAKE = Action(
    id="v.make", role="create", family=Family(create="v.make", query="v.query"), media=("videoUrl",)
)
KEY = "sk-0123456789abcdef"
BODY = {"prompt": "waves"}


def options(url: str, tmp_path: Path, **more: Any) -> dict[str, Any]:
    # Retries follow at once: the jitter is nothing.
    timing = default_timing()._replace(random=lambda: 0.0)
    ledger = str(tmp_path / "ledger")
    return {"host": url, "api_key": KEY, "ledger": ledger, "timing": timing, **more}


async def submitting(client: Any, wait: Any) -> Any:
    return await wait(client.submit(MAKE, BODY, check=False))


def states(tmp_path: Path) -> list[str]:
    ledger = Ledger(str(tmp_path / "ledger"))
    try:
        return [job.state for job in ledger.jobs()]
    finally:
        ledger.close()


def failing(runner: Runner, url: str, tmp_path: Path, steps: Any = submitting) -> CallsheetError:
    with pytest.raises(CallsheetError) as caught:
        runner(options(url, tmp_path), steps)
    return caught.value


LOST = [
    Said(cut="before"),
    Said(200, b'{"taskId": "t', length=100, cut="after"),
    Said(200, b"", length=100, cut="after"),
    Said(200, b"xx", {"Content-Encoding": "gzip"}),
]


@pytest.mark.parametrize("answer", LOST)
def test_a_reply_that_is_lost_is_unknown_after_one_post(
    runner: Runner, tmp_path: Path, answer: Said
) -> None:
    with serving(answer) as server:
        error = failing(runner, server.url, tmp_path)
        assert isinstance(error, OutcomeUnknown)
        assert len(server.posts()) == 1
    assert states(tmp_path) == ["unknown"]


@pytest.mark.parametrize("answer", LOST)
def test_a_lost_reply_is_asked_for_again_where_the_key_is_honoured(
    runner: Runner, tmp_path: Path, answer: Said
) -> None:
    with serving(said({"taskId": "t-0"}, idempotency_key="k"), answer, said({"taskId": "t"})) as s:

        async def twice(client: Any, wait: Any) -> str:
            await submitting(client, wait)
            task = await submitting(client, wait)
            return str(task.id)

        assert runner(options(s.url, tmp_path), twice) == "t"
        keys = [post.headers["idempotency-key"] for post in s.posts()]
        assert (len(keys), keys[1]) == (3, keys[2])
        assert keys[0] != keys[1]
        assert len({post.body for post in s.posts()}) == 1


def test_a_server_that_is_not_there_got_nothing(runner: Runner, tmp_path: Path) -> None:
    async def listing(client: Any, wait: Any) -> Any:
        return await wait(client.actions())

    with serving(said({})) as server:
        runner(options(server.url, tmp_path), listing)
    error = failing(runner, server.url, tmp_path)
    assert isinstance(error, NetworkError)
    assert (error.sent, states(tmp_path)) == (False, ["unsent"])
    assert "cannot be reached" in error.message


def test_a_silent_server_is_unknown(runner: Runner, tmp_path: Path) -> None:
    import threading

    gate = threading.Event()

    def silent(seen: Seen) -> Said:
        gate.wait(5)
        return Said(cut="before")

    async def impatient(client: Any, wait: Any) -> Any:
        return await wait(client.submit(MAKE, BODY, check=False, timeout=0.1))

    with serving(silent) as server:
        error = failing(runner, server.url, tmp_path, impatient)
        gate.set()
        assert isinstance(error, OutcomeUnknown)
        assert len(server.posts()) == 1
    assert states(tmp_path) == ["unknown"]


def test_a_page_in_front_of_the_api_is_unknown_with_its_text(
    runner: Runner, tmp_path: Path
) -> None:
    page = Said(200, b"<html><title>Sign in</title></html>", {"Content-Type": "text/html"})
    with serving(page) as server:
        error = failing(runner, server.url, tmp_path)
    assert isinstance(error, OutcomeUnknown)
    assert "Sign in" in error.raw


def test_a_paid_reply_too_large_for_the_memory_is_stored_whole(
    runner: Runner, tmp_path: Path
) -> None:
    bomb = Said(200, gzip.compress(b" " * (17 << 20)), {"Content-Encoding": "gzip"})
    with serving(bomb) as server:
        error = failing(runner, server.url, tmp_path)
    assert isinstance(error, OutcomeUnknown)
    (stored,) = (tmp_path / "ledger" / "replies").iterdir()
    assert str(stored) in error.hint
    assert stored.stat().st_size == 17 << 20
    assert stored.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("auth", ["bearer", "x-api-key"])
def test_the_key_is_never_sent_to_another_origin(runner: Runner, tmp_path: Path, auth: str) -> None:
    with serving(Said(200, b"film")) as cdn, serving(said({})) as server:
        film = {"taskId": "t", "status": "done", "videoUrl": f"{cdn.url}/v.mp4"}

        def answer(request: Seen) -> Said:
            return (
                Said(307, b"", {"Location": f"{cdn.url}/x"})
                if "v.free" in request.path
                else said(film)
            )

        server.answer = answer

        async def steps(client: Any, wait: Any) -> None:
            task = await submitting(client, wait)
            await wait(task.save(str(tmp_path / "v.bin")))
            with pytest.raises(ServerError, match="your key was not sent there"):
                await wait(client.call(Action(id="v.free", paid=False), {}, check=False))

        runner(options(server.url, tmp_path, auth=auth), steps)
        sent = {"bearer": "authorization", "x-api-key": "x-api-key"}[auth]
        assert all(KEY in request.headers[sent] for request in server.seen)
        assert [request.path for request in cdn.seen] == ["/v.mp4"]
        assert KEY not in json.dumps(list(cdn.seen[0].headers.values()))
    assert (tmp_path / "v.bin").read_bytes() == b"film"


def test_a_redirect_inside_the_origin_is_followed(runner: Runner, tmp_path: Path) -> None:
    with serving(Said(308, b"", {"Location": "/v2/make"}), said({"taskId": "t"})) as server:
        assert runner(options(server.url, tmp_path), submitting).id == "t"
        assert [post.path for post in server.posts()] == ["/api/actions/v.make", "/v2/make"]
        assert server.posts()[0].body == server.posts()[1].body == b'{"prompt":"waves"}'
        assert KEY in server.posts()[1].headers["authorization"]


@pytest.mark.parametrize("name", ["a/../b", "..%2f..", "a?b", "a#b", "ü", "a%2e"])
def test_an_id_is_one_segment_on_the_wire(runner: Runner, tmp_path: Path, name: str) -> None:
    async def call(client: Any, wait: Any) -> Any:
        return await wait(client.call(Action(id=name, paid=False), {}, check=False))

    with serving(said({"ok": 1})) as server:
        runner(options(server.url, tmp_path), call)
        (request,) = server.seen
    prefix, _, segment = request.path.rpartition("/")
    assert prefix == "/api/actions"
    assert "?" not in segment


@pytest.mark.parametrize("name", [".", "..", ""])
def test_an_id_that_is_no_segment_is_not_sent(runner: Runner, tmp_path: Path, name: str) -> None:
    async def call(client: Any, wait: Any) -> Any:
        return await wait(client.call(Action(id=name, paid=False), {}, check=False))

    with serving(said({})) as server:
        assert isinstance(failing(runner, server.url, tmp_path, call), UsageError)
        assert server.seen == []


def saving(url: str, tmp_path: Path) -> Any:
    async def steps(client: Any, wait: Any) -> Any:
        task = await submitting(client, wait)
        return await wait(task.save(str(tmp_path / "v.bin")))

    return steps


FILM = bytes(range(256)) * 40


def film(*answers: Said) -> Any:
    """Answer as an API whose job is done at once, then with the film's answers in turn."""
    remaining = list(answers)

    def answer(request: Seen) -> Said:
        if request.method == "POST":
            return said({"taskId": "t", "status": "done", "videoUrl": "/v.mp4"})
        return remaining.pop(0) if len(remaining) > 1 else remaining[0]

    return answer


def test_a_broken_download_is_resumed(runner: Runner, tmp_path: Path) -> None:
    tag = {"ETag": '"1"'}
    rest = Said(
        206, FILM[5000:], {**tag, "Content-Range": f"bytes 5000-{len(FILM) - 1}/{len(FILM)}"}
    )
    broken = Said(200, FILM[:5000], tag, length=len(FILM), cut="after")
    with serving(film(broken, rest)) as server:
        saved = runner(options(server.url, tmp_path), saving(server.url, tmp_path))
        gets = [request for request in server.seen if request.method == "GET"]
        assert gets[1].headers["range"] == "bytes=5000-"
        assert gets[1].headers["if-range"] == '"1"'
    assert (tmp_path / "v.bin").read_bytes() == FILM
    assert saved.bytes == len(FILM)
    assert states(tmp_path) == ["saved"]


def test_an_encoded_file_is_saved_decoded(runner: Runner, tmp_path: Path) -> None:
    packed = Said(200, gzip.compress(FILM), {"Content-Encoding": "gzip"})
    with serving(film(packed)) as server:
        runner(options(server.url, tmp_path), saving(server.url, tmp_path))
    assert (tmp_path / "v.bin").read_bytes() == FILM


def test_a_download_that_fails_leaves_no_file(runner: Runner, tmp_path: Path) -> None:
    with serving(film(Said(410))) as server:
        error = failing(runner, server.url, tmp_path, saving(server.url, tmp_path))
    assert isinstance(error, DownloadError)
    assert (error.task_id, error.action) == ("t", "v.make")
    assert [path.name for path in tmp_path.iterdir()] == ["ledger"]


def test_a_failed_job_is_told_in_the_words_of_the_server(runner: Runner, tmp_path: Path) -> None:
    bad = said({"taskId": "t", "status": "failed", "message": "not allowed"})

    async def steps(client: Any, wait: Any) -> str:
        task = await submitting(client, wait)
        with pytest.raises(TaskFailed, match="not allowed"):
            await wait(task.wait())
        return str(task.state)

    with serving(said({"taskId": "t"}), bad) as server:
        assert runner(options(server.url, tmp_path), steps) == "failed"
    assert states(tmp_path) == ["failed"]
