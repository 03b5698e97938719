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
    kept = {k: v for k, v in os.environ.items() if not f"{k}=".startswith(INHERITED)}
    xdg = {name for name in kept if name.startswith("XDG_")}
    kept = {name: value for name, value in kept.items() if name not in xdg}
    return kept | {"HOME": str(home)} | dict(extra or {})


def run(words: Sequence[object], *, env: Mapping[str, str], cwd: Path) -> Done:
    """Run a program without a terminal and return what it said."""
    done = subprocess.run(
        [str(word) for word in words],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Done:
    """Exit code and texts of a program that ended."""

    code: int
    out: str
    err: str


def build(source: Path, out: Path, *kinds: str) -> None:
    """Build distributions with the back end already installed: nothing is fetched."""
    words = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, *kinds, source]
    done = run(words, env=clean_environ(out.parent), cwd=out.parent)
    assert done.code == 0, done.out + done.err
