"""Plays the campaign and prints its table."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from faults import stage
from faults.parts import PARTS, play_in_full
from faults.tally import Tally, table

AT_ONCE = 2
_SHOWN = 10


def _details(tally: Tally) -> list[str]:
    lines = [f"{tally.promise}: {words}" for words in tally.violations[:_SHOWN]]
    hidden = len(tally.violations) - len(lines)
    return [*lines, f"{tally.promise}: … and {hidden} more"] if hidden > 0 else lines


def main(promises: list[str]) -> int:
    """Play the named parts, or all; returns 1 where a promise was broken."""
    parts = [part for part in PARTS if not promises or part.promise in promises]
    # A process of its own for each: some change the umask, hook audits or count connections.
    context = multiprocessing.get_context("spawn")
    workers = ProcessPoolExecutor(AT_ONCE, mp_context=context, max_tasks_per_child=1)
    with stage.generated(), workers as pool:
        tallies = list(pool.map(play_in_full, parts))
    for tally in tallies:
        for line in _details(tally):
            sys.stderr.write(f"{line}\n")
    sys.stdout.write(f"{table(tallies)}\n")
    return 1 if any(tally.violations for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
