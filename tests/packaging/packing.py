"""Where the packaging tests find the project, its environments and its programs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
PLAIN_PYTHON = ROOT / ".venv-min/bin/python"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
# `make test` hands these to its children; none may steer the program under test.
INHERITED = ("ADS_", "CALLSHEET_", "MAKE", "MFLAGS", "PYTHONPATH", "HOST", "PYTHON=", "OFFLINE")


def clean_environ(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this environment without the user's settings, at home in an empty folder."""
    inherited = {k: v for k, v in os.environ.items() if not f"{k}=".startswith(INHERITED)}
    xdg = {name for name in inherited if name.startswith("XDG_")}
    inherited = {name: setting for name, setting in inherited.items() if name not in xdg}
    return inherited | {"HOME": str(home)} | dict(extra or {})


def run(argv: Sequence[object], *, env: Mapping[str, str], cwd: Path) -> PackedRun:
    """Run a program without a terminal and return what it said."""
    process = subprocess.run(
        [str(word) for word in argv],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return PackedRun(process.returncode, process.stdout, process.stderr)


@dataclass(frozen=True)
class PackedRun:
    """Exit code and texts of a program that ended."""

    code: int
    out: str
    err: str


def build(source: Path, out: Path, *kinds: str) -> None:
    """Build distributions with the back end already installed: nothing is fetched."""
    argv = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, *kinds, source]
    process = run(argv, env=clean_environ(out.parent), cwd=out.parent)
    assert process.code == 0, process.out + process.err
