"""Measures every row in one run and prints the table: ``make bench``."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench import peers, plot
from bench.rows import calling, fetching, generating, looping, startup
from bench.stage import ROOT, BenchStage
from bench.table import cells, document, table
from bench.trials import run

if TYPE_CHECKING:
    from bench.trials import Result, Trial

FULL, QUICK = (3, 100, 1000), (3, 30, 100)
LIMITS = {False: (60, 3600.0), True: (7, 1.5)}
PACKAGES = ("click", "httpx", "pydantic", "jsonschema-rs", "datamodel-code-generator", "aiohttp")


def tell(words: str) -> None:
    """Say how it goes, apart from the table."""
    sys.stderr.write(words + "\n")


def facts(installed: dict[str, peers.Peer]) -> dict[str, str]:
    """Return the machine and the versions."""
    versions = {"python": platform.python_version(), "system": platform.platform(terse=True)}
    versions["processors"] = f"{os.cpu_count()} x {_processor()}"
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions | {f"peer {name}": peer.version() for name, peer in installed.items()}


def _processor() -> str:
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def trials(stage: BenchStage, installed: dict[str, peers.Peer]) -> list[Trial]:
    """Return all trials, the cheap ones first."""
    cheap = [*startup.trials(stage, installed), *calling.trials(stage, installed)]
    cheap += [*looping.trials(stage), *fetching.trials(stage)]
    return [*cheap, *generating.trials(stage, installed)]


def main(only: list[str]) -> int:
    """Play all trials, or those whose name holds one of the words; 1 where a target is missed."""
    quick = bool(os.environ.get("QUICK"))
    folder = ROOT / ".bench"
    installed = {} if quick else peers.install(folder / "peers", tell)
    stage = BenchStage(folder, QUICK if quick else FULL, quick)
    results: list[Result] = []
    with stage.stack:
        stage.prepare()
        for trial in trials(stage, installed):
            if only and not any(word in trial.name for word in only):
                continue
            started = time.monotonic()
            rows = run(trial, LIMITS[quick], tell)
            results += rows
            for row in rows:
                tell("  ".join(cell for cell in cells(row) if cell))
            tell(f"{trial.name}: {time.monotonic() - started:.0f} s\n")
    versions = facts(installed)
    sys.stdout.write(table(results) + "\n\n")
    sys.stdout.write("".join(f"{name}: {version}\n" for name, version in versions.items()))
    written = folder / ("quick" if quick else "full")
    for suffix, text in ((".json", json.dumps(document(results, versions), indent=1)),
                         (".svg", plot.svg(results))):  # fmt: skip
        Path(f"{written}{suffix}").write_text(text, encoding="utf-8")
    return 1 if any(row.missed for row in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
