"""The ledger keeps every submission, is shared by processes, and refuses what would cost twice."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.errors import UsageError
from callsheet.storage.ledger import Ledger
from callsheet.storage.partial_file import SavedFile

if TYPE_CHECKING:
    from pathlib import Path

FACTS: dict[str, Any] = {
    "host": "https://ads.example",
    "action": "ai.v.make",
    "body": '{"prompt":"waves"}',
    "body_digest": "d1",
    "family": {"create": "ai.v.make", "query": "ai.v.query"},
    "media": ["videoUrl"],
}
REF = "0badcafe-1111-2222-3333-444455556666"


def state(ledger: Ledger, ref: str = REF) -> str:
    row = ledger.find(ref)
    assert row is not None
    return str(row.state)


def test_a_job_from_intent_to_file(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path), clock=lambda: 5.0)
    ledger.record("intent", REF, FACTS)
    assert state(ledger) == "intent"
    ledger.record("accepted", REF, {"task_ids": ["t-1", "t-2"], "cost": 3.0, "said": "queued"})
    assert state(ledger) == "running"
    ledger.record("done", REF, {"reply": {"videoUrl": "\ud800"}, "said": "success"})
    ledger.saved(REF, [SavedFile("v.mp4", 3, "abc")])
    row = ledger.find(REF)
    ledger.close()
    assert row is not None
    assert row == row._replace(
        **FACTS,
        state="saved",
        created=5.0,
        task_ids=["t-1", "t-2"],
        cost=3.0,
        said="success",
        reply={"videoUrl": "\ud800"},
        files=(SavedFile(os.path.abspath("v.mp4"), 3, "abc"),),
    )
    assert row.to_row()["files"] == [
        {"path": os.path.abspath("v.mp4"), "bytes": 3, "sha256": "abc"}
    ]


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    ledger = Ledger(str(tmp_path / "state"))
    try:
        ledger.record("intent", REF, FACTS)
        modes = {stat.S_IMODE(os.stat(path).st_mode) for path in (tmp_path / "state").iterdir()}
    finally:
        os.umask(before)
        ledger.close()
    assert modes == {0o600}
    assert stat.S_IMODE(os.stat(tmp_path / "state").st_mode) == 0o700


@pytest.mark.parametrize("name", [REF, "t-1", "t-2", "täsk"])
def test_a_job_has_its_reference_and_its_task_ids_as_names(tmp_path: Path, name: str) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    ledger.record("accepted", REF, {"task_ids": ["t-1", "t-2", "täsk"]})
    row = ledger.find(name)
    ledger.close()
    assert row is not None
    assert row.ref == REF


@pytest.mark.parametrize("name", ["", REF[:8], "t-", "%", "t-1' OR 1", "0badcafe%", REF + "x"])
def test_other_names_mean_no_job(tmp_path: Path, name: str) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    ledger.record("accepted", REF, {"task_ids": ["t-1"]})
    entry = ledger.find(name)
    ledger.close()
    assert entry is None


def test_looking_makes_no_file(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "state"))
    assert (ledger.find(REF), ledger.jobs(), ledger.honours_key("h")) == (None, [], False)
    assert not (tmp_path / "state").exists()


def test_the_newest_jobs_come_first(tmp_path: Path) -> None:
    now = iter(range(100))
    ledger = Ledger(str(tmp_path), clock=lambda: float(next(now)))
    for n in range(5):
        ledger.record("intent", f"ref-{n}", FACTS)
    newest = [job.ref for job in ledger.jobs(limit=2)]
    ledger.forget("ref-4")
    rest = [job.ref for job in ledger.jobs()]
    ledger.close()
    assert newest == ["ref-4", "ref-3"]
    assert rest == ["ref-3", "ref-2", "ref-1", "ref-0"]


@pytest.mark.parametrize("event", ["intent", "accepted", "unknown", "done", "failed"])
def test_a_reference_that_left_is_not_used_again(tmp_path: Path, event: str) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    if event != "intent":
        ledger.record(event, REF, {})
    with pytest.raises(UsageError, match="was used for ai"):
        ledger.record("intent", REF, FACTS)
    with pytest.raises(UsageError, match="was used for ai"):
        ledger.record("intent", REF, {**FACTS, "body_digest": "d2", "repeat": True})
    ledger.record("intent", REF, {**FACTS, "repeat": True})
    assert state(ledger) == "intent"
    ledger.close()


@pytest.mark.parametrize("event", ["unsent", "refused"])
def test_a_reference_that_did_nothing_may_be_used_again(tmp_path: Path, event: str) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    ledger.record(event, REF, {"error": "no"})
    ledger.record("intent", REF, {**FACTS, "body": "{}", "body_digest": "d2"})
    row = ledger.find(REF)
    ledger.close()
    assert row is not None
    assert (row.state, row.body, row.error) == ("intent", "{}", None)


def test_a_saved_job_that_is_looked_at_again_stays_saved(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    for _ in range(2):
        ledger.saved(REF, [SavedFile("v.mp4", 3, "abc")])
        ledger.record("done", REF, {})
    row = ledger.find(REF)
    ledger.close()
    assert row is not None
    assert (row.state, len(row.files)) == ("saved", 1)


def test_a_host_that_honours_the_key_is_remembered(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    assert ledger.honours_key("https://ads.example") is False
    ledger.record("accepted", REF, {"idempotency": True})
    assert ledger.honours_key("https://ads.example") is True
    assert ledger.honours_key("https://other.example") is False
    ledger.close()


def test_a_host_is_taken_at_its_word_for_an_hour(tmp_path: Path) -> None:
    now = [1_000_000.0]
    ledger = Ledger(str(tmp_path), clock=lambda: now[0])
    ledger.record("intent", REF, FACTS)
    ledger.record("accepted", REF, {"idempotency": True})
    honoured = []
    for now[0] in (1_000_000.0, 1_003_600.0, 1_003_601.0, 999_999.0):
        honoured.append(ledger.honours_key("https://ads.example"))
    ledger.record("done", REF, {"idempotency": True})
    honoured.append(ledger.honours_key("https://ads.example"))
    ledger.close()
    assert honoured == [True, True, False, False, True]


def test_what_a_request_contained_is_kept_as_digests(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, {**FACTS, "sent": ["0123456789abcdef"]})
    row = ledger.find(REF)
    ledger.close()
    assert row is not None
    assert row.sent == ["0123456789abcdef"]


def test_what_another_program_learns_of_a_host_is_seen(tmp_path: Path) -> None:
    ours, other = Ledger(str(tmp_path)), Ledger(str(tmp_path))
    other.record("intent", REF, FACTS)
    assert ours.honours_key("https://ads.example") is False
    other.record("accepted", REF, {"idempotency": True})
    assert ours.honours_key("https://ads.example") is True
    ours.close()
    other.close()


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_text("not a database, whatever it is called")
    ledger = Ledger(str(tmp_path))
    with pytest.raises(UsageError, match=r"ledger\.sqlite3 cannot be used") as caught:
        ledger.record("intent", REF, FACTS)
    assert caught.value.code == "ledger"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used"):
        Ledger(str(tmp_path / "file" / "state")).record("intent", REF, FACTS)


def test_threads_share_a_ledger(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))

    def work(worker: int) -> None:
        for n in range(10):
            ledger.record("intent", f"{worker}-{n}", FACTS)
            ledger.record("accepted", f"{worker}-{n}", {"task_ids": [f"t-{worker}-{n}"]})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {job.state for job in ledger.jobs(limit=100)} == {"running"}
    assert len(ledger.jobs(limit=100)) == 40
    ledger.close()


WORKER = """
import sys
from callsheet.storage.ledger import Ledger
ledger = Ledger(sys.argv[1])
for n in range(25):
    ledger.record("intent", f"{sys.argv[2]}-{n}", {"host": "h", "action": "a"})
