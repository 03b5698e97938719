"""A download as the client makes it: part file, checksum, durable and atomic rename."""

import os
from collections.abc import Callable
from pathlib import Path


def prepare(host: str, key: str, size: int) -> Callable[[], None]:
    """Return a step that fetches one file."""
    os.environ |= {"ADS_HOST": host, "ADS_API_KEY": key, "ADS_AUTH": "bearer"}
    from ads_client import Client
    from callsheet.flows.download import download
    from callsheet.flows.effects import Flow
    from callsheet.storage.partial_file import PartialFile

    client = Client(ledger=None)
    target = Path(f"ours-{size}.bin")

    def fetch() -> Flow[int]:
        part = PartialFile(str(target), force=True)
        yield from download(f"{host}/file/{size}", part, client._engine.host.timing)
        return part.commit().bytes

    def step() -> None:
        assert client._run(fetch()) == size

    return step
