"""Recorded replies are served in their order, the last one for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from callsheet_sandbox.options import Options
from callsheet_sandbox.replay import CaseReplay, Replay
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from pathlib import Path

REPLIES: list[dict[str, Any]] = [
    {"path": "/api/actions", "headers": {"ETag": '"1"', "Content-Length": "9"}, "body": ["a.b"]},
    {"path": "/api/actions?cursor=2", "body": ["c.d"]},
    {"method": "POST", "path": "/api/actions/a.query", "body": {"state": "running"}},
    {"method": "POST", "path": "/api/actions/a.query", "body": {"url": "{origin}/v.mp4"}},
    {"method": "POST", "path": "/api/actions/a.b", "status": 502, "body": "<h1>Bad</h1>"},
    {"path": "/empty", "status": 204},
]


def write(folder: Path, replies: list[dict[str, Any]]) -> Path:
    """Write one file a reply."""
    for number, reply in enumerate(replies):
        (folder / f"{number:03}.json").write_text(json.dumps(reply))
    return folder


def test_replies(tmp_path: Path) -> None:
    with (
        serve(Options(replay=write(tmp_path, REPLIES))) as running,
        httpx.Client(base_url=running.url) as client,
    ):
        listed = client.get("/api/actions?limit=5")
        assert (listed.json(), listed.headers["etag"]) == (["a.b"], '"1"')
        assert client.get("/api/actions?cursor=2").json() == ["c.d"]
        replies = [client.post("/api/actions/a.query", json={}).json() for _ in range(3)]
        finished = {"url": f"{running.url}/v.mp4"}
        assert replies == [{"state": "running"}, finished, finished]
        broken = client.post("/api/actions/a.b", json={"x": 1})
        assert (broken.status_code, broken.text) == (502, "<h1>Bad</h1>")
        assert client.get("/empty").status_code == 204
        assert client.get("/api/actions/a.b").status_code == 404
        assert [entry["status"] for entry in running.requests()][-3:] == [502, 204, 404]


@pytest.mark.parametrize("content", ["{", "[]", '{"body": 1}'])
def test_a_wrong_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "1.json").write_text(content)
    with pytest.raises(ValueError, match=r"1\.json: no recorded reply"):
        Replay(tmp_path)


CASE = {
    "id": "replay.a-job",
    "server": {
        "actions": {"video.generate": {"type": "object"}, "video.query": {"type": "object"}},
        "POST of the paid action": {"taskId": "u1"},
        "POST of video.query, one after the other, the last for ever": [
            {"status": "running"},
            {"status": "success", "videoUrl": "@B/f/good.mp4"},
        ],
        "the job is known by": "u1",
    },
}


def test_a_case_is_played_with_its_posts(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps([CASE]))
    with serve(Options(replay=file)) as running, httpx.Client(base_url=running.url) as client:
        listed = client.get("/api/actions").json()
        created = client.post("/api/actions/video.generate", json={"prompt": "x"}).json()
        asked = [
            client.post("/api/actions/video.query", json={"taskId": task})
            for task in ("other", "u1", "u1", "u1")
        ]
        film = client.get(asked[-1].json()["videoUrl"])

    assert [entry["id"] for entry in listed] == ["video.generate", "video.query"]
    assert created == {"taskId": "u1"}
    assert [reply.status_code for reply in asked] == [404, 200, 200, 200]
    assert [reply.json().get("status") for reply in asked[1:]] == ["running", "success", "success"]
    assert film.headers["content-type"] == "video/mp4"
    assert film.content[4:8] == b"ftyp"


def test_a_file_without_a_case_is_named(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text("[]")
    with pytest.raises(ValueError, match=r"case\.json: no case"):
        CaseReplay(file)
