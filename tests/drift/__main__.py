"""Play the mutations, then a client of a thousand actions; print both tables (``make drift``)."""

from __future__ import annotations

import os
import sys

from drift import thousand
from drift.oracle import DriftCampaign
from fidelity.material import corpus, own
from fidelity.strategies import random_cases
from fidelity.tally import faults, table

COUNT = int(os.environ.get("DRIFT_COUNT", "11000"))
RANDOM = int(os.environ.get("DRIFT_RANDOM", "150"))
SEED = int(os.environ.get("DRIFT_SEED", "7"))


def main() -> int:
    """Print the tables and what went wrong; 1 where anything did."""
    cases = [*corpus(), *own(), *random_cases(RANDOM)]
    campaign = DriftCampaign(seed=SEED)
    campaign.run(cases, COUNT)
    lines = [f"{len(cases)} schemas, {COUNT} mutations", table(campaign.rows)]
    lines += [f"{name}: {count}" for name, count in sorted(campaign.tried.items())]
    lines += [f"unproved though a body shows it, {k}: {n}" for k, n in campaign.missed.items()]
    sys.stdout.write("\n".join((*lines, faults(campaign.rows, most=8))).rstrip() + "\n")
    sys.stdout.flush()
    return max(thousand.main(), 0 if all(row.passed for row in campaign.rows) else 1)


if __name__ == "__main__":
    sys.exit(main())
