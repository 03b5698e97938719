"""Calls through the client, with validation, reading of the answer and, where paid, the ledger."""

import os
from collections.abc import Callable
from typing import Any


def prepare(host: str, key: str, action: str, body: dict[str, Any]) -> Callable[[], None]:
    """Return a step that makes one call."""
    os.environ |= {"ADS_HOST": host, "ADS_API_KEY": key, "ADS_AUTH": "bearer"}
    from ads_client import Client

    client = Client()
    resolved = client._run(client._find(action))

    def step() -> None:
        assert client.call(resolved, body).response.status == 200

    return step
