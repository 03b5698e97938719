"""``tasks``: what is unknown, unsaved, done again, cancelled, and what it all cost."""

from __future__ import annotations

import json
import shlex
import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import BareProgram


def ledger(ads: BareProgram) -> Path:
    (found,) = (ads.folder.parent / "home").rglob("ledger.sqlite3")
    return found


def change(ads: BareProgram, sql: str, *values: object) -> None:
    db = sqlite3.connect(ledger(ads))
    db.execute(sql, values)
    db.commit()
    db.close()


def left(ads: BareProgram, task: str, state: str = "intent") -> None:
    """Make a row what a program leaves that was killed while the request was out."""
    sql = "UPDATE jobs SET state = ?, task_ids = '[]' WHERE instr(task_ids, ?)"
    change(ads, sql, state, task)


def begun(ads: BareProgram, *words: str) -> str:
    return str(ads("video", "generate", "--prompt", "waves", "--no-wait", *words).json["taskId"])


@pytest.fixture
def looking(ads: BareProgram) -> BareProgram:
    """Give the program a configured lookup."""
    path = ads.folder.parent / "overlay.json"
    overlay = json.loads(path.read_text("utf-8"))
    overlay["tasks"] = {"action": "ai.task.list", "match": "clientReference"}
    path.write_text(json.dumps(overlay), "utf-8")
    return ads


def test_a_job_that_a_killed_program_left_is_found_again(looking: BareProgram) -> None:
    task = begun(looking)
    left(looking, task)
    done = looking("tasks", "recover", "--json")

    assert done.code == 0
    assert [(row["taskId"], row["state"] != "unknown") for row in done.json] == [(task, True)]
    assert done.json[0]["next"] == f"ads tasks save {task} --out PATH"
    assert len(looking.server.charges()) == 1


def test_without_a_lookup_it_stays_unknown_until_the_id_is_said(ads: BareProgram) -> None:
    task = begun(ads)
    left(ads, task)
    listed = ads("tasks", "list", "--json").json
    unknown = ads("tasks", "recover")
    ref = unknown.out.split("\t")[0]
    wrong = ads("tasks", "recover", ref, "--task-id", "made-up")
    right = ads("tasks", "recover", ref, "--task-id", task, "--json")

    assert listed[0]["state"] == "unknown"
    assert unknown.code == 5
    assert "its outcome is unknown (the program ended while" in unknown.err
    assert wrong.code == 1
    assert (right.code, right.json[0]["taskId"]) == (0, task)
    assert ads("tasks", "wait", ref).json["taskId"] == task
    assert ads("tasks", "recover", "--task-id", "x").code == 2


def test_resending_is_asked_for_and_uses_the_same_key(ads: BareProgram) -> None:
    task = begun(ads)
    left(ads, task, "unknown")
    ref = ads("tasks", "recover").out.split("\t")[0]
    posted = len(ads.posts())
    done = ads("tasks", "recover", ref, "--resend", "--json")

    assert done.code == 0, done.err
    assert done.json[0]["taskId"] == task
    assert "again, with the key" in done.err
    assert [name for name, _ in ads.posts()[posted:]] == ["ai.video.generate"]
    assert len(ads.server.charges()) == 1
    assert ads("tasks", "recover", ref, "--resend").code == 2


def test_what_fails_after_a_resending_says_that_it_was_sent(ads: BareProgram) -> None:
    task = begun(ads)
    left(ads, task, "unknown")
    ref = ads("tasks", "recover").out.split("\t")[0]
    done = ads("tasks", "recover", ref, "--resend", "--jmespath", "abs([0].state)")

    assert (done.code, done.out) == (1, "")
    assert "ai.video.generate was sent and answered, then: --jmespath" in done.err
    assert f"ads tasks wait {task}" in done.err


def test_a_job_without_out_ends_with_the_line_that_saves_it(ads: BareProgram) -> None:
    done = ads("video", "generate", "--prompt", "x")
    line = done.err.rstrip("\n").split("\n")[-1]

    assert line == f"save it: ads tasks save {done.json['taskId']} --out PATH"
    saved = ads(*shlex.split(line.partition(": ads ")[2].replace("PATH", "x.mp4")))
    assert saved.code == 0
    assert (ads.folder / "x.mp4").is_file()
    assert ads("tasks", "recover").out == ""


