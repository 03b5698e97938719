"""The list, then every schema with httpx's own async client, so many at once."""

import asyncio
from collections.abc import Callable

import httpx


def prepare(host: str, key: str, at_once: int) -> Callable[[], None]:
    """Return a step that fetches one catalogue."""

    async def fetch() -> None:
        limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(limits=limits, headers=headers, timeout=120) as client:

            async def get(path: str) -> dict[str, object]:
                return dict((await client.get(host + path)).json())

            listed = (await client.get(host + "/api/actions")).json()
            paths = [f"/api/actions/{action['id']}/schema" for action in listed]
            assert all(await asyncio.gather(*map(get, paths)))

    return lambda: asyncio.run(fetch())
