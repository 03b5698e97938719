"""A paid request that was interrupted is unknown, and its reference is not used again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unit.servers import said, serving
from unit.transport.test_transport import BODY, MAKE, options, states

from callsheet import Client
from callsheet.errors import UsageError
from callsheet.transport.sync import Transport

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner


def test_an_interruption_of_a_sync_call_is_recorded_before_it_leaves(tmp_path: Path) -> None:
    def interrupt(request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    with serving(said({})) as server, Client(**options(server.url, tmp_path)) as client:
        client.actions()
        client._transport.close()
        http = httpx.MockTransport(interrupt)
        client._transport = Transport(client._settings, client.ledger, http=http)
        with pytest.raises(KeyboardInterrupt):
            client.submit(MAKE, BODY, check=False)
    assert states(tmp_path) == ["unknown"]


def test_a_reference_is_not_sent_twice_to_a_server_that_may_not_honour_it(
    runner: Runner, tmp_path: Path
) -> None:
    async def twice(client: Any, wait: Any) -> None:
        again = {"idempotency_key": "mine-1", "check": False}
        await wait(client.submit(MAKE, BODY, **again))
        with pytest.raises(UsageError, match="mine-1 was used"):
            await wait(client.submit(MAKE, BODY, **again))

    with serving(said({"taskId": "t"})) as server:
        runner(options(server.url, tmp_path), twice)
        assert len(server.posts()) == 1
