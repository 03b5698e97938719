"""The whole catalogue through the client: list, every schema, read and stored; or warm."""

import os
from collections.abc import Callable

from callsheet import Client


def prepare(host: str, key: str, *, warm: bool = False, **_: int) -> Callable[[], None]:
    """One step: one refresh with a new connection pool, as a command line makes it."""
    os.environ |= {"CALLSHEET_HOST": host, "CALLSHEET_API_KEY": key, "CALLSHEET_AUTH": "bearer"}
    os.environ |= {"CALLSHEET_CACHE_DIR": os.path.abspath("fetched")}

    def step() -> None:
        with Client(ledger=None) as client:
            found = client.run(client.engine.host.refresh(whole=not warm))
            assert all(one.input for one in found.actions)

    step()
    return step
