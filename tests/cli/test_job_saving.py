"""A path waits for its job, several jobs are followed together, and all are saved at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli.test_tasks import change

if TYPE_CHECKING:
    from cli.conftest import BareProgram


def start(ads: BareProgram, prompt: str = "waves", *words: str) -> str:
    """Start a job that runs until the sandbox's clock is advanced; return its task id."""
    body = json.dumps({"prompt": prompt, "options": {"sandboxSeconds": 50}})
    run = ads.inside("video", "generate", "--input", body, "--no-wait", *words)
    assert run.code == 0, run.err
    return str(run.json["taskId"])


def states(ads: BareProgram) -> list[str]:
    listed = ads.inside("tasks", "list", "--cached", "--json").json
    return [row["state"] for row in reversed(listed)]


@pytest.mark.parametrize("verb", ["save", "wait"])
@pytest.mark.parametrize("out", ["clips/x.mp4", "clips/"])
def test_a_path_waits_for_its_job(ads: BareProgram, verb: str, out: str) -> None:
    started = ads.inside("video", "generate", "--prompt", "x", "--no-wait", "--out", out)
    task = started.json["taskId"]
    ads.server.advance(1000)
    run = ads.inside("tasks", verb, task)

    assert started.err.endswith(f"save it later: ads tasks save {task}\n")
    assert run.code == 0, run.err
    assert [path.name for path in (ads.folder / "clips").iterdir()] == [
        "x.mp4" if out.endswith("mp4") else f"ai-video-generate-{task}-1.mp4"
    ]
    assert states(ads) == ["saved"]


def test_a_path_that_cannot_be_had_is_refused_before_the_job(ads: BareProgram) -> None:
    (ads.folder / "x.mp4").write_text("mine")
    words = ("video", "generate", "--prompt", "x", "--no-wait", "--out")
    runs = [ads.inside(*words, *more) for more in (["x.mp4"], ["-"], ["y.mp4", "--upload"])]

    assert [run.code for run in runs] == [2, 2, 2]
    assert ads.server.charges() == []


def test_waiting_goes_on_where_the_path_was_taken_meanwhile(ads: BareProgram) -> None:
    task = start(ads, "x", "--out", "x.mp4")
    (ads.folder / "x.mp4").write_text("mine")
    ads.server.advance(1000)
    waited, saved = ads.inside("tasks", "wait", task), ads.inside("tasks", "save", task)

    assert waited.code == 0
    assert "it is not saved: " in waited.err
    assert (saved.code, saved.error["message"].endswith("x.mp4 exists")) == (2, True)
    assert (ads.folder / "x.mp4").read_text() == "mine"


def test_the_line_that_goes_on_needs_no_path(ads: BareProgram) -> None:
    task = start(ads, "x", "--out", "x.mp4")
    waiting = ads.inside("tasks", "wait", task, "--timeout", "50ms")
    elsewhere = ads.inside("tasks", "wait", task, "--timeout", "50ms", "--out", "my clip.mp4")

    assert (waiting.code, elsewhere.code) == (4, 4)
    assert waiting.error["hint"] == f"ads tasks save {task}"
    assert elsewhere.error["hint"] == f"ads tasks save {task} --out 'my clip.mp4'"


def test_several_jobs_are_waited_for_together(ads: BareProgram) -> None:
    tasks = [start(ads, prompt) for prompt in ("sea", "[fail]", "town")]
    ads.server.advance(1000)
    run = ads.inside("tasks", "wait", *tasks, tasks[0], "--out", "clips/")

    assert run.code == 6
    assert [entry["taskId"] for entry in run.json] == tasks
    assert [len(entry["files"]) for entry in run.json] == [1, 0, 1]
    assert run.json[1]["error"]["code"] == "task_failed"
    assert len(list((ads.folder / "clips").iterdir())) == 2
    assert states(ads) == ["saved", "failed", "saved"]


def test_one_that_goes_on_holds_up_none_that_is_done(ads: BareProgram) -> None:
    first = start(ads, "sea")
    ads.server.advance(1000)
    second = start(ads, "town")
    run = ads.inside("tasks", "wait", second, first, "--timeout", "50ms")
    line = ads.inside("tasks", "wait", second, first, "--timeout", "50ms", "--out", "clips/").err

    assert run.code == 4
    assert run.err.endswith(f"\n  ads tasks wait {second}\n")
    assert f"\n  ads tasks wait --out clips/ {second}" in line
    assert [entry.get("error", {}).get("code") for entry in run.json] == ["still_running", None]


def test_one_file_is_no_place_for_several_jobs(ads: BareProgram) -> None:
    tasks = [start(ads), start(ads)]
    shared = ads.inside("tasks", "wait", *tasks, "--out", "x.mp4")
    pathless = ads.inside("tasks", "save", *tasks)

    assert (shared.code, pathless.code) == (2, 2)
    assert shared.error["hint"] == "name a folder/, or a path with {task_id} in it"
    assert f"no path is stored for {tasks[0]}" in pathless.error["message"]


def test_no_result_takes_the_place_of_another_by_force(ads: BareProgram) -> None:
    start(ads, "sea", "--out", "sea.mp4")
    start(ads, "town", "--out", "sea.mp4")
    ads.server.advance(1000)
    done = ads.inside("tasks", "save", "--all", "--force")

    assert done.code == 2
    assert "has the result of another of these jobs by now" in done.err
    assert sorted(states(ads)) == ["done", "saved"]


def test_all_that_is_done_is_saved_where_its_path_waits_else_in_the_folder(
    ads: BareProgram,
) -> None:
    start(ads, "sea", "--out", "sea.mp4")
    town = start(ads, "town")
    start(ads, "[fail]")
    other = start(ads, "elsewhere")
    change(ads, "UPDATE jobs SET host = 'https://far.example' WHERE instr(task_ids, ?)", other)
    ads.server.advance(1000)
    start(ads, "still running")
    first = ads.inside("tasks", "save", "--all")
    second = ads.inside("tasks", "save", "--all", "--out", "rest/")
    third = ads.inside("tasks", "save", "--all", "--out", "rest/")

    assert [len(run.json) for run in (first, second, third)] == [1, 1, 0]
    assert "1 done, but without a path: add --out DIR/" in first.err
    assert [path.name for path in (ads.folder / "rest").iterdir()] == [
        f"ai-video-generate-{town}-1.mp4"
    ]
    assert (ads.folder / "sea.mp4").is_file()
    assert states(ads) == ["saved", "saved", "failed", "running", "running"]
    assert len(ads.server.charges()) == 5
