"""Hooks see each request without keys, and whatever they do costs no money and no answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Said, said, serving
from unit.transport.test_transport import KEY, options, states, submitting

from callsheet import DoneEvent, OutcomeUnknown, RequestEvent

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

RUNNING = said({"taskId": "t", "status": "running"}, x_request_id="r-1")
DONE = said({"taskId": "t", "status": "done", "videoUrl": f"/v.mp4?signature={KEY}"})
MEDIUM = Said(200, b"\0\0\0\x18ftypmp42" + bytes(40), {"Content-Type": "video/mp4"})


def test_each_request_is_told_before_and_after(runner: Runner, tmp_path: Path) -> None:
    events: list[Any] = []

    async def steps(client: Any, wait: Any) -> None:
        task = await submitting(client, wait)
        await wait(task.save(tmp_path / "v.mp4"))

    with serving(RUNNING, DONE, MEDIUM) as server:
        hooks = {"on_request": events.append, "on_done": events.append}
        runner(options(server.url, tmp_path, **hooks), steps)
    pairs = [(events[at], events[at + 1]) for at in range(0, len(events), 2)]
    assert {(type(before), type(after)) for before, after in pairs} == {(RequestEvent, DoneEvent)}
    assert [before for before, _ in pairs] == [after[:3] for _, after in pairs]
    assert [tuple(after)[:4] for _, after in pairs if after.action or "v.mp4" in after.url] == [
        ("POST", f"{server.url}/api/actions/v.make", "v.make", 200),
        ("POST", f"{server.url}/api/actions/v.query", "v.query", 200),
        ("GET", f"{server.url}/v.mp4", "", 200),
    ]
    assert "r-1" in {after.request_id for _, after in pairs}
    assert all(after.seconds >= 0 for _, after in pairs)
    assert KEY not in repr(events)


def test_a_request_without_an_answer_says_why(runner: Runner, tmp_path: Path) -> None:
    events: list[DoneEvent] = []
    with serving(Said(cut="before")) as server, pytest.raises(OutcomeUnknown):
        runner(options(server.url, tmp_path, on_done=events.append), submitting)
    (event,) = [event for event in events if event.action]
    assert (event.method, event.status, event.request_id) == ("POST", None, None)
    assert event.error


def test_a_hook_that_fails_changes_nothing(
    runner: Runner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: Any) -> None:
        raise RuntimeError(f"no {KEY}")

    with serving(RUNNING) as server, caplog.at_level(logging.WARNING, "callsheet"):
        task = runner(options(server.url, tmp_path, on_request=fail, on_done=fail), submitting)
        assert len(server.posts()) == 1
    assert (task.id, states(tmp_path)) == ("t", ["running"])
    assert "a hook failed: RuntimeError: no " in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(("hook", "posts"), [("on_request", 0), ("on_done", 1)])
def test_a_hook_that_stops_the_program_leaves_a_record(
    runner: Runner, tmp_path: Path, hook: str, posts: int
) -> None:
    def stop(event: Any) -> None:
        if event.action:
            raise SystemExit(3)

    with serving(RUNNING) as server:
        with pytest.raises(SystemExit):
            runner(options(server.url, tmp_path, **{hook: stop}), submitting)
        assert len(server.posts()) == posts
    assert states(tmp_path) == ["unknown"]