"""


def test_processes_share_a_ledger(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), str(n)], env=environ)
        for n in range(3)
    ]
    assert [worker.wait(30) for worker in workers] == [0, 0, 0]
    ledger = Ledger(str(tmp_path))
    assert len({job.ref for job in ledger.jobs(limit=100)}) == 75
    ledger.close()


def test_a_row_is_on_the_disk_when_record_returns(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    other = sqlite3.connect(ledger.path)
    rows = other.execute("SELECT state FROM jobs").fetchall()
    other.close()
    ledger.close()
    assert rows == [("intent",)]


def test_the_lengths_of_several_actions_count_together(tmp_path: Path) -> None:
    ticks = iter(range(100))
    ledger = Ledger(str(tmp_path), clock=lambda: float(next(ticks)))
    for number, action in enumerate(["make", "make_and_wait", "other", "make"]):
        ledger.record("intent", f"ref-{number}", {"host": "h", "action": action})
        ledger.record("done", f"ref-{number}", {"seconds": float(number + 1)})
    assert ledger.durations("h", "make", "make_and_wait") == (4.0, 2.0, 1.0)
    assert ledger.durations("h", "make", limit=1) == (4.0,)
    assert ledger.durations("elsewhere", "make") == ()
    ledger.close()


def test_what_is_left_is_there_for_the_next(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    ledger.leave()
    log = tmp_path / "ledger.sqlite3-wal"

    assert log.stat().st_size > 0
    assert log.stat().st_mode & 0o077 == 0
    assert state(Ledger(str(tmp_path))) == "intent"
    assert Ledger(str(tmp_path)).damage() == ""


def test_what_cannot_be_written_is_kept_and_written_later(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    with sqlite3.connect(ledger.path) as db:
        db.execute("ALTER TABLE jobs RENAME TO away")
    db.close()
    with pytest.raises(UsageError, match="no such table"):
        ledger.record("accepted", REF, {"task_ids": ["t-1"], "reply": "x" * 5000})
    (row,) = ledger.unwritten()
    assert (row["task_ids"], row["state"], row["ref"]) == (["t-1"], "running", REF)
    assert row["host"] == FACTS["host"]
    assert row["reply"] == "(too long to be shown)"
    with sqlite3.connect(ledger.path) as db:
        db.execute("ALTER TABLE away RENAME TO jobs")
    db.close()
    ledger.saved(REF, [SavedFile("v.mp4", 3, "abc")])
    assert ledger.unwritten() == []
    entry = ledger.find("t-1")
    assert entry is not None
    assert (entry.state, entry.reply, len(entry.files)) == ("saved", "x" * 5000, 1)
    ledger.close()


def test_closing_logs_what_could_not_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    with sqlite3.connect(ledger.path) as db:
        db.execute("DROP TABLE jobs")
    db.close()
    with pytest.raises(UsageError):
        ledger.record("accepted", REF, {"task_ids": ["t-1"]})
    ledger.close()
    assert "lacks a paid call" in caplog.text
    assert '"task_ids": ["t-1"]' in caplog.text


@pytest.mark.parametrize("value", ["\ud800", 10**400, 1 << 70])
def test_what_sqlite_cannot_hold_costs_no_row(tmp_path: Path, value: Any) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.record("intent", REF, FACTS)
    ledger.record("accepted", REF, {"task_ids": ["t-1"], "said": value, "cost": value})
    assert state(ledger) == "running"
    ledger.close()


def test_a_damaged_row_says_what_cannot_be_read(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    for ref in (REF, "other-ref"):
        ledger.record("intent", ref, FACTS)
        ledger.record("accepted", ref, {"task_ids": ["t-1"], "error": "odd"})
    with sqlite3.connect(ledger.path) as db:
        junk = "family = '{', created = 'x', sent = '[1]'"
        db.execute(f"UPDATE jobs SET {junk} WHERE ref = ?", (REF,))
    db.close()
    row, other = ledger.find(REF), ledger.find("other-ref")
    assert row is not None
    assert (row.family, row.created, row.task_ids) == (None, 0.0, ["t-1"])
    assert row.error == "the row is damaged: created, family, sent cannot be read; odd"
    assert other is not None
    assert other.family == FACTS["family"]
    assert len(ledger.jobs()) == 2
    ledger.close()
