"""Flows that run together: while one sleeps the others go on, and one that fails ends alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from callsheet.engine.jobs import interleave
from callsheet.errors import ServerError
from callsheet.flows.effects import Record, Sleep

if TYPE_CHECKING:
    from callsheet.flows.effects import Flow
    from callsheet.flows.retry import Timing


class Clock:
    """A clock that the effects of the flows move."""

    now = 0.0

    def clock(self) -> float:
        return self.now


def job(name: str, *pauses: float, fails: bool = False) -> Flow[str]:
    for pause in pauses:
        yield Record(name, "ref")
        yield Sleep(pause)
    if fails:
        raise ServerError(name)
    return name.upper()


def play(*flows: Flow[str], broken: str = "") -> tuple[list[Any], list[tuple[float, str]]]:
    """Run flows together; return their outcomes, and when each asked for something else."""
    clock, events = Clock(), []
    running = interleave(flows, cast("Timing", clock))
    error: BaseException | None = None
    while True:
        try:
            effect = running.send(None) if error is None else running.throw(error)
        except StopIteration as stop:
            return stop.value, events
        error = None
        if isinstance(effect, Sleep):
            clock.now += effect.seconds
        elif isinstance(effect, Record):
            events.append((clock.now, effect.event))
            error = ServerError(broken) if effect.event == broken else None


def test_each_goes_on_when_its_own_pause_is_over() -> None:
    outcomes, events = play(job("a", 5, 5), job("b", 2, 2), job("c"))

    assert outcomes == ["A", "B", "C"]
    assert events == [(0, "a"), (0, "b"), (2, "b"), (5, "a")]


def test_a_failure_is_the_outcome_of_its_flow_alone() -> None:
    outcomes, _ = play(job("a", 1, fails=True), job("b", 3), job("c", 1), broken="c")

    assert [str(outcome) for outcome in outcomes] == ["a", "B", "c"]
    assert isinstance(outcomes[0], ServerError)


def test_no_flows_need_no_time() -> None:
    assert play() == ([], [])
