"""A result outlives its client, and an asynchronous client the loop that it was first used in."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import said, serving
from unit.transport.test_transport import options

from callsheet import AsyncClient, Client

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = {"title": "waves", "parts": [1, 2]}
SEARCH = {"id": "material.search", "readOnly": True, "inputSchema": {"type": "object"}}
LISTED = said({"actions": [SEARCH]})


def test_a_result_is_copied_and_pickled_without_its_client(tmp_path: Path) -> None:
    with serving(said(ANSWER)) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        result = client.call("material.search", {})

    for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert (twin.json, twin.data, twin.action) == (ANSWER, result.data, "material.search")
        assert twin.response == result.response


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_one_client_serves_several_event_loops(tmp_path: Path) -> None:
    with serving(said(ANSWER)) as server:
        server.listed = LISTED
        client = AsyncClient(**options(server.url, tmp_path))

        async def search() -> Any:
            return (await client.call("material.search", {})).json

        assert [asyncio.run(search()) for _ in range(3)] == [ANSWER] * 3
        asyncio.run(client.close())
    gc.collect()  # connections of a loop that was closed can no longer be closed themselves
