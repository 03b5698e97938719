"""Runs the whole campaign and prints one table; any number but 0 makes it exit 1."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile.addresses import addresses
from hostile.campaign import CatalogueRun, Outcome
from hostile.cases import CLASSES, batches, load
from hostile.chance import schemas
from hostile.gates import gates
from hostile.places import places
from hostile.timing import slow
from hostile.together import together
from hostile.voices import voices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostile.cases import Case

BATCH = 100
AT_ONCE = 2
RANDOM = 2_000
ROUNDS = 50
"""Rounds of three runs each."""
COLUMNS = {
    "code run": "ran",
    "files outside": "outside",
    "sockets": "sockets",
    "hangs": "hangs",
    "benign lost": "lost",
    "broken": "broken",
}


def chain(cases: Sequence[Case], folder: Path) -> Outcome:
    """Take the cases through the chain, some listed with their schemas, some without."""
    parts = list(enumerate(batches(cases, BATCH)))

    def play(part: tuple[int, Sequence[Case]]) -> Outcome:
        number, batch = part
        on_demand = (number + len(batch[0].kind)) % 2 == 1
        return CatalogueRun(folder / str(number), batch, on_demand=on_demand).everything()

    total = Outcome()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in pool.map(play, parts):
            total.add(outcome)
    for case in cases:
        total.hangs += slow(case)
    return total


def through(kind: str, cases: Sequence[Case], folder: Path) -> Outcome:
    """Take the cases down the road of their class: the gate, or the chain and more."""
    if kind == "gate":
        return gates(cases, folder)
    outcome = chain(cases, folder / "chain")
    if kind == "identifiers":
        outcome.add(addresses(cases, folder))
    if kind == "terminal":
        outcome.add(voices(cases, folder))
    return outcome


def play(kind: str, folder: Path) -> tuple[int, Outcome]:
    """Play one class in full; return how many cases it has, and what came of them."""
    if kind == "together":
        return together(folder, ROUNDS)
    if kind == "places":
        return places(folder)
    cases = schemas(RANDOM) if kind == "random" else load(kind)
    return len(cases), through(kind, cases, folder)


def table(rows: dict[str, tuple[int, Outcome]]) -> str:
    """Format the table, one line a class."""
    heads = ["class", "cases", *COLUMNS]
    lines = [
        [kind, str(count), *(str(len(getattr(outcome, name))) for name in COLUMNS.values())]
        for kind, (count, outcome) in rows.items()
    ]
    lines.append(["all", *(str(sum(int(line[n]) for line in lines)) for n in range(1, len(heads)))])
    widths = [max(len(line[n]) for line in [heads, *lines]) for n in range(len(heads))]
    return "\n".join(
        " | ".join(text.rjust(width) if n else text.ljust(width) for n, (text, width) in cells)
        for cells in ([*enumerate(zip(line, widths, strict=True))] for line in [heads, *lines])
    )


def main() -> int:
    """Run, print, decide."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = [*CLASSES, "random", "together", "places"]
    parser.add_argument("classes", nargs="*", help=f"some of: {', '.join(every)}")
    kinds = parser.parse_args().classes or every
    rows: dict[str, tuple[int, Outcome]] = {}
    for kind in kinds:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
            rows[kind] = play(kind, Path(folder))
        took = time.monotonic() - started
        sys.stderr.write(f"{kind}: {rows[kind][0]} cases in {took:.0f} s\n")
        for fault in rows[kind][1].faults()[:20]:
            sys.stderr.write(f"  {fault[:600]}\n")
    sys.stdout.write(table(rows) + "\n")
    return 1 if any(outcome.faults() for _, outcome in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
