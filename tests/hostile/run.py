"""Runs the whole campaign and prints one table; any number but 0 makes it exit 1."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile.addresses import addresses
from hostile.campaign import Outcome, Run
from hostile.cases import CLASSES, Case, batches, load
from hostile.chance import schemas
from hostile.gates import gates
from hostile.timing import slow
from hostile.voices import voices

BATCH = 100
AT_ONCE = 2
RANDOM = 2_000
COLUMNS = {
    "code run": "ran",
    "files outside": "outside",
    "sockets": "sockets",
    "hangs": "hangs",
    "benign lost": "lost",
    "broken": "broken",
}


def chain(cases: list[Case], folder: Path) -> Outcome:
    """The cases through the chain, some listed with their schemas, some without."""
    parts = list(enumerate(batches(cases, BATCH)))

    def one(part: tuple[int, list[Case]]) -> Outcome:
        number, batch = part
        asked = (number + len(batch[0].kind)) % 2 == 1
        return Run(folder / str(number), batch, asked=asked).everything()

    total = Outcome()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(one, parts):
            total.add(found)
    for case in cases:
        total.hangs += slow(case)
    return total


def through(kind: str, cases: list[Case], folder: Path) -> Outcome:
    """The road of a class: the gate alone, the chain, and for texts every command besides."""
    if kind == "gate":
        return gates(cases, folder)
    found = chain(cases, folder / "chain")
    if kind == "identifiers":
        found.add(addresses(cases, folder))
    if kind == "terminal":
        found.add(voices(cases, folder))
    return found


def table(rows: dict[str, tuple[int, Outcome]]) -> str:
    """The table, one line a class."""
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
    parser.add_argument("classes", nargs="*", help=f"some of: {', '.join(CLASSES)}")
    wanted = parser.parse_args().classes or [*CLASSES, "random"]
    rows: dict[str, tuple[int, Outcome]] = {}
    for kind in wanted:
        cases, started = schemas(RANDOM) if kind == "random" else load(kind), time.monotonic()
        with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
            rows[kind] = (len(cases), through(kind, cases, Path(folder)))
        took = time.monotonic() - started
        sys.stderr.write(f"{kind}: {len(cases)} cases in {took:.0f} s\n")
        for fault in rows[kind][1].faults()[:20]:
            sys.stderr.write(f"  {fault[:600]}\n")
    sys.stdout.write(table(rows) + "\n")
    return 1 if any(outcome.faults() for _, outcome in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
