"""The documented routes over real HTTP: keys, list, schemas, refusals, caching."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from callsheet_sandbox.options import Options
from callsheet_sandbox.pytest import sandbox
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet_sandbox.server import Running

__all__ = ["sandbox"]

GENERATE = "/api/actions/ai.video.generate"
QUERY = "/api/actions/ai.video.query"


@pytest.fixture
def client(sandbox: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url, headers={"X-Api-Key": sandbox.key}) as opened:
        yield opened


def test_list(client: httpx.Client) -> None:
    listed = client.get("/api/actions").json()
    assert [entry["id"] for entry in listed["actions"]][4:7] == [
        "ai.video.generate",
        "ai.video.generate_and_wait",
        "ai.video.query",
    ]
    assert sorted(entry["id"] for entry in listed["actions"] if entry.get("readOnly")) == [
        "ai.image.query",
        "ai.task.list",
        "ai.video.query",
        "material.queries",
        "material.search",
    ]


def test_schema(client: httpx.Client) -> None:
    document = client.get(f"{QUERY}/schema").json()
    assert document["id"] == "ai.video.query"
    assert document["inputSchema"]["required"] == ["taskId"]
    assert sorted(document["outputSchema"]["properties"]) == [
        "error",
        "model",
        "progress",
        "provider",
        "status",
        "taskId",
        "url",
        "videoUrl",
    ]


@pytest.mark.parametrize("kinds", ["both", "bearer", "x-api-key"])
def test_keys(kinds: str) -> None:
    sent = {
        "none": {},
        "bearer": {"Authorization": "Bearer sk-good"},
        "x-api-key": {"X-Api-Key": "sk-good"},
        "wrong": {"Authorization": "Bearer sk-bad", "X-Api-Key": "sk-bad"},
        "basic": {"Authorization": "Basic sk-good"},
    }
    with serve(Options(auth=kinds, keys=("sk-good",))) as running:
        statuses = {
            name: httpx.get(f"{running.url}/api/actions", headers=headers).status_code
            for name, headers in sent.items()
        }
    good = {"bearer", "x-api-key"} if kinds == "both" else {kinds}
    assert statuses == {name: 200 if name in good else 401 for name in sent}


@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        (("POST", "/api/actions/no.such", "{}"), 404, "unknown_action"),
        (("GET", "/api/actions/no.such/schema", None), 404, "unknown_action"),
        (("GET", "/api/nothing", None), 404, "not_found"),
        (("GET", "/d/klingon/api/actions", None), 404, "not_found"),
        (("GET", GENERATE, None), 405, "method_not_allowed"),
        (("POST", "/api/actions", "{}"), 405, "method_not_allowed"),
        (("POST", GENERATE, "[]"), 400, "malformed"),
        (("POST", GENERATE, "{"), 400, "malformed"),
        (("POST", GENERATE, ""), 400, "malformed"),
        (("POST", GENERATE, '{"options": {"a": NaN}}'), 400, "malformed"),
        (("POST", GENERATE, '{"prompt": "\\ud800"}'), 400, "malformed"),
        (("POST", GENERATE, '{"prompt": 5}'), 422, "invalid_input"),
        (("POST", GENERATE, '{"imageInput": "https://x.example/a.png"}'), 422, "invalid_input"),
        (("POST", QUERY, "{}"), 422, "invalid_input"),
        (("POST", QUERY, '{"taskId": "none"}'), 404, "unknown_task"),
        (("POST", "/__actions", '{"title": "no id"}'), 400, "malformed"),
        (("POST", "/__credits", '{"credit": 1}'), 400, "malformed"),
    ],
)
def test_refusals(
    client: httpx.Client,
    sandbox: Running,
    ask: tuple[str, str, str | None],
    status: int,
    code: str,
) -> None:
    method, path, content = ask
    answer = client.request(method, path, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert sandbox.charges() == []


def test_a_wrong_body_is_explained(client: httpx.Client) -> None:
    error = client.post(GENERATE, json={"imageInput": [1]}).json()["error"]
    assert error["message"] == 'Invalid input at /imageInput/0: 1 is not of type "string"'
    assert error["details"] == [{"path": "/imageInput/0", "message": '1 is not of type "string"'}]


@pytest.mark.parametrize("path", ["/api/actions", f"{QUERY}/schema"])
def test_an_etag_saves_the_body(client: httpx.Client, sandbox: Running, path: str) -> None:
    tag = client.get(path).headers["etag"]
    same = client.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    sandbox.add_action({"id": "ai.video.query", "title": "New"})
    changed = client.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)


def test_last_modified_saves_the_body(client: httpx.Client, sandbox: Running) -> None:
    path = sandbox.dialect_url("linked") + "/api/actions"
    since = client.get(path).headers["last-modified"]
    assert client.get(path, headers={"If-Modified-Since": since}).status_code == 304
    assert client.get(path, headers={"If-Modified-Since": "yesterday"}).status_code == 200
    sandbox.add_action({"id": "a.new"}, "linked")
    assert client.get(path, headers={"If-Modified-Since": since}).status_code == 200


@pytest.mark.parametrize("name", ["cursor", "snake", "numbered", "linked"])
def test_pages_together_are_the_list(client: httpx.Client, sandbox: Running, name: str) -> None:
    first = f"{sandbox.dialect_url(name)}/api/actions"
    client.headers["Authorization"] = f"Bearer {sandbox.key}"
    url: str | None = first
    ids: list[str] = []
    while url:
        answer = client.get(url, follow_redirects=True)
        body = answer.json()
        items = body if isinstance(body, list) else body.get("items") or body["data"]
        ids += [entry.get("id") or entry["key"] for entry in items]
        url = following(first, answer)
    assert ids == sorted(sandbox.world.realms[name].actions)


def following(first: str, answer: httpx.Response) -> str | None:
    """Return the address of the next page by whichever sign the answer gives."""
    body = answer.json()
    if "next" in answer.links:
        return answer.links["next"]["url"]
    if isinstance(body, list):
        return None
    if cursor := body.get("nextCursor") or body.get("next_cursor"):
        return f"{first}?cursor={cursor}"
    if body.get("page", 1) * body.get("pageSize", 1) < body.get("total", 0):
        return f"{first}?page={body['page'] + 1}"
    return None


def test_the_log_keeps_what_arrived_and_no_key(client: httpx.Client, sandbox: Running) -> None:
    client.post(f"{GENERATE}?x=1", json={"prompt": "waves"}, headers={"Idempotency-Key": "k"})
    client.get(f"{sandbox.dialect_url('bare')}/api/actions", headers={"Authorization": "Bearer b"})
    [entry] = sandbox.requests()
    [other] = client.get("/d/bare/__log").json()
    headers = entry.pop("headers")
    assert entry == {
        "method": "POST",
        "path": GENERATE,
        "query": "x=1",
        "auth": "x-api-key",
        "body": {"prompt": "waves"},
        "status": 200,
    }
    assert headers["idempotency-key"] == "k"
    assert headers["x-api-key"] == "<x-api-key>"
    assert (other["path"], other["auth"]) == ("/api/actions", "bearer and x-api-key")
    assert sandbox.key not in str([entry, headers, other])


def test_an_action_comes_and_goes_at_run_time(client: httpx.Client) -> None:
    action = {
        "id": "music.song.hum",
        "input": {"type": "object", "properties": {"tune": {"type": "string"}}},
        "cost": 3,
        "reply": {"sung": "$tune"},
    }
    assert client.post("/__actions", json=action).status_code == 201
    assert client.get("/api/actions/music.song.hum/schema").json()["inputSchema"] == action["input"]
    assert client.post("/api/actions/music.song.hum", json={"tune": "la"}).json() == {"sung": "la"}
    assert [row["cost"] for row in client.get("/__charges").json()] == [3]
    assert client.delete("/__actions/music.song.hum").status_code == 204
    assert client.post("/api/actions/music.song.hum", json={}).status_code == 404


def test_reset_forgets_actions_charges_and_requests(client: httpx.Client, sandbox: Running) -> None:
    sandbox.add_action({"id": "a.new"})
    sandbox.set_credits(60)
    client.post(GENERATE, json={"prompt": "waves"})
    assert sandbox.credits() == 10
    assert client.post("/__reset").status_code == 204
    assert (sandbox.charges(), sandbox.requests(), sandbox.credits()) == ([], [], 10_000)
    assert client.get("/api/actions/a.new/schema").status_code == 404
