"""Measures everything at its full size and prints the table: ``make fidelity``."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import redirect_stderr
from pathlib import Path

from fidelity import strictness
from fidelity.bench import bench
from fidelity.material import corpus, own
from fidelity.mutants import MutantCampaign, mutants
from fidelity.strategies import random_cases
from fidelity.tally import faults, table

RANDOM = int(os.environ.get("FIDELITY_RANDOM", "200"))
MUTANTS = int(os.environ.get("FIDELITY_MUTANTS", "500"))


def main() -> int:
    """Print the table and what went wrong; 1 where a goal was missed."""
    cases = [*corpus(), *own(), *random_cases(RANDOM)]
    odd = mutants(corpus() or own(), MUTANTS)
    with (
        tempfile.TemporaryDirectory(prefix="fidelity-") as folder,
        open(os.devnull, "w", encoding="utf-8") as quiet,
        redirect_stderr(quiet),
        bench(cases, Path(folder), only_listed=[mutant.case for mutant in odd]) as work,
    ):
        work.run(cases)
        campaign = MutantCampaign(work.routes)
        campaign.run(odd)
        rows = [*work.rows, *campaign.rows, *strictness.rows(work.package)]
    report = f"{len(cases)} schemas, {work.bodies} bodies\n{table(rows)}\n{faults(rows)}"
    sys.stdout.write(report.rstrip() + "\n")
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
