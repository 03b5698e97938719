"""The same download with httpx alone: streamed into a part, hashed, durable, then renamed."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import httpx


def prepare(host: str, key: str, size: int) -> Callable[[], None]:
    """Return a step that fetches one file."""
    client = httpx.Client(headers={"Authorization": f"Bearer {key}"}, trust_env=False)
    target = Path(f"bare-{size}.bin")
    part = Path(f"bare-{size}.part")

    def step() -> None:
        digest = hashlib.sha256()
        with part.open("wb") as file, client.stream("GET", f"{host}/file/{size}") as reply:
            for chunk in reply.iter_bytes():
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        folder = os.open(".", os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        assert target.stat().st_size == size
        assert digest.hexdigest()

    return step
