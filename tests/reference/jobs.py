"""Starts jobs by hand, for the cases that ask about one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from callsheet_sandbox.server import Running


def start(sandbox: Running, *, running: bool) -> str:
    """Create a job by hand and return its task id; it is over unless it shall be running."""
    url = f"{sandbox.url}/api/actions/ai.video.generate"
    body = {"prompt": "kites", "options": {"sandboxSeconds": 60 if running else 0}}
    reply = httpx.post(url, json=body, headers={"X-Api-Key": sandbox.key})
    return str(reply.json()["taskId"])
