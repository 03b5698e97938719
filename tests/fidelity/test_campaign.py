"""The campaign in small: all of our own schemas, a part of the recorded ones, some random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fidelity.bench import bench
from fidelity.material import corpus, has_corpus, own
from fidelity.mutants import ODDITIES, MutantCampaign, mutants
from fidelity.strategies import random_cases
from fidelity.tally import faults

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fidelity.material import ActionCase

EVERY = 8


def measured(cases: Sequence[ActionCase], folder: Path) -> str:
    """Return what went wrong, in words."""
    with bench(cases, folder) as work:
        work.run(cases)
        assert work.bodies > 50
        return faults([row for row in work.rows if row.goal])


def test_own_and_random_schemas_hold(tmp_path: Path) -> None:
    assert measured([*own(), *random_cases(40)], tmp_path) == ""


def test_mutants_with_one_odd_keyword_hold(tmp_path: Path) -> None:
    odd = mutants(own(), 2 * len(ODDITIES))
    with bench(own()[:1], tmp_path, only_listed=[mutant.case for mutant in odd]) as work:
        campaign = MutantCampaign(work.routes)
        campaign.run(odd)

    assert faults(campaign.rows) == ""
    assert sum(len(mutant.case.invalid) for mutant in odd) > len(odd)


@pytest.mark.skipif(not has_corpus(), reason="the recorded schemas are not here (CORPUS)")
def test_recorded_schemas_hold(tmp_path: Path) -> None:
    assert measured(corpus()[::EVERY], tmp_path) == ""
