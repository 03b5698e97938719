"""The peers: each in an environment of its own, made once; one that cannot be had is left out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.stage import clean_environ
from bench.timing import Process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WANTED = {
    "fastmcp": ["fastmcp"],
    "openapi-python-client": ["openapi-python-client", "ruff"],
    "datamodel-code-generator": ["datamodel-code-generator", "httpx2", "ruff"],
    "awscli": ["awscli"],
}
NODE = {"mcporter": ["mcporter"]}


@dataclass(frozen=True)
class Peer:
    """An environment with one peer installed."""

    name: str
    folder: Path

    def python(self) -> str:
        """Return its interpreter."""
        return str(self.folder / "bin" / "python")

    def process(self, folder: Path, *words: str, program: str = "python") -> Process:
        """Return one run of a program of this environment in a folder."""
        return Process([str(self.folder / "bin" / program), *words], self.environ(), folder)

    def environ(self) -> dict[str, str]:
        """Return the environment variables; what it installed is found first."""
        environ = clean_environ() | {"NO_COLOR": "1", "FASTMCP_CHECK_FOR_UPDATES": "off"}
        return environ | {"PATH": f"{self.folder / 'bin'}:{environ.get('PATH', '')}"}

    def version(self) -> str:
        """Return the version of its package."""
        if self.name in NODE:
            about = self.folder / "node_modules" / self.name / "package.json"
            return str(json.loads(about.read_text(encoding="utf-8"))["version"])
        words = f"import importlib.metadata as m; print(m.version({self.name!r}))"
        done = subprocess.run([self.python(), "-c", words], capture_output=True, text=True)
        return done.stdout.strip()


def install(folder: Path, tell: Callable[[str], object]) -> dict[str, Peer]:
    """Make the environments that are not there; tells which peers are left out, and why."""
    installed = {}
    for name, packages in {**WANTED, **NODE}.items():
        peer = Peer(name, folder / name)
        if not (peer.folder / "installed").exists():
            why = _make(peer, packages)
            if why:
                tell(f"{name} is left out: {why}")
                continue
        installed[name] = peer
    return installed


def _make(peer: Peer, packages: list[str]) -> str:
    """Install and compile; empty, or why it could not be done."""
    if peer.name in NODE and shutil.which("npm") is None:
        return "there is no npm"
    pip = [peer.python(), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    steps = [
        [sys.executable, "-m", "venv", str(peer.folder)],
        [*pip, "--upgrade", "pip"],
        [*pip, "--compile", *packages],
    ]
    if peer.name in NODE:
        peer.folder.mkdir(parents=True, exist_ok=True)
        steps = [["npm", "install", "--silent", "--prefix", str(peer.folder), *packages]]
    for words in steps:
        done = subprocess.run(
            words, env=clean_environ(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["pip says nothing"])[-1]
    (peer.folder / "installed").write_text(json.dumps(packages), encoding="utf-8")
    return ""
