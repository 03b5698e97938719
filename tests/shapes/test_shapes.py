"""Hold every case to the rules of all cases, and to all of its own unless its fault is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from shapes.home import CATALOGUES, DATA, MORE, known_faults
from shapes.play import Player

from callsheet_sandbox.cases.case import Case, load

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = load([DATA], CATALOGUES)
FAULTS = known_faults()


@pytest.fixture(scope="session")
def player() -> Iterator[Player]:
    """Give one player for all cases: what it generates is used again."""
    player = Player()
    yield player
    player.close()


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_shape_is_read(case: Case, player: Player) -> None:
    verdict = player.play(case)

    assert verdict.broken == []
    assert not verdict.wrong_bytes, verdict.steps
    assert not verdict.empty_success, verdict.steps
    if case.id not in FAULTS:
        assert verdict.reasons == []


def test_cases_that_do_not_hold_are_few_and_known() -> None:
    every = {case.id for case in load([DATA, MORE], CATALOGUES)}

    assert set(FAULTS) <= every
    assert len(every) >= 500


def test_the_player_notices_wrong_bytes_and_a_wrong_end(player: Player) -> None:
    case = next(case for case in CASES if case.id == "which-link.empty-videourl-then-url")
    other = {"taskId": "u1", "status": "success", "videoUrl": "@B/f/other.mp4"}
    questions = next(name for name in case.data["server"] if "one after the other" in name)
    server = {**case.data["server"], questions: [other]}

    verdict = player.play(case._replace(data={**case.data, "server": server}))

    assert verdict.wrong_bytes
    assert verdict.empty_success
    assert any("file other, not good" in words for words in verdict.reasons)
    assert verdict.steps[0]["exit"] == 0
