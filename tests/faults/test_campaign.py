"""The campaign in its trimmed form: fewer runs of every promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults import stage
from faults.parts import PARTS, Part, play

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("part", PARTS, ids=[part.promise for part in PARTS])
def test_a_promise_holds(part: Part, generated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(stage.CLIENT, str(generated))
    tally = play(part, trimmed=True)

    assert tally.violations == []
    assert tally.runs > 0
