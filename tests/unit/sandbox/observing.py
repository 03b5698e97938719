"""Ask one dialect everything, and keep what it answered as plain data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet_sandbox.server import Running

LONG = {"options": {"sandboxSeconds": 100}}
AT_ONCE = {"options": {"sandboxSeconds": 0}}


def observe(running: Running, name: str) -> dict[str, Any]:
    """Return the replies of a dialect by what was asked: status, headers, body."""
    ask = running.world.realms[name].dialect.task.ask
    key = {"Authorization": f"Bearer {running.key}", "X-Api-Key": running.key}
    with httpx.Client(base_url=running.dialect_url(name), headers=key) as client:
        observed = {**_catalogue(client), **_tasks(running, name, client, ask)}
        observed["errors"] = _errors(running, name, client, ask)
    observed["said"] = sorted(
        set(_words([observed[part] for part in ("steps", "failed", "timeout")]))
    )
    return observed


def _catalogue(client: httpx.Client) -> dict[str, Any]:
    first = client.get("/api/actions")
    listed = client.get("/api/actions", follow_redirects=True)
    ids = ("ai.video.generate", "ai.video.query", "material.queries")
    schemas = {name: _fields(client.get(f"/api/actions/{name}/schema")) for name in ids}
    return {
        "moved": _fields(first) if first.is_redirect else None,
        "list": _fields(listed),
        "public": httpx.get(listed.url).text == listed.text,
        "schema": schemas["ai.video.generate"],
        "schemas": schemas,
    }


def _tasks(running: Running, name: str, client: httpx.Client, ask: str) -> dict[str, Any]:
    running.reset()
    created = _post(client, "ai.video.generate", {"prompt": "a cat", **LONG}, key="one")
    repeated = _post(client, "ai.video.generate", {"prompt": "a cat", **LONG}, key="one")
    charged = len(running.charges(name))
    task_id = running.world.setting.store.tasks(name, "one")[0].id
    steps, throttled = [created], None
    for seconds in (0, 20, 50, 40):
        running.advance(seconds)
        answer = _post(client, "ai.video.query", {ask: task_id})
        if answer["status"] == 429:
            throttled = answer
            answer = _post(client, "ai.video.query", {ask: task_id})
        steps.append(answer)
    waited = {"prompt": "a cat", "timeoutMs": 1, **LONG}
    return {
        "moved_call": client.post("/api/actions/ai.video.query", json={ask: task_id}).status_code,
        "created": created,
        "repeated": repeated,
        "charged": charged,
        "steps": steps,
        "running": steps[2],
        "done": steps[-1],
        "throttled": throttled,
        "timeout": _post(client, "ai.video.generate_and_wait", waited),
        "failed": _post(client, "ai.video.generate_and_wait", {"prompt": "[fail]", **AT_ONCE}),
        "image": _post(client, "ai.image.generate_and_wait", {"prompt": "a cat", **AT_ONCE}),
    }


def _errors(running: Running, name: str, client: httpx.Client, ask: str) -> dict[str, Any]:
    running.set_credits(0, name)
    bad = {"Authorization": "Bearer sk-wrong", "X-Api-Key": "sk-wrong"}
    body = {"prompt": "a cat"}
    return {
        "unauthorized": _post(client, "ai.video.generate", body, headers=bad),
        "credits": _post(client, "ai.video.generate", body),
        "unknown_task": _post(client, "ai.video.query", {ask: "no-such-task"}),
        "invalid": _post(client, "ai.video.query", {ask: 5}),
    }


def _post(
    client: httpx.Client,
    action: str,
    body: dict[str, Any],
    *,
    key: str | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    sent = {**(headers or {}), **({"Idempotency-Key": key} if key else {})}
    return _fields(
        client.post(f"/api/actions/{action}", json=body, headers=sent, follow_redirects=True)
    )


def _fields(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = response.text
    return {"status": response.status_code, "headers": dict(response.headers), "body": body}


def _words(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        for part in document:
            yield from _words(part)
    elif isinstance(document, str):
        yield document
        if document.startswith(("{", '"')):
            yield from _words(json.loads(document))
