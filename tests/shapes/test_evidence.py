"""Why an answer is read as it is: ``--debug`` and ``probe --task`` show the same evidence."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shapes.home import CATALOGUES, DATA, MORE
from shapes.play import Player

from callsheet_sandbox.cases.case import Case, load

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS = (Path(__file__).parent / "evidence.txt").read_text("utf-8").splitlines()[1:]
CHOSEN = {case: places.split(", ") for case, places in (row.split(": ", 1) for row in _ROWS)}
_MARK = "?   "


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """Give every case by its id."""
    return {case.id: case for case in load([DATA, MORE], CATALOGUES)}


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """Give one player for every case."""
    player = Player()
    yield player
    player.close()


def last_evidence(stderr: str) -> list[str]:
    """Return the lines of evidence that were printed last, one after the other."""
    blocks = itertools.groupby(stderr.splitlines(), lambda line: line.startswith(_MARK))
    return [[line.removeprefix(_MARK) for line in lines] for is_block, lines in blocks if is_block][
        -1
    ]


def places_of(evidence: list[str]) -> list[str]:
    """Return ``PART /place`` for each line that says what was chosen."""
    chosen = (line for line in evidence if ": chosen: " in line)
    return [line.split(" = ", 1)[0].replace(": chosen: ", " ") for line in chosen]


@pytest.mark.parametrize("name", CHOSEN)
def test_debug_and_probe_show_why(
    name: str, cases: dict[str, Case], player: Player, tmp_path: Path
) -> None:
    case = cases[name]
    home = player.begin(case, tmp_path)
    line = player.filled(case, case.data["typed"][0].replace("PROGRAM", "ads"))
    evidence = last_evidence(home.type(f"{line} --debug").stderr)
    places = places_of(evidence)
    assert set(CHOSEN[name]) <= set(places)
    for words in evidence:
        assert words.endswith(")") if ": chosen: " in words else "choose it with --set" in words
    task = case.data["server"]["the job is known by"]
    report = home.type(f"ads probe --task {task} --json").document
    assert places_of(report["findings"][-1]["evidence"]) == places
