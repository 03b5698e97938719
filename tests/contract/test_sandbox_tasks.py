"""Jobs over real HTTP: states, waiting, charges, idempotency, media."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import TYPE_CHECKING, Any

import av
import httpx
import pytest
from PIL import Image

from callsheet_sandbox.pytest import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet_sandbox.server import Running

__all__ = ["sandbox"]

SLOW = {"options": {"sandboxSeconds": 100}}
AT_ONCE = {"options": {"sandboxSeconds": 0}}


@pytest.fixture
def client(sandbox: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url, headers={"X-Api-Key": sandbox.key}) as opened:
        yield opened


def call(client: httpx.Client, action: str, body: Any, key: str | None = None) -> httpx.Response:
    """POST an action, with an Idempotency-Key if one is given."""
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/actions/{action}", json=body, headers=headers)


def test_a_job_goes_its_way(client: httpx.Client, sandbox: Running) -> None:
    created = call(client, "ai.video.generate", {"prompt": "waves", **SLOW}).json()
    task_id = created["taskId"]
    replies = []
    for seconds in (1, 39, 60):
        sandbox.advance(seconds)
        replies.append(call(client, "ai.video.query", {"taskId": task_id}).json())
    link = f"{sandbox.url}/media/{task_id}.mp4"
    same = {"taskId": task_id, "provider": "kie", "model": "bytedance/seedance-2-mini"}
    assert created == {**same, "status": "pending", "progress": 0, "pollAfterMs": 20}
    assert replies == [
        {**same, "status": "pending", "progress": 0, "pollAfterMs": 20},
        {**same, "status": "processing", "progress": 0.4, "pollAfterMs": 20},
        {**same, "status": "success", "progress": 1, "videoUrl": link, "url": link},
    ]


def test_a_job_fails_and_says_why(client: httpx.Client) -> None:
    answer = call(client, "ai.video.generate_and_wait", {"prompt": "[fail]", **AT_ONCE}).json()
    assert answer["status"] == "failed"
    assert answer["error"] == "The video could not be generated: the prompt asked for a failure."
    assert "videoUrl" not in answer


async def waiting_calls(running: Running, count: int) -> tuple[int, list[str]]:
    """Send waiting calls and, among them, a list; then let their jobs end.

    Returns how many had an answer when the list came, and their states in the end.
    """
    headers = {"X-Api-Key": running.key}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=60) as client:
        path = "/api/actions/ai.video.generate_and_wait"
        calls = [asyncio.create_task(client.post(path, json=SLOW)) for _ in range(count)]
        while len(running.charges()) < count:
            await asyncio.sleep(0.005)
        await client.get("/api/actions")
        answered = sum(waiting.done() for waiting in calls)
        running.advance(100)
        return answered, [reply.json()["status"] for reply in await asyncio.gather(*calls)]


@pytest.mark.parametrize("count", [1, 10])
def test_waiting_ends_with_the_job_and_holds_nobody_up(sandbox: Running, count: int) -> None:
    assert asyncio.run(waiting_calls(sandbox, count)) == (0, ["success"] * count)


def test_waiting_ends_with_the_time(client: httpx.Client) -> None:
    late = call(client, "ai.video.generate_and_wait", {"timeoutMs": 30, **SLOW}).json()
    assert late["status"] == "timeout"
    assert call(client, "ai.video.query", {"taskId": late["taskId"]}).json()["status"] == "pending"


def test_short_credits_cost_nothing(client: httpx.Client, sandbox: Running) -> None:
    sandbox.set_credits(70)
    assert call(client, "ai.video.generate", {"prompt": "waves"}).status_code == 200
    refused = call(client, "ai.video.generate", {"prompt": "waves"}, key="k")
    assert refused.status_code == 402
    assert refused.json()["error"] == {
        "code": "insufficient_credits",
        "message": "Insufficient credits: this costs 50, the balance is 20.",
        "details": {"required": 50, "available": 20},
    }
    assert (sandbox.credits(), len(sandbox.charges())) == (20, 1)
    sandbox.set_credits(50)
    assert call(client, "ai.video.generate", {"prompt": "waves"}, key="k").status_code == 200


@pytest.mark.parametrize("action", ["ai.video.generate", "ai.video.generate_and_wait"])
def test_a_repeated_key_is_charged_once(
    client: httpx.Client, sandbox: Running, action: str
) -> None:
    body = {"prompt": "waves", **AT_ONCE}
    first, second = (call(client, action, body, key="ref-1") for _ in range(2))
    assert first.json() == second.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    task_id = first.json()["taskId"]
    charge = {"reference": "ref-1", "action": action, "cost": 50, "taskId": task_id}
    assert sandbox.charges() == [charge]
    assert call(client, action, {"prompt": "other"}, key="ref-1").status_code == 409


async def two_at_once(running: Running) -> list[httpx.Response]:
    """Send one waiting call twice, the second while the first is under way."""
    headers = {"X-Api-Key": running.key, "Idempotency-Key": "twice"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers) as client:
        path = "/api/actions/ai.video.generate_and_wait"
        calls = [client.post(path, json={"prompt": "x"}) for _ in range(2)]
        return list(await asyncio.gather(*calls))


def test_a_key_repeated_under_way_is_charged_once(sandbox: Running) -> None:
    answers = asyncio.run(two_at_once(sandbox))
    assert len({answer.json()["taskId"] for answer in answers}) == 1
    assert [answer.json()["status"] for answer in answers] == ["success", "success"]
    assert len(sandbox.charges()) == 1


PAID_UPLOAD = {
    "id": "storage.upload_image",
    "input": {"type": "object", "properties": {"data": {"type": "string"}}},
    "cost": 1,
    "does": "upload",
}


async def uploads_at_once(running: Running, count: int) -> list[httpx.Response]:
    """Send one upload many times at once, under one key."""
    headers = {"X-Api-Key": running.key, "Idempotency-Key": "picture"}
    body = {"data": "data:image/png;base64,iVBORw0KGgo="}
    async with httpx.AsyncClient(base_url=running.url, headers=headers) as client:
        posts = [client.post("/api/actions/storage.upload_image", json=body) for _ in range(count)]
        return list(await asyncio.gather(*posts))


def test_an_upload_repeated_under_way_is_charged_once(sandbox: Running) -> None:
    sandbox.add_action(PAID_UPLOAD)
    answers = asyncio.run(uploads_at_once(sandbox, 20))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["url"] for answer in answers}) == 1
    assert len(sandbox.charges()) == 1


def test_a_server_that_ignores_the_key_charges_twice(
    client: httpx.Client, sandbox: Running
) -> None:
    url = f"{sandbox.dialect_url('bare')}/api/actions/ai.video.generate"
    for _ in range(2):
        client.post(url, json={"prompt": "waves"}, headers={"Idempotency-Key": "k"})
    assert [charge["reference"] for charge in sandbox.charges("bare")] == ["k", "k"]
    assert sandbox.charges() == []


def test_jobs_are_found_by_their_reference(client: httpx.Client) -> None:
    wanted = call(client, "ai.video.generate", {"prompt": "a", **SLOW}, key="ref-2").json()
    call(client, "ai.image.generate", {"prompt": "b"}, key="ref-3")
    tasks = call(client, "ai.task.list", {"clientReference": "ref-2"}).json()["tasks"]
    every = call(client, "ai.task.list", {"limit": 1.0}).json()["tasks"]
    named = {"action": "ai.video.generate", "clientReference": "ref-2"}
    assert tasks == [{**wanted, **named}]
    assert [task["clientReference"] for task in every] == ["ref-3"]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("[unreadable]", {"note": "accepted"}),
        ("[no-media]", {"status": "success", "progress": 1}),
    ],
)
def test_words_in_a_prompt(client: httpx.Client, prompt: str, expected: dict[str, Any]) -> None:
    body = {"prompt": prompt, "provider": "p", "model": "m", **AT_ONCE}
    answer = call(client, "ai.video.generate_and_wait", body).json()
    fields = {key: answer[key] for key in answer if key not in {"taskId", "provider", "model"}}
    assert {key: fields[key] for key in fields if key != "pollAfterMs"} == expected


def test_a_throttled_request_is_not_charged(client: httpx.Client, sandbox: Running) -> None:
    answer = call(client, "ai.video.generate", {"prompt": "[throttle]"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert sandbox.charges() == []


def test_the_video_is_one(client: httpx.Client) -> None:
    done = call(client, "ai.video.generate_and_wait", {"prompt": "waves", **AT_ONCE}).json()
    answer = httpx.get(done["videoUrl"])
    with av.open(io.BytesIO(answer.content)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in container.decode(video=0)) == 24
    assert answer.headers["content-type"] == "video/mp4"
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_media_in_ranges(client: httpx.Client) -> None:
    url = call(client, "ai.video.generate_and_wait", {"prompt": "waves", **AT_ONCE}).json()["url"]
    full = client.get(url)
    tag, size = full.headers["etag"], len(full.content)

    def part(span: str, **headers: str) -> httpx.Response:
        return client.get(url, headers={"Range": span, **headers})

    rest = part("bytes=100-", **{"If-Range": tag})
    assert (rest.status_code, rest.content) == (206, full.content[100:])
    assert rest.headers["content-range"] == f"bytes 100-{size - 1}/{size}"
    assert part("bytes=100-", **{"If-Range": '"old"'}).status_code == 200
    assert part(f"bytes={size}-").status_code == 416
    head = client.head(url)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
    assert head.headers["content-length"] == str(size)


def test_media_of_a_running_job_or_another_dialect(client: httpx.Client, sandbox: Running) -> None:
    running = call(client, "ai.video.generate", {"prompt": "waves", **SLOW}).json()["taskId"]
    done = call(client, "ai.video.generate", {"prompt": "waves", **AT_ONCE}).json()["taskId"]
    paths = [
        f"/media/{running}.mp4",
        f"/d/bare/media/{done}.mp4",
        f"/media/{done}.png",
        "/media/../secret",
        f"/media/{done}.mp4",
        f"/media/{done}.cover.png",
        f"/d/plain/media/{done}.mp4",
    ]
    assert [client.get(path).status_code for path in paths] == [404, 404, 404, 404, 200, 200, 200]


def test_a_picture_has_its_aspect(client: httpx.Client) -> None:
    body = {"prompt": "a cup", "aspectRatio": "1:1", **AT_ONCE}
    done = call(client, "ai.image.generate_and_wait", body).json()
    answer = client.get(done["imageUrl"])
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (320, 320)


def test_an_upload_can_be_fetched(client: httpx.Client, sandbox: Running) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (3, 2)).save(picture, format="PNG")
    uri = "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
    stored = call(client, "storage.upload_image", {"data": uri, "filename": "dot.png"}).json()
    assert (stored["filename"], stored["bytes"]) == ("dot.png", len(picture.getvalue()))
    assert client.get(stored["url"]).content == picture.getvalue()
    assert sandbox.charges() == []


@pytest.mark.parametrize(
    "content", ["text", "data:text/html;base64,AA==", "data:image/png;base64,?"]
)
def test_what_is_no_picture_is_refused(client: httpx.Client, content: str) -> None:
    answer = call(client, "storage.upload_image", {"data": content})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input")


def test_material(client: httpx.Client) -> None:
    page = call(client, "material.search", {"query": "product light"}).json()
    call(client, "material.search", {"query": "ocean"})
    assert [entry["title"] for entry in page["items"]] == ["Perfume bottle"]
    assert client.get(page["items"][0]["imageUrl"]).headers["content-type"] == "image/png"
    second = call(client, "material.search", {"query": "", "page": 2, "pageSize": 5}).json()
    assert (second["page"], second["total"], len(second["items"])) == (2, 12, 5)
    queries = call(client, "material.queries", {}).json()["queries"]
    assert [entry["query"] for entry in queries] == ["", "ocean", "product light"]
