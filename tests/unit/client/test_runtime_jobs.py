"""A reply with an id and no result is a job, whatever the catalogue looks like."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.actions.test_resolve import DECOYS
from unit.servers import Said, Seen, Server, said, serving
from unit.transport.test_transport import options

from callsheet import Client
from callsheet.errors import DownloadError, StillRunning

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

BODY = {"prompt": "waves"}
PROMPT = {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}}
BY_ID = {"type": "object", "required": ["clip_id"], "properties": {"clip_id": {"type": "string"}}}


class Clips:
    """Clips that are made by ``video.create`` and got by ``video.get``: words of plain records."""

    def __init__(self, *states: dict[str, Any], asking: str = "video.get", **marks: Any) -> None:
        self.created, self.states = {"clip_id": "c1"}, list(states)
        self.listed = [
            {"id": "video.create", "inputSchema": PROMPT},
            {"id": asking, "inputSchema": BY_ID, **marks},
        ]

    def __call__(self, request: Seen) -> Said:
        if request.path.endswith("/video.create"):
            return said(self.created)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return said({"clip_id": json.loads(request.body)["clip_id"], **state})

    def serve(self, server: Server) -> str:
        server.listed = said({"actions": self.listed})
        return server.url


RUNNING: dict[str, Any] = {"status": "processing", "pollAfterMs": 20}
DONE = {"status": "succeeded", "video_url": "https://cdn.example/c1.mp4"}


def asked(server: Server) -> list[bool]:
    """Return of every question about the clip whether it went out as one that may cost."""
    posts = [post for post in server.posts() if not post.path.endswith("/video.create")]
    return ["idempotency-key" in post.headers for post in posts]


def test_a_job_is_found_waited_for_and_found_again(runner: Runner, tmp_path: Path) -> None:
    async def work(client: Any, wait: Any) -> None:
        result = await wait(client.call("video.create", BODY, wait=True))
        assert (result.task_id, result.media) == ("c1", ("https://cdn.example/c1.mp4",))
        task = await wait(client.tasks.get("c1"))
        assert (await wait(task.wait())).media == result.media
        submitted = await wait(client.submit("video.create", BODY))
        assert (await wait(submitted.wait())).media == result.media
        states = [row.state for row in client.tasks.list()]
        assert states == ["done", "done"]

    clips = Clips(RUNNING, RUNNING, DONE)
    with serving(clips) as server:
        clips.serve(server)
        runner(options(server.url, tmp_path), work)
        assert asked(server) == [True, False, False, False, False]
        with Client(**options(server.url, tmp_path)) as later:
            assert later.tasks.get("c1").refresh().state == "done"
        assert asked(server)[5:] == [False]


def test_a_job_is_asked_about_in_another_group(runner: Runner, tmp_path: Path) -> None:
    async def work(client: Any, wait: Any) -> None:
        result = await wait(client.call("video.create", BODY, wait=True))
        assert result.media == ("https://cdn.example/c1.mp4",)
        assert (await wait((await wait(client.tasks.get("c1"))).wait())).media == result.media

    clips = Clips(RUNNING, DONE, asking="clips.get")
    with serving(clips) as server:
        clips.listed += [
            {"id": f"clips.{word}", "inputSchema": BY_ID} for word in ("delete", "extend")
        ]
        clips.serve(server)
        runner(options(server.url, tmp_path), work)
        assert asked(server) == [True, False, False]


def test_a_text_with_an_id_is_no_job_and_is_saved_as_json(runner: Runner, tmp_path: Path) -> None:
    text = {"id": "chatcmpl-1", "choices": [{"message": {"content": "waves"}}]}

    async def work(client: Any, wait: Any) -> None:
        result = await wait(client.call("text.write", BODY, wait=True))
        saved = await wait(result.save(str(tmp_path / "text.json"), force=True))
        assert json.loads((tmp_path / "text.json").read_text()) == text
        assert saved.path == str(tmp_path / "text.json")
        with pytest.raises(DownloadError):
            await wait(result.save(str(tmp_path / "text.mp4")))

    with serving(said(text)) as server:
        server.listed = said({"actions": [{"id": "text.write", "inputSchema": PROMPT}]})
        runner(options(server.url, tmp_path), work)


def test_a_call_that_does_not_wait_returns_the_reply_and_keeps_the_id(
    runner: Runner, tmp_path: Path
) -> None:
    async def work(client: Any, wait: Any) -> None:
        result = await wait(client.call("video.create", BODY))
        assert result.json == {"clip_id": "c1"}
        row = client.tasks.list()[0]
        assert (row.state, row.id) == ("running", "c1")

    clips = Clips(DONE)
    with serving(clips) as server:
        clips.serve(server)
        runner(options(server.url, tmp_path), work)
        assert len(server.posts()) == 1


@pytest.mark.parametrize("marks", [{"readOnly": True}, {"billable": False}])
def test_a_mark_of_the_host_makes_the_first_question_free(
    marks: dict[str, bool], tmp_path: Path
) -> None:
    clips = Clips(RUNNING, DONE, **marks)
    with serving(clips) as server, Client(**options(clips.serve(server), tmp_path)) as client:
        assert client.call("video.create", BODY, wait=True).media
        assert asked(server) == [False, False]


@pytest.mark.parametrize("name", DECOYS)
def test_a_decoy_is_never_asked(name: str, runner: Runner, tmp_path: Path) -> None:
    schema, marks = DECOYS[name]
    clips = Clips(DONE)
    clips.created = {"taskId": "c1", "id": "c1"}
    clips.listed[1] = {"id": f"video.{name}", "inputSchema": schema, **marks}

    async def work(client: Any, wait: Any) -> None:
        with pytest.raises(StillRunning, match="c1"):
            await wait(client.call("video.create", BODY, wait=True))
        with pytest.raises(StillRunning, match="c1"):
            await wait(client.tasks.get("c1"))

    with serving(clips) as server:
        clips.serve(server)
        runner(options(server.url, tmp_path), work)
        assert [post.path for post in server.posts()] == ["/api/actions/video.create"]