def test_save_knows_where_the_result_was_meant_to_go(ads: BareProgram) -> None:
    slow = '{"prompt":"x","options":{"sandboxSeconds":50}}'
    stopped = ads("video", "generate", "--input", slow, "--out", "o/x.mp4", "--timeout", "1s")
    listed = ads("tasks", "recover", "--json").json
    ads.server.advance(1000)
    saved = ads("tasks", "save", stopped.error["task_id"], "--manifest")

    assert stopped.code == 4
    assert listed[0]["next"] == stopped.error["hint"] == f"ads tasks save {listed[0]['taskId']}"
    assert saved.code == 0
    assert (ads.folder / "o" / "x.mp4").is_file()
    assert (
        json.loads((ads.folder / "o" / "x.mp4.json").read_text())["action"] == listed[0]["action"]
    )


@pytest.mark.parametrize(
    "words",
    [
        ["video", "generate", "--prompt", "it's $HOME", "--scene", "text-to-video"],
        ["video", "generate", "--prompt", "x", '--input.options={"a":1}'],
        ["call", "ai.video.generate_and_wait", "--input", '{"prompt":"x","timeoutMs":5000}'],
    ],
)
def test_the_line_that_would_do_it_again_does_it_again(ads: BareProgram, words: list[str]) -> None:
    ads(*words)
    ref = ads("tasks", "list").out.split("\t")[0]
    line = ads("tasks", "show", ref, "--command").out
    first = ads.posts()[0]
    posted = len(ads.posts())
    ads(*shlex.split(line)[1:])

    assert shlex.split(line)[1:] == words
    assert ads.posts()[posted] == first


def test_what_replies_say_about_cost_is_kept_and_summed(ads: BareProgram) -> None:
    begun(ads)
    begun(ads)
    change(ads, "UPDATE jobs SET cost = 2.5")
    listed = ads("tasks", "list", "--json")

    assert [row["cost"] for row in listed.json] == [2.5, 2.5]
    assert "5 credits in 2 jobs that say what they cost\n" in listed.err


def test_how_long_it_usually_takes_is_shown(ads: BareProgram) -> None:
    for _ in range(3):
        begun(ads)
    change(ads, "UPDATE jobs SET seconds = 125")
    waited = ads("video", "generate", "--prompt", "x")

    assert "(usually 2 min 05 s)" in waited.err
    assert {row["usually"] for row in ads("tasks", "list", "--json").json} == {"2 min 05 s"}
    assert ads("tasks", "show", waited.json["taskId"]).json["usualSeconds"] == 125.0


def test_a_job_is_cancelled_where_the_group_offers_it(ads: BareProgram) -> None:
    task = begun(ads)
    refused = ads("tasks", "cancel", task)
    schema = {
        "type": "object",
        "properties": {"taskId": {"type": "string"}},
        "required": ["taskId"],
    }
    ads.server.add_action(
        {"id": "ai.video.cancel", "title": "Cancel", "does": "reply", "input": schema}
    )
    ads("actions", "list", "--refresh")
    done = ads("tasks", "cancel", task)

    assert refused.code == 2
    assert "no action that cancels" in refused.error["message"]
    assert (done.code, done.json["taskId"]) == (0, task)
    assert ("ai.video.cancel", {"taskId": task}) in ads.posts()


def test_a_body_that_is_not_kept_cannot_be_told(ads: BareProgram) -> None:
    done = ads("video", "generate", "--prompt", "x", "--no-wait", ADS_STORE_INPUT="false")
    shown = ads("tasks", "show", done.json["taskId"], "--command")

    assert shown.code == 2
    assert "is not in the ledger (its digest: " in shown.error["message"]
    assert b"waves" not in ledger(ads).read_bytes()


def test_a_query_that_saves_is_known_to_have_saved(ads: BareProgram) -> None:
    task = begun(ads)
    ads.server.advance(1000)
    ads("video", "query", "--task-id", task, "--out", "q.mp4")

    assert [row["state"] for row in ads("tasks", "list", "--json").json] == ["saved"]


def test_stored_replies_are_pruned_and_unsaved_results_stay(ads: BareProgram) -> None:
    begun(ads)
    folder = ledger(ads).parent / "replies"
    folder.mkdir()
    sparse = {"old": 150_000_000, "new": 150_000_000, "film.mp4": 90_000_000}
    for name, size in sparse.items():
        with (folder / name).open("wb") as file:
            file.truncate(size)
    run = ads("tasks", "prune", "--json")

    assert (run.code, run.json["removed"], run.json["unsaved"]) == (0, 2, 1)
    assert [path.name for path in folder.iterdir()] == ["film.mp4"]
    assert "results that were not saved stay: 1" in run.err
