"""The deadline of a wait holds, whatever the clocks and the server do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from unit.flows.test_wait import DONE, JOB, RUNNING, waited
from unit.scripted import Stage, reply
from unit.servers import Said, said, serving

from callsheet.errors import StillRunning
from callsheet.flows.effects import Notify, Record
from callsheet.flows.jobs import wait
from callsheet.flows.retry import Timing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unit.surroundings import Runner

LONG_DRIP = 200  # pieces, one each twentieth of a second


def test_the_pause_that_an_overloaded_server_asks_for_is_obeyed() -> None:
    stage = Stage(reply(b"", 503, retry_after="17"), DONE)
    assert waited(stage) == "done"
    assert stage.pauses == [17.0]


def test_a_hundred_refusals_with_a_date_do_not_end_the_job() -> None:
    late = reply(b"", 503, retry_after="Thu, 01 Jan 1970 16:00:00 GMT")
    stage = Stage(*[late] * 100, DONE)
    assert waited(stage, seconds=3600.0) == "done"


def test_the_time_of_day_may_jump() -> None:
    stage = Stage(*[RUNNING] * 4, DONE)
    days = iter([0.0, 86_400.0, -86_400.0, 0.0, 5e8] + [0.0] * 50)
    timing = Timing(stage.timing.clock, lambda: stage.now + next(days), lambda: 0.5, stage.quota)
    stage.run(wait(JOB, timing, deadline=stage.now + 600))
    ages = [effect.update.elapsed for effect in stage.of(Notify)]
    assert ages == sorted(ages)
    assert ages[0] == 10.0
    assert ages[-1] < 30.0


def test_how_long_a_job_took_is_kept_where_it_was_watched() -> None:
    stage = Stage(*[RUNNING] * 3, DONE)
    waited(stage)
    (record,) = stage.of(Record)
    assert record.values["seconds"] == pytest.approx(10 + 1 + 1.5 + 2.25 / 2)


@pytest.mark.parametrize(
    "answers", [[DONE], [RUNNING._replace(headers={"retry-after": "90"}), DONE]]
)
def test_a_job_that_was_not_watched_at_its_end_teaches_nothing(answers: list[Any]) -> None:
    stage = Stage(*answers)
    waited(stage)
    (record,) = stage.of(Record)
    assert record.values["seconds"] is None


def test_a_server_that_drips_cannot_move_the_deadline(runner: Runner, tmp_path: Path) -> None:
    from unit.transport.test_transport import BODY, MAKE, options

    pieces: list[bytes] = []

    def drops() -> Iterator[bytes]:
        while len(pieces) < LONG_DRIP:
            pieces.append(b" ")
            yield pieces[-1]
            time.sleep(0.05)

    def drip(request: Any) -> Said:
        if request.path.endswith("make"):
            return said({"taskId": "t"})
        return Said(
            200, b"", {"Content-Type": "application/json"}, length=LONG_DRIP, pieces=drops()
        )

    async def steps(client: Any, wait: Any) -> None:
        task = await wait(client.submit(MAKE, BODY, check=False))
        await wait(task.wait(timeout=0.2))

    with serving(drip) as server:
        with pytest.raises(StillRunning):
            runner(options(server.url, tmp_path), steps)
        assert 0 < len(pieces) < LONG_DRIP  # it gave up in the middle of an answer
