"""Hold every case to the rules of all cases, and to the whole of its own where it holds today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from shapes.cases import DATA, Case, load
from shapes.play import Player

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = load([DATA])
HOLDS = (DATA / "holds.txt").read_text("utf-8").split()


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
    if case.id in HOLDS:
        assert verdict.reasons == []


def test_every_id_that_holds_is_a_case() -> None:
    assert set(HOLDS) <= {case.id for case in CASES}
    assert sorted(set(HOLDS)) == HOLDS


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
