"""The dialect that states prices charges for success alone, and lets few POSTs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from callsheet_sandbox.options import Options
from callsheet_sandbox.realm import Clock
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet_sandbox.server import Running

KEY = "sk-sandbox-0123456789"
MAKE = "ai.image.generate"


class StillClock(Clock):
    """A time that moves only where a test moves it."""

    def __call__(self) -> float:
        return 1_800_000_000 + self._ahead


@pytest.fixture
def server() -> Iterator[Running]:
    options = Options(keys=(KEY,), credits=100, dialect="credits", clock=StillClock())
    with serve(options) as running:
        yield running


def post(server: Running, action: str, body: dict[str, Any]) -> httpx.Response:
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.post(f"{server.url}/api/actions/{action}", json=body, headers=headers)


def make(server: Running, prompt: str, seconds: float = 0) -> Any:
    body = {"prompt": prompt, "options": {"sandboxSeconds": seconds}}
    return post(server, MAKE, body).json()


def test_the_catalogue_states_prices(server: Running) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    listed = httpx.get(f"{server.url}/api/actions", headers=headers).json()["actions"]
    prices = {entry["id"]: entry.get("pricing") for entry in listed}
    assert prices[MAKE] == {"credits": 5}
    assert prices["ai.image.query"] is None


def test_success_alone_is_charged(server: Running) -> None:
    done, failed, running = make(server, "a"), make(server, "[fail]"), make(server, "b", 60)
    query = "ai.image.query"
    replies = [post(server, query, {"taskId": t["taskId"]}).json() for t in (done, failed, running)]

    assert [reply.get("creditsUsed") for reply in replies] == [5, 0, None]
    assert [charge["taskId"] for charge in server.charges()] == [done["taskId"]]
    server.world.clock.advance(61)
    assert [charge["taskId"] for charge in server.charges()] == [done["taskId"], running["taskId"]]


def test_what_cannot_be_paid_is_not_accepted(server: Running) -> None:
    for _ in range(19):
        make(server, "a")
    server.world.clock.advance(2)
    assert make(server, "a")["taskId"]
    assert post(server, MAKE, {"prompt": "a"}).status_code == 402


def test_few_posts_are_let_in_within_a_second(server: Running) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {KEY}"}) as client:
        address = f"{server.url}/api/actions/ai.image.query"
        answers = [client.post(address, json={"taskId": "x"}) for _ in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {404}
    assert answers[20].status_code == 429
    assert answers[20].headers["retry-after"] == "1"
    server.world.clock.advance(1)
    assert post(server, "ai.image.query", {"taskId": "x"}).status_code == 404
