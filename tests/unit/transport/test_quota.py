"""All clients of a process share one quota of retries; a server's long pause is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.scripted import Stage, order, reply
from unit.servers import Said, Seen, said, serving
from unit.transport.test_transport import BODY, KEY, MAKE, options

from callsheet import Client
from callsheet.backoff import process_quota
from callsheet.errors import LimitReached, NetworkError
from callsheet.flows.effects import Send
from callsheet.flows.retry import default_timing, with_retries
from callsheet.spec import Action

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner


def test_clients_share_a_quota(tmp_path: Path) -> None:
    assert default_timing().quota is default_timing().quota is process_quota()


def test_two_hundred_workers_ask_a_dead_server_a_bounded_number_of_times() -> None:
    stage = Stage(NetworkError("refused", sent=False))
    for _ in range(200):
        with pytest.raises(NetworkError):
            stage.run(with_retries(Send("GET", "/api/actions"), stage.timing))
    assert len(stage.sends) <= 235


def test_a_server_that_is_well_fills_the_quota_again() -> None:
    stage = Stage(reply({}))
    while stage.quota.take(14):
        pass
    for _ in range(20):
        stage.run(with_retries(Send("GET", "/api/actions"), stage.timing))
    assert stage.quota.take(14)


@pytest.mark.parametrize("hint", ["121", "Mon, 12 Jan 1970 14:00:00 GMT"])
def test_a_pause_of_more_than_two_minutes_is_told(hint: str) -> None:
    stage = Stage(reply(b"", 503, retry_after=hint))
    with pytest.raises(LimitReached) as caught:
        stage.run(with_retries(Send("GET", "/api/actions"), stage.timing))
    assert (len(stage.sends), stage.pauses, caught.value.exit_code) == (1, [], 7)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 120


def test_a_paid_request_is_not_sent_again_by_any_quota() -> None:
    from callsheet.errors import CallsheetError
    from callsheet.flows.invoke import submit

    stage = Stage(reply(b"", 503, retry_after="1"))
    with pytest.raises(CallsheetError):
        stage.run(submit(order(Action(id="ai.v.make")), stage.timing))
    assert len(stage.sends) == 1


def test_a_key_that_a_server_repeats_goes_no_further(runner: Runner, tmp_path: Path) -> None:
    def answer(request: Seen) -> Said:
        return said({"taskId": "t", "saw": request.headers["authorization"]}, 200, x_saw=KEY)

    async def steps(client: Any, wait: Any) -> Any:
        result = await wait(client.call(MAKE, BODY, check=False))
        return result.json, dict(result.response.headers)

    with serving(answer) as server:
        output = runner(options(server.url, tmp_path), steps)
        with Client(**options(server.url, tmp_path)) as client:
            rows = client.tasks.list()
    assert output[0]["taskId"] == "t"
    assert KEY not in f"{output}{rows}"
    for path in (tmp_path / "ledger").iterdir():
        assert KEY.encode() not in path.read_bytes()
