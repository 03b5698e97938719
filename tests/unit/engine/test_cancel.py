"""A job is cancelled by the action of its group that is named so and takes the task id alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Seen, said, serving
from unit.transport.test_transport import BODY, MAKE, options

from callsheet.engine.recovery import find_cancel_action
from callsheet.errors import UsageError
from callsheet.spec import Advertised

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

TASK = {"type": "object", "properties": {"taskId": {"type": "string"}}, "required": ["taskId"]}
TWO = {
    "type": "object",
    "properties": {"taskId": {"type": "string"}, "why": {"type": "string"}},
    "required": ["taskId", "why"],
}


@pytest.mark.parametrize(
    ("offered", "action_id"),
    [
        ({"ai.v.cancel": TASK}, "ai.v.cancel"),
        ({"ai.v.stop": TASK, "ai.v.cancel_task": TASK}, "ai.v.cancel_task"),
        ({"ai.v.abort": TASK}, "ai.v.abort"),
        ({"ai.v.cancel": TWO}, ""),
        ({"ai.w.cancel": TASK}, ""),
        ({"ai.v.cancellation": TASK}, ""),
        ({"ai.v.cancel": True}, ""),
        ({"ai.v.cancel": {"$ref": "http://evil.example/"}}, ""),
        ({}, ""),
    ],
)
def test_which_action_cancels(offered: dict[str, Any], action_id: str) -> None:
    actions = [Advertised(id=name, input=schema) for name, schema in offered.items()]
    assert find_cancel_action("ai.v.query", actions) == (action_id, "taskId" if action_id else "")


def test_the_job_is_named_to_that_action(runner: Runner, tmp_path: Path) -> None:
    def answer(request: Seen) -> Any:
        return said({"taskId": "t-1", "status": "running"})

    async def steps(client: Any, wait: Any) -> None:
        task = await wait(client.submit(MAKE, BODY, check=False))
        await wait(task.cancel())

    with serving(answer) as server:
        server.listed = said({"actions": [{"id": "v.cancel", "inputSchema": TASK}]})
        runner(options(server.url, tmp_path), steps)
        last = server.posts()[-1]
    assert (last.path, json.loads(last.body)) == ("/api/actions/v.cancel", {"taskId": "t-1"})


def test_a_server_that_cannot_cancel_is_told_apart(runner: Runner, tmp_path: Path) -> None:
    async def steps(client: Any, wait: Any) -> None:
        task = await wait(client.submit(MAKE, BODY, check=False))
        with pytest.raises(UsageError, match="no action that cancels"):
            await wait(task.cancel())

    with serving(said({"taskId": "t-1"})) as server:
        runner(options(server.url, tmp_path), steps)
        assert len(server.posts()) == 1
