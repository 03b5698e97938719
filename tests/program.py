"""A generated program as a process: what it is run with, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("config", "state", "cache")
PREFIXES = ("ADS_", "CALLSHEET_", "XDG_")


@dataclass(frozen=True)
class Completed:
    """What a run printed, and its exit code."""

    stdout: str
    stderr: str
    code: int

    @property
    def json(self) -> Any:
        """Return the one JSON document on standard output."""
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Program:
    """A generated client, the folders that it keeps things in, and where it is run."""

    client: Path
    home: Path
    folder: Path
    package: str = "ads_client"

    def environ(self) -> dict[str, str]:
        """Return the environment without the user's settings, with the base source roots alone."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(PREFIXES)}
        own = {f"ADS_{kind.upper()}_DIR": str(self.home / kind) for kind in FOLDERS}
        roots = os.pathsep.join([str(self.client), str(ROOT / "runtime")])
        return inherited | own | {"HOME": str(self.home), "PYTHONPATH": roots}

    def run(
        self, *argv: str, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Run the program to its end; ``env`` is added to its environment."""
        process = subprocess.run(
            [sys.executable, "-m", self.package, *argv],
            input=stdin,
            env=self.environ() | dict(env or {}),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Completed(process.stdout, process.stderr, process.returncode)


def generate(host: str, key: str, folder: Path) -> Path:
    """Write a client for a host with this project's configuration; returns its source root."""
    home = {f"ADS_{kind.upper()}_DIR": str(folder / kind) for kind in FOLDERS}
    roots = os.pathsep.join(str(ROOT / name) for name in ("runtime", "codegen"))
    argv = ["generate", "--host", host, "--out", str(folder / "client")]
    process = subprocess.run(
        [sys.executable, "-c", "from callsheet.cli.callsheet import main; exit(main())", *argv],
        env=os.environ | home | {"ADS_API_KEY": key, "PYTHONPATH": roots},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return folder / "client"
