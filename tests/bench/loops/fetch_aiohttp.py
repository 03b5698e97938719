"""The list, then every schema with aiohttp, so many at once, parsed and kept."""

import asyncio
import json
from collections.abc import Callable

import aiohttp


def prepare(host: str, key: str, at_once: int) -> Callable[[], None]:
    """Return a step that fetches one catalogue."""

    async def fetch() -> None:
        connector = aiohttp.TCPConnector(limit=at_once)
        headers = {"Authorization": f"Bearer {key}"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

            async def get(path: str) -> dict[str, object]:
                async with session.get(host + path) as reply:
                    return dict(json.loads(await reply.read()))

            async with session.get(host + "/api/actions") as reply:
                listed = json.loads(await reply.read())
            paths = [f"/api/actions/{action['id']}/schema" for action in listed]
            assert all(await asyncio.gather(*map(get, paths)))

    return lambda: asyncio.run(fetch())
