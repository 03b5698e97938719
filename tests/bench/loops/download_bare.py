"""A download as httpx's own documentation writes it: streamed in chunks into a file."""

from collections.abc import Callable
from pathlib import Path

import httpx


def prepare(host: str, key: str, size: int) -> Callable[[], None]:
    """One step: one file."""
    client = httpx.Client(headers={"Authorization": f"Bearer {key}"}, trust_env=False)
    target = Path(f"bare-{size}.bin")

    def step() -> None:
        with target.open("wb") as file, client.stream("GET", f"{host}/file/{size}") as reply:
            for chunk in reply.iter_bytes():
                file.write(chunk)
        assert target.stat().st_size == size

    return step
