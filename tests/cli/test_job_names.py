"""Jobs are listed as they stand now, found by what people remember, and named by a few letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.test_tasks import change

if TYPE_CHECKING:
    from cli.conftest import BareProgram


def begun(ads: BareProgram) -> str:
    words = ("video", "generate", "--prompt", "waves", "--no-wait")
    return str(ads.inside(*words).json["taskId"])


def queries(ads: BareProgram) -> int:
    """Count the questions about jobs that the server got."""
    return sum(name == "ai.video.query" for name, _ in ads.posts())


def test_the_list_asks_once_about_each_job_that_still_runs(ads: BareProgram) -> None:
    task, other = begun(ads), begun(ads)
    change(ads, "UPDATE jobs SET host = 'https://far.example' WHERE instr(task_ids, ?)", other)
    recorded = ads.inside("tasks", "list", "--cached", "--json")
    before = queries(ads)
    ads.server.advance(1000)
    states = [
        {row["taskId"]: row["state"] for row in ads.inside("tasks", "list", "--json", *words).json}
        for words in ((), ("--state", "running"), ("--state", "done"))
    ]

    assert before == 0
    assert "running jobs are listed as last recorded: --cached\n" in recorded.err
    assert states == [{task: "done", other: "running"}, {other: "running"}, {task: "done"}]
    assert queries(ads) == 1


def test_the_list_stands_where_no_server_answers(ads: BareProgram) -> None:
    task = begun(ads)
    ads.server.set_faults("drop ai.video.query x*")
    listed = ads.inside("tasks", "list", "--search", "waves", "--since", "1h")

    assert listed.code == 0
    assert [line.split("\t")[3] for line in listed.out.splitlines()] == [task]
    assert listed.out.rstrip("\n").endswith("\twaves")
    assert "running jobs are listed as last recorded: " in listed.err
    assert queries(ads) == 1


def test_a_question_that_may_cost_is_not_asked_for_a_list(ads: BareProgram) -> None:
    begun(ads)
    change(
        ads, "UPDATE jobs SET family = replace(family, '\"guessed\": false', '\"guessed\": true')"
    )
    listed = ads.inside("tasks", "list", "--json")

    assert [row["state"] for row in listed.json] == ["running"]
    assert "no free way to ask about" in listed.err
    assert queries(ads) == 0


def test_the_start_of_a_name_is_enough(ads: BareProgram) -> None:
    first, last = begun(ads), begun(ads)
    refs = [row["reference"] for row in ads.inside("tasks", "list", "--cached", "--json").json]
    lines = [
        ads.inside("tasks", "show", name, "--command").out
        for name in (first, last[:9], refs[0][:7], "@1", "@2")
    ]
    ads.inside("tasks", "forget", "@2")
    remaining = [row["taskId"] for row in ads.inside("tasks", "list", "--cached", "--json").json]

    assert lines == ["ads video generate --prompt waves\n"] * 5
    assert remaining == [last]
    assert ads.inside("tasks", "show", "@9").code == 2


def test_a_task_id_of_two_hosts_is_told_apart(ads: BareProgram) -> None:
    task = begun(ads)
    row = "SELECT ref || 'x', state, created, updated, ?, 'far.make', task_ids FROM jobs"
    into = "INSERT INTO jobs (ref, state, created, updated, host, action, task_ids)"
    change(ads, f"{into} {row}", "https://far.example")
    nearest = ads.inside("tasks", "show", task)
    change(ads, "UPDATE jobs SET host = 'https://near.example' WHERE host != 'https://far.example'")
    neither = ads.inside("tasks", "show", task)

    assert nearest.json["taskId"] == task
    assert neither.code == 2
    assert "fits 2 jobs: " in neither.error["message"]
    assert "(far.make on https://far.example)" in neither.error["message"]


def test_a_link_of_another_server_is_not_waited_for(ads: BareProgram) -> None:
    stranger = ads.inside("tasks", "save", "https://far.example/jobs/1", "--out", "x.mp4")
    task = begun(ads)
    change(ads, "UPDATE jobs SET family = NULL, task_ids = '[\"https://far.example/jobs/2\"]'")
    kept = ads.inside("tasks", "wait", "https://far.example/jobs/2")

    assert (stranger.code, kept.code) == (2, 4), task
    assert "it is not a link of this server" in stranger.error["message"]
    assert queries(ads) == 0
