"""Faults in replies: what the client sees, and what was charged for it."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from contract.conftest import wait_until

from callsheet_sandbox.faults import answers
from callsheet_sandbox.pytest import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.conftest import Gate

    from callsheet_sandbox.server import Running

__all__ = ["sandbox"]

GENERATE = "/api/actions/ai.image.generate"
QUERY = "/api/actions/ai.image.query"
AT_ONCE = {"prompt": "a cup", "options": {"sandboxSeconds": 0}}
LONG = {"prompt": "a cup", "options": {"sandboxSeconds": 100}}


@pytest.fixture
def client(sandbox: Running) -> Iterator[httpx.Client]:
    headers = {
        "X-Api-Key": sandbox.key,
    }
    with httpx.Client(base_url=sandbox.url, headers=headers) as opened:
        yield opened


def create(client: httpx.Client, body: dict[str, Any] = AT_ONCE) -> httpx.Response:
    """POST the paid action."""
    return client.post(GENERATE, json=body, headers={"Idempotency-Key": "ref"})


@pytest.mark.parametrize(("phase", "charged"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("503", (503, "application/json", '"code": "injected"')),
        ("408 type=problem", (408, "application/problem+json", '"title": "Request Timeout"')),
        ("500 type=text message=no", (500, "text/plain; charset=utf-8", "no")),
        ("502 type=html", (502, "text/html; charset=utf-8", "<title>502 Bad Gateway</title>")),
        ("599 type=empty", (599, None, "")),
        ("malformed", (200, "application/json", '{"taskId": "')),
        ("wrong", (200, "application/json", "[null, 3]")),
        ("html", (200, "text/html; charset=utf-8", "<h1>200 OK</h1>")),
        ("empty", (200, None, "")),
    ],
)
def test_what_comes_instead(
    client: httpx.Client,
    sandbox: Running,
    kind: str,
    expected: tuple[int, str | None, str],
    *,
    phase: str,
    charged: int,
) -> None:
    status, form, text = expected
    sandbox.set_faults(f"{kind} ai.image.generate {phase}")
    answer = create(client)
    assert (answer.status_code, answer.headers.get("content-type")) == (status, form)
    assert text in answer.text
    assert sandbox.stats()["charges"] == ({"ref": 1} if charged else {})
    assert create(client).json()["status"] == "success"
    assert len(sandbox.charges()) == 1


@pytest.mark.parametrize("form", ["2", "-1", "1.5", "1e9", "soon", "", "99999999999999999999"])
def test_retry_after_in_odd_forms(client: httpx.Client, sandbox: Running, form: str) -> None:
    sandbox.set_faults([{"kind": 429, "retry-after": form}])
    answer = create(client)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, form)
    assert "retry-after" not in create(client).headers


def test_retry_after_as_a_date(
    client: httpx.Client, sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))
    sandbox.set_faults("429 retry-after=date+60; 429 retry-after=date-60 @2")
    dates = [parsedate_to_datetime(create(client).headers["retry-after"]) for _ in range(2)]
    assert [date.timestamp() - 1_800_000_000 for date in dates] == [60, -60]


def test_a_burst_and_a_large_body(client: httpx.Client, sandbox: Running) -> None:
    sandbox.set_faults("503 x3 size=1000000 type=text")
    answers = [client.get("/api/actions") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 503, 200]
    assert len(answers[0].content) > 1_000_000


@pytest.mark.parametrize(("phase", "charged"), [("before", 0), ("after", 1)])
def test_slow(
    client: httpx.Client, sandbox: Running, gate: Gate, *, phase: str, charged: int
) -> None:
    sandbox.set_faults(f"slow seconds=0.2 ai.image.generate {phase}")
    with pytest.raises(httpx.ReadTimeout):
        client.post(GENERATE, json=AT_ONCE, timeout=httpx.Timeout(60, read=0.1))
    wait_until(lambda: gate.seconds)
    assert (gate.seconds, len(sandbox.charges())) == ([0.2], charged)
    gate.open()
    wait_until(sandbox.charges)
    assert len(sandbox.charges()) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["same", "port", "scheme", "host", "http://x.example/y?z=1"])
def test_redirects(client: httpx.Client, sandbox: Running, code: int, to: str) -> None:
    sandbox.set_faults([{"kind": "redirect", "code": code, "to": to, "path": "/api/*"}])
    answer = client.get("/api/actions?a=1")
    place = "/api/actions?a=1"
    expected = {
        "same": f"{sandbox.url}{place}&moved=1",
        "port": f"{sandbox.foreign.url}{place}",
        "scheme": f"{sandbox.foreign.tls_url}{place}",
        "host": sandbox.url.replace("127.0.0.1", "localhost") + place,
    }
    assert (answer.status_code, answer.headers["location"]) == (code, expected.get(to, to))
    assert client.get("/api/actions").status_code == 200


def test_a_key_that_follows_a_redirect_is_seen(client: httpx.Client, sandbox: Running) -> None:
    sandbox.set_faults("307 to=port GET; redirect to=port GET")
    client.get("/api/actions", follow_redirects=True)
    [request] = sandbox.foreign.requests()
    assert (request["path"], request["auth"]) == ("/api/actions", "x-api-key")
    assert request["headers"]["x-api-key"] == sandbox.key
    sums = sandbox.stats()
    assert sums["credentials"] == {
        sandbox.url.removeprefix("http://"): {"x-api-key": 1},
        sandbox.foreign_url.removeprefix("http://"): {"x-api-key": 1},
    }
    assert sums["foreign"] == {"GET /api/actions": 1}


def states(client: httpx.Client, task_id: str, times: int) -> list[tuple[str, float]]:
    """Ask for a job several times; return the states and progress."""
    replies = [client.post(QUERY, json={"taskId": task_id}).json() for _ in range(times)]
    return [(reply["status"], reply["progress"]) for reply in replies]


def test_a_job_that_never_ends(client: httpx.Client, sandbox: Running) -> None:
    sandbox.set_faults("stuck progress=0.9")
    created = create(client).json()
    assert (created["status"], created["progress"]) == ("processing", 0.9)
    assert states(client, created["taskId"], 2) == [("processing", 0.9)] * 2
    sandbox.clear_faults()
    assert states(client, created["taskId"], 1) == [("success", 1)]


def test_states_go_backwards_and_are_unknown(client: httpx.Client, sandbox: Running) -> None:
    task_id = create(client, LONG).json()["taskId"]
    sandbox.advance(50)
    sandbox.set_faults("backwards @2; state word=re_encoding @3")
    words = [word for word, _ in states(client, task_id, 4)]
    assert words == ["processing", "pending", "re_encoding", "processing"]


def test_faults_reach_every_dialect(client: httpx.Client, sandbox: Running) -> None:
    sandbox.set_faults("500 ai.image.generate after; 503 /api/actions")
    start = f"{sandbox.dialect_url('bare')}/api/actions"
    codes = [client.get(start).status_code, client.get(start).status_code]
    headers = {"Idempotency-Key": "ref"}
    for _ in range(2):
        codes.append(
            client.post(f"{start}/ai.image.generate", json=AT_ONCE, headers=headers).status_code
        )
    assert codes == [503, 200, 500, 200]
    assert (sandbox.stats("bare")["charges"], sandbox.stats()["charges"]) == ({"ref": 2}, {})


def test_faults_over_http(client: httpx.Client, sandbox: Running) -> None:
    put = client.post("/__faults", content="503 /api/actions x2")
    assert [line["kind"] for line in put.json()] == ["status"]
    assert [client.get("/api/actions").status_code for _ in range(3)] == [503, 503, 200]
    [line] = client.get("/__faults").json()
    assert (line["seen"], line["fired"]) == (3, 2)
    assert client.post("/__faults", content="nonsense").status_code == 400
    assert client.delete("/__faults").status_code == 204
    assert client.get("/__faults").json() == sandbox.faults() == []
    paths = {"GET /api/actions": 3}
    assert client.get("/__stats").json() == {
        "charges": {},
        "credentials": {sandbox.url.removeprefix("http://"): {"x-api-key": 3}},
        "requests": paths,
        "foreign": {},
    }


def test_reset_ends_the_faults(client: httpx.Client, sandbox: Running) -> None:
    sandbox.set_faults("503 x*")
    assert client.get("/api/actions").status_code == 503
    sandbox.reset()
    assert (client.get("/api/actions").status_code, sandbox.faults()) == (200, [])
