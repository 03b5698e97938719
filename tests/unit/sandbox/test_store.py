"""State is kept in SQLite, apart for each realm."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callsheet_sandbox.store import Store, TaskRow


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state.sqlite3", 100)
    yield opened
    opened.close()


def row(realm: str, task_id: str, reference: str, created: float) -> TaskRow:
    """Return a job with nothing special about it."""
    return TaskRow(
        realm=realm,
        id=task_id,
        upstream="u",
        action="a.b",
        media="video",
        scene=None,
        prompt="p",
        provider=None,
        model=None,
        body="{}",
        created=created,
        seconds=1.0,
        reference=reference,
    )


def test_a_charge_takes_credits_or_nothing(store: Store) -> None:
    assert store.charge("one", reference="r1", action="a.b", cost=60, task="t1")
    assert not store.charge("one", reference="r2", action="a.b", cost=60, task="t2")
    assert store.charge("two", reference="r3", action="a.b", cost=60, task=None)
    assert store.credits("one") == 40
    assert store.charges("one") == [
        {"reference": "r1", "action": "a.b", "cost": 60, "taskId": "t1"}
    ]


def test_tasks_by_id_and_by_reference(store: Store) -> None:
    for task_id, reference, created in (("t1", "r1", 1.0), ("t2", "r2", 2.0), ("t3", "r1", 3.0)):
        store.add_task(row("one", task_id, reference, created))
    store.count_query("t1")
    stored = store.task("one", "t1")
    assert stored is not None
    assert stored.asked == 1
    assert store.task("two", "t1") is None
    assert [task.id for task in store.tasks("one", None)] == ["t3", "t2", "t1"]
    assert [task.id for task in store.tasks("one", "r1")] == ["t3", "t1"]


def test_replies_are_kept_by_reference(store: Store) -> None:
    store.keep_reply("one", "r", request="d")
    assert store.reply("one", "r") == ("d", None)
    store.keep_reply("one", "r", request="d", body={"taskId": "t"})
    assert store.reply("one", "r") == ("d", {"taskId": "t"})
    store.drop_reply("one", "r")
    assert store.reply("one", "r") is None


def test_the_log_keeps_order_and_status(store: Store) -> None:
    first = store.log("one", {"path": "/a"})
    store.log("one", {"path": "/b"})
    store.log_status(first, 200)
    assert store.requests("one") == [
        {"path": "/a", "status": 200},
        {"path": "/b", "status": None},
    ]


def test_reset_forgets_one_realm_or_all(store: Store) -> None:
    for realm in ("one", "two"):
        store.set_credits(realm, 7)
        store.add_task(row(realm, f"{realm}-t", "r", 1.0))
    store.reset("one")
    assert (store.credits("one"), store.credits("two")) == (100, 7)
    assert (store.tasks("one", None), len(store.tasks("two", None))) == ([], 1)
    store.reset()
    assert store.tasks("two", None) == []


def test_state_outlives_the_server(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    first = Store(path, 100)
    first.add_task(row("one", "t1", "r", 1.0))
    first.close()
    second = Store(path, 100)
    assert second.task("one", "t1") == row("one", "t1", "r", 1.0)
    second.close()
