"""Recorded replies are served in their order, the last one for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from callsheet_sandbox.options import Options
from callsheet_sandbox.replay import Replay
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
