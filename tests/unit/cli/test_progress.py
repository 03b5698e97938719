"""Progress off a terminal is a line for each change, and nothing with ``--quiet``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.bindings import Bindings
from callsheet.cli.output.progress import Progress, words
from callsheet.cli.session import Session
from callsheet.flows import Update
from callsheet.protocol import Reading

if TYPE_CHECKING:
    import pytest


def update(said: str, progress: float | None, elapsed: float = 5) -> Update:
    return Update("t1", "running", said, progress, elapsed, Reading())


def session(**flags: str) -> Session:
    made = Session(Bindings(command="ads", env="ADS"), (), {})
    made.flags.values.update(flags)
    return made


def test_only_changes_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [("pending", 0.0), ("pending", 0.01), ("running", 0.11), ("running", 0.15)]
    with Progress(session(), "a.b") as show:
        for said, progress in [*steps, ("running", 0.25)]:
            show(update(said, progress))

    assert capsys.readouterr().err.splitlines() == [
        "a.b: pending 0 % (5 s)",
        "a.b: running 11 % (5 s)",
        "a.b: running 25 % (5 s)",
    ]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(session(quiet="yes"), "a.b") as show:
        show(update("pending", 0.0))

    assert capsys.readouterr().err == ""


def test_a_state_without_progress_is_safe_to_print() -> None:
    assert words(update("in\x1b[2Jqueue\n", None, 65)) == "inqueue (1 min 05 s)"
    assert words(update("", 0.5)) == "running 50 % (5 s)"
