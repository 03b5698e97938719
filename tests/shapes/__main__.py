"""Play cases and print which hold: ``python -m shapes [FOLDER_OR_FILES] [-k TEXT] …``."""

from __future__ import annotations

import argparse
import json
import queue
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from shapes.home import CATALOGUES, DATA, MORE, known_faults
from shapes.play import Player, Verdict

from callsheet_sandbox.cases.case import Case, load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WAIT = re.compile(r"--timeout (\d+)s")


def play_all(cases: Sequence[Case], jobs: int) -> list[Verdict]:
    """Return the verdicts in the order of the cases; those that may wait long start first."""
    order = sorted(range(len(cases)), key=lambda index: -_longest(cases[index]))
    players: queue.SimpleQueue[Player] = queue.SimpleQueue()
    everyone = [Player() for _ in range(min(jobs, len(cases)))]
    for player in everyone:
        players.put(player)

    def play(index: int) -> tuple[int, Verdict]:
        player = players.get()
        try:
            return index, player.play(cases[index], with_library=True)
        finally:
            players.put(player)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            return [verdict for _, verdict in sorted(pool.map(play, order), key=lambda p: p[0])]
    finally:
        for player in everyone:
            player.close()


def _longest(case: Case) -> int:
    waits = [int(s) for line in case.data.get("typed", []) for s in _WAIT.findall(line)]
    return max(waits, default=0)


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the table of kinds, the totals and the two lists that matter most."""
    cases = Counter(verdict.kind for verdict in verdicts)
    good = Counter(verdict.kind for verdict in verdicts if verdict.holds)
    rows = [(kind, cases[kind], good[kind]) for kind in cases]
    rows.append(("all", len(verdicts), good.total()))
    lines = ["| kind | cases | held |", "|---|---|---|"]
    lines += [f"| {kind} | {count} | {holding} |" for kind, count, holding in rows]
    lines.append("")
    library = sum(1 for verdict in verdicts if verdict.library)
    lines.append(f"played through the sync and the async client too: {library}")
    lines.append(_line(verdicts, "wrong bytes under --out", lambda v: v.wrong_bytes))
    lines.append(_line(verdicts, "exit 0 without a file of the job", lambda v: v.empty_success))
    return "\n".join(lines)


def _line(verdicts: Sequence[Verdict], title: str, flag: Callable[[Verdict], bool]) -> str:
    ids = [verdict.id for verdict in verdicts if flag(verdict)]
    return f"{title}: {len(ids)} ({', '.join(ids)})"


def details(verdict: Verdict) -> str:
    """Return why a case fails, and what can be seen of every line."""
    lines = [f"{verdict.id}: {verdict.what}", *(f"  - {words}" for words in verdict.reasons)]
    for step in verdict.steps:
        ledger = [(row.get("state"), row.get("taskId")) for row in step["ledger"] or []]
        lines.append(
            f"  $ {step['typed']}\n    exit {step['exit']} in {step['seconds']} s,"
            f" file {step['file']}, ledger {ledger}, paid {len(step['paid'])},"
            f" free {step['free']}, gets {len(step['gets'])}"
        )
        for stream in ("stdout", "stderr"):
            lines += [f"    {stream}: {line}" for line in step[stream].splitlines()[-12:]]
    return "\n".join(lines)


def main(words: Sequence[str]) -> int:
    """Play the cases that are named; return 1 for a fault that ``fails.txt`` does not name."""
    parser = argparse.ArgumentParser("shapes", description="Play cases and print which hold.")
    parser.add_argument(
        "paths", nargs="*", type=Path, default=[DATA, MORE], metavar="FOLDER_OR_FILES"
    )
    parser.add_argument("-k", default="", metavar="TEXT", help="only ids that contain this")
    parser.add_argument("--jobs", type=int, default=4, metavar="N")
    parser.add_argument("--verbose", action="store_true", help="tell why each failing case fails")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every verdict there")
    options = parser.parse_args(words)
    cases = [case for case in load(options.paths, CATALOGUES) if options.k in case.id]
    verdicts = play_all(cases, options.jobs)
    if options.json:
        documents = [verdict.document() for verdict in verdicts]
        options.json.write_text(json.dumps(documents, indent=1, ensure_ascii=False), "utf-8")
    if options.verbose:
        for verdict in verdicts:
            if not verdict.holds:
                sys.stdout.write(f"{details(verdict)}\n\n")
    sys.stdout.write(f"{table(verdicts)}\n")
    faults = known_faults()
    new = [verdict.id for verdict in verdicts if not verdict.holds and verdict.id not in faults]
    sys.stdout.write(f"do not hold, and are not known to: {len(new)} ({', '.join(new)})\n")
    return 1 if new or any(verdict.is_wrong for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
