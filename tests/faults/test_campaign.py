"""The campaign in its trimmed form: fewer runs of every promise."""

from __future__ import annotations

import pytest
from faults.parts import PARTS, Part, play


@pytest.mark.parametrize("part", PARTS, ids=[part.promise for part in PARTS])
def test_a_promise_holds(part: Part) -> None:
    tally = play(part, trimmed=True)

    assert tally.violations == []
    assert tally.runs > 0
