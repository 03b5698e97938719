"""The campaign of mutations in small; ``make drift`` plays it whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from drift.oracle import DriftCampaign
from fidelity.material import corpus, has_corpus, own
from fidelity.tally import faults

if TYPE_CHECKING:
    from fidelity.material import ActionCase

MUTATIONS = 350


def played(cases: list[ActionCase], seed: int) -> DriftCampaign:
    """Play some mutations."""
    campaign = DriftCampaign(seed=seed, bodies=25)
    campaign.run(cases, MUTATIONS)
    return campaign


def test_own_schemas_hold() -> None:
    campaign = played([*own()], 1)

    assert faults(campaign.rows) == ""
    assert campaign.tried["input breaking"] > 35
    assert campaign.tried["input additive"] > 20
    assert campaign.tried["input unproved"] < MUTATIONS / 5


@pytest.mark.skipif(not has_corpus(), reason="the recorded schemas are not here (CORPUS)")
def test_recorded_schemas_hold() -> None:
    campaign = played([*corpus()], 2)

    assert faults(campaign.rows) == ""
    assert campaign.tried["input unproved"] < MUTATIONS / 10
