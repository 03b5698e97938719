"""The whole catalogue through the client: list, every schema, read and stored; or warm."""

import os
from collections.abc import Callable

from callsheet import Client


def prepare(host: str, key: str, *, warm: bool = False, **_: int) -> Callable[[], None]:
    """Return a step: one refresh with a new connection pool, as a command line makes it."""
    os.environ |= {"CALLSHEET_HOST": host, "CALLSHEET_API_KEY": key, "CALLSHEET_AUTH": "bearer"}
    os.environ |= {"CALLSHEET_CACHE_DIR": os.path.abspath("fetched")}

    def step() -> None:
        with Client(ledger=None) as client:
            catalogue = client._run(client._engine.host.refresh(anew=not warm))
            assert all(action.input for action in catalogue.actions)

    step()
    return step
