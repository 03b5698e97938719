"""What became of a request without an answer is found out, and it is never sent again."""

from __future__ import annotations

import json
import sqlite3
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from unit.client.test_client import VIDEO, WAVES, at, posts
from unit.servers import Seen, said, serving
from unit.transport.test_transport import BODY, MAKE, options

from callsheet import Client
from callsheet.config.overlay import Overlay
from callsheet.errors import OutcomeUnknown, ServerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unit.surroundings import Runner

    from callsheet_sandbox.server import Running

LOOKUP = Overlay(tasks={"action": "ai.task.list", "match": "clientReference"})


def looking(client: Any) -> Any:
    client._engine.host.overlay = LOOKUP
    return client


def left(client: Any, ref: str, state: str = "intent", age: float = 60.0) -> None:
    """Make the row of a job what a killed process leaves."""
    client.ledger.close()
    with sqlite3.connect(client.ledger.path) as db:
        db.execute(
            "UPDATE jobs SET state = ?, task_ids = '[]', created = created - ? WHERE ref = ?",
            (state, age, ref),
        )
    db.close()


def test_a_charged_job_is_found_by_its_reference(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        task = await wait(looking(client).submit(VIDEO, WAVES))
        left(client, task.ref)
        before = len(posts(sandbox))
        rows = await wait(client.tasks.recover())
        sent = [post["path"] for post in posts(sandbox)[before:]]
        again = await wait(client.tasks.get(task.ref))
        await wait(again.wait())
        return task, rows, sent, again.id

    task, (row,), sent, again = runner(at(sandbox), steps)
    assert (row.ref, row.id, again) == (task.ref, task.id, task.id)
    assert row.state in {"running", "done"}
    assert sent == ["/api/actions/ai.task.list"]
    assert len(sandbox.charges()) == 1


def test_what_no_server_lists_stays_unknown(sandbox: Running) -> None:
    with Client(**at(sandbox)) as client:
        task = client.submit(VIDEO, WAVES)
        left(client, task.ref)
        (row,) = client.tasks.recover()
    assert (row.state, row.error) == (
        "unknown",
        "the program ended while the request was out",
    )


def test_what_is_no_job_may_have_been_charged_and_not_be_listed(sandbox: Running) -> None:
    sandbox.add_action({"id": "x.buy", "title": "Buy", "does": "reply", "input": {}, "cost": 3})
    with Client(**at(sandbox)) as client:
        looking(client).call("x.buy", {}, idempotency_key="purchase-1")
        left(client, "purchase-1", "unknown", 9999.0)
        (row,) = client.tasks.recover()
    assert row.state == "unknown"


def test_a_job_that_is_being_sent_now_is_not_unknown(sandbox: Running) -> None:
    with Client(**at(sandbox)) as client:
        facts = {"host": sandbox.url, "action": "ai.video.generate", "body_digest": "x"}
        client.ledger.record("intent", "mine", facts)
        assert client.tasks.recover() == []
        left(client, "mine", age=-7200.0)
        assert [row.state for row in client.tasks.recover()] == ["unknown"]


def test_unsaved_jobs_are_listed_and_saved_ones_are_not(sandbox: Running, tmp_path: Path) -> None:
    with Client(**at(sandbox)) as client:
        open_one, closed = client.submit(VIDEO, WAVES), client.submit(VIDEO, WAVES)
        closed.save(str(tmp_path / "v.mp4"))
        assert [row.ref for row in client.tasks.recover()] == [open_one.ref]


def test_the_user_may_supply_the_task_id(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        task = await wait(client.submit(VIDEO, WAVES))
        left(client, task.ref, "unknown")
        with pytest.raises(ServerError) as refused:
            await wait(client.tasks.recover(task.ref, task_id="made-up"))
        assert refused.value.code == "not_found"
        (still,) = await wait(client.tasks.recover())
        (row,) = await wait(client.tasks.recover(task.ref[:8], task_id=task.id))
        return still.state, row.state, row.id == task.id

    assert runner(at(sandbox), steps) in [("unknown", "running", True), ("unknown", "done", True)]


def test_a_row_of_another_reference_is_not_taken(tmp_path: Path) -> None:
    other = said({"tasks": [{"taskId": "t-9", "status": "success", "clientReference": "other"}]})

    def answer(request: Seen) -> Any:
        return said({}, 502) if request.path.endswith("v.make") else other

    with serving(answer) as server, Client(**options(server.url, tmp_path)) as client:
        listed = [{"id": "v.make"}, {"id": "v.tasks"}]
        server.listed = said({"actions": listed})
        client._engine.host.overlay = Overlay(
            tasks={"action": "v.tasks", "match": "clientReference"}
        )
        with pytest.raises(OutcomeUnknown):
            client.submit(MAKE, BODY, check=False)
        (row,) = client.tasks.recover()
    assert (row.state, row.id) == ("unknown", None)
    assert [request.path.rpartition("/")[2] for request in server.posts()].count("v.make") == 1


def looked_up(
    tmp_path: Path,
    pages: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    dates: tuple[float, ...] = (0.0, 121.0),
    older: str = "v.make",
) -> Any:
    """Return the row of an unknown job after a lookup at each of these server's times.

    ``pages`` gives what it is answered; a job of the action ``older`` was accepted and is listed.
    """
    now = list(dates)

    def answer(request: Seen) -> Any:
        if not request.path.endswith("v.tasks"):
            return said({"taskId": "t-0", "status": "running"}) if not done else said({}, 502)
        body = json.loads(request.body)
        listed = {"tasks": [{"taskId": "t-0", "status": "running", "reference": "older"}]}
        moment = formatdate(1_800_000_000 + now[0], usegmt=True)
        return said(listed if body["reference"] == "older" else pages(body), date=moment)

    done: list[bool] = []
    with serving(answer) as server, Client(**options(server.url, tmp_path)) as client:
        names = ("v.make", "v.other", "v.tasks")
        listed = [{"id": name, "inputSchema": {"type": "object"}} for name in names]
        server.listed = said({"actions": listed})
        client._engine.host.overlay = Overlay(tasks={"action": "v.tasks", "match": "reference"})
        client.submit(MAKE._replace(id=older), BODY, check=False, idempotency_key="older")
        done.append(True)
        with pytest.raises(OutcomeUnknown):
            client.submit(MAKE, BODY, check=False, idempotency_key="lost-one")
        while now:
            (row,) = client.tasks.recover("lost-one")
            now.pop(0)
    return row


OTHERS = [{"taskId": f"t-{n}", "status": "success", "reference": "other"} for n in range(4)]


def test_a_job_on_a_later_page_is_found(tmp_path: Path) -> None:
    def pages(body: dict[str, Any]) -> dict[str, Any]:
        mine = {"taskId": "t-9", "status": "success", "reference": body["reference"]}
        rows = [mine] if body.get("page") == 2 else OTHERS
        return {"tasks": rows, "page": body.get("page", 1), "total": 5}

    row = looked_up(tmp_path, pages)
    assert (row.state, row.id) == ("done", "t-9")


@pytest.mark.parametrize(
    ("beside", "state"),
    [
        ({"tasks": []}, "refused"),
        ({"total": 4}, "refused"),
        ({"has_more": False}, "refused"),
        ({"total": 9}, "unknown"),
        ({"has_more": True}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_only_a_whole_list_tells_that_a_job_was_not_accepted(
    tmp_path: Path, beside: dict[str, Any], state: str
) -> None:
    row = looked_up(tmp_path, lambda body: {"tasks": OTHERS, **beside})
    assert row.state == state


@pytest.mark.parametrize(
    ("dates", "older", "state"),
    [
        ((0.0,), "v.make", "unknown"),
        ((0.0, 119.0), "v.make", "unknown"),
        ((0.0, -500.0, -400.0), "v.make", "unknown"),
        ((0.0, 121.0), "v.other", "unknown"),
        ((0.0, 60.0, 121.0), "v.make", "refused"),
    ],
)
def test_a_job_is_refused_only_by_a_proven_list_later_on_the_servers_clock(
    tmp_path: Path, dates: tuple[float, ...], older: str, state: str
) -> None:
    row = looked_up(tmp_path, lambda body: {"tasks": [], "total": 0}, dates=dates, older=older)
    assert row.state == state
    assert row.error.startswith("the server lists no job with this reference")


def test_a_lookup_that_fails_leaves_the_job_unknown(tmp_path: Path) -> None:
    broken = said({"error": "oops"}, 500)
    with serving(broken) as server, Client(**options(server.url, tmp_path)) as client:
        client._engine.host.overlay = Overlay(tasks={"action": "v.note", "match": "r"})
        with pytest.raises(OutcomeUnknown):
            client.submit(MAKE, BODY, check=False)
        (row,) = client.tasks.recover()
    assert row.state == "unknown"


def test_names_that_nothing_knows(sandbox: Running) -> None:
    with Client(**at(sandbox)) as client:
        for call in (client.tasks.recover, client.tasks.rerun, client.tasks.forget):
            with pytest.raises(UsageError, match="in this ledger"):
                call("0badcafe")
    with Client(**at(sandbox, ledger=None)) as client, pytest.raises(UsageError, match="no ledger"):
        client.tasks.recover()


def test_rerun_is_a_new_job_and_forget_drops_one(runner: Runner, sandbox: Running) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        first = await wait(client.submit(VIDEO, WAVES))
        second = await wait(client.tasks.rerun(first.ref))
        client.tasks.forget(first.ref)
        return first.ref != second.ref, [row.ref == second.ref for row in client.tasks.list()]

    assert runner(at(sandbox), steps) == (True, [True])
    assert len({charge["reference"] for charge in sandbox.charges()}) == 2


def test_without_its_body_a_job_is_not_run_again(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSHEET_STORE_INPUT", "false")
    with Client(**at(sandbox)) as client:
        task = client.submit(VIDEO, WAVES)
        (row,) = client.ledger.jobs()
        with pytest.raises(UsageError, match="digest alone"):
            client.tasks.rerun(task.ref)
    assert row.body is None
    assert row.body_digest
