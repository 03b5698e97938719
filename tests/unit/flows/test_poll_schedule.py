"""A job is asked about seldom before it can be over and often around then, if its like is known."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from unit.flows.test_wait import DONE, JOB, RUNNING
from unit.scripted import Stage, reply

from callsheet.flows.jobs import wait
from callsheet.flows.polling import SHORTEST_PAUSE, PollSchedule, typical_duration

if TYPE_CHECKING:
    from callsheet.flows.effects import HttpReply


def poll_counts(seconds: float, past: tuple[float, ...], **headers: str) -> tuple[int, float]:
    """Count the polls that a job of this length takes, and the seconds until its end is seen."""
    stage = Stage(lambda send: answer())
    started = stage.now

    def answer() -> HttpReply:
        return DONE if stage.now - started >= seconds else RUNNING._replace(headers=headers)

    job = JOB._replace(started=started, past=past)
    stage.run(wait(job, stage.timing, deadline=started + 3600))
    return len(stage.sends), stage.now - started - seconds


def alike(seed: int, middle: float = 300.0, runs: int = 5) -> tuple[float, ...]:
    chance = random.Random(seed)
    return tuple(middle * chance.uniform(0.85, 1.15) for _ in range(runs))


@pytest.mark.parametrize("seed", range(40))
def test_a_learnt_job_of_300_s_takes_40_polls_and_is_seen_3_s_late(seed: int) -> None:
    polls, late = poll_counts(300.0, alike(seed))
    assert polls <= 40
    assert late <= 3.0


@pytest.mark.parametrize("edge", [255.0, 300.0, 345.0])
def test_runs_at_the_edges_are_enough(edge: float) -> None:
    polls, late = poll_counts(300.0, (edge,) * 5)
    assert polls <= 40
    assert late <= 3.0


@pytest.mark.parametrize("past", [(), (300.0,) * 4, (10.0, 300.0, 90.0, 600.0, 45.0)])
def test_a_job_of_300_s_without_a_likeness_takes_45_polls_and_8_s(past: tuple[float, ...]) -> None:
    polls, late = poll_counts(300.0, past)
    assert polls <= 45
    assert late <= 8.0


def test_hints_win_over_what_was_learnt() -> None:
    polls, late = poll_counts(300.0, (300.0,) * 9, **{"retry-after": "60"})
    assert (polls, late) == (6, 0.0)


@pytest.mark.parametrize("seconds", [3.0, 40.0, 700.0])
def test_a_job_of_another_length_is_seen_too(seconds: float) -> None:
    polls, late = poll_counts(seconds, (300.0,) * 9)
    assert polls < 120
    assert late <= max(8.1, 2 * seconds)


def test_a_job_that_was_begun_long_ago_is_asked_about_as_late_as_it_is() -> None:
    pace = PollSchedule((300.0,) * 5)
    assert pace.pause(0, 290.0) == 3.0
    assert pace.pause(0, 10_000.0) == 8.0
    assert pace.pause(500, 0.0) == pytest.approx(255.0)


def test_one_odd_run_spoils_nothing_and_several_do() -> None:
    assert PollSchedule((300.0,) * 8 + (20.0, 900.0)).is_learned
    assert not PollSchedule((300.0,) * 5 + (20.0, 900.0)).is_learned
    assert not PollSchedule((300.0,) * 4).is_learned


def test_short_jobs_are_not_asked_about_all_the_time() -> None:
    polls, late = poll_counts(2.0, (2.0,) * 5)
    assert polls <= 5
    assert SHORTEST_PAUSE < late + 1 < 1.6


def test_what_is_usual_needs_three_runs() -> None:
    assert typical_duration((1.0, 2.0)) is None
    assert typical_duration((5.0, 1.0, 2.0)) == 2.0


def test_the_hint_of_the_create_action_is_obeyed() -> None:
    stage = Stage(reply({"taskId": "t-1", "status": "success", "videoUrl": "https://c.example/v"}))
    stage.run(wait(JOB._replace(hint=7.0), stage.timing, deadline=stage.now + 60))
    assert stage.kinds[:2] == ["Sleep", "Send"]
    assert stage.pauses == [7.0]
