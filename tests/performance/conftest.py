"""Clients of 3 and of 1,000 actions, and programs that tell what they opened and imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from bench.catalogue import FREE, actions
from program import ROOT

from callsheet.catalog.lock import Snapshot
from callsheet.client.client import Client
from callsheet.spec import Advertised
from callsheet_codegen import pipeline
from callsheet_codegen.config import LOCK, Config, parse_overlay
from callsheet_codegen.models.pool import ModelSource
from callsheet_sandbox.pytest import sandbox, sandbox_server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callsheet_codegen.models.pool import ModelRequest
    from callsheet_sandbox.server import Running

__all__ = ["sandbox", "sandbox_server"]

HOST = "https://ads.example"
SIZES = (3, 1000)
# Tells on the way out: what was imported, what was opened, which programs were started.
WATCH = """
import atexit, json, os, sys
before, opened, started = set(sys.modules), [], []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.append(arguments[0])
    if event == "subprocess.Popen":
        started.append(os.fsdecode(arguments[0]))
sys.addaudithook(hook)
def tell():
    seen = {"modules": sorted(set(sys.modules) - before), "opened": opened, "started": started}
    with os.fdopen(os.open(os.environ["SEEN"], os.O_WRONLY | os.O_CREAT), "w") as file:
        json.dump(seen, file)
atexit.register(tell)
"""


@dataclass(frozen=True)
class WatchedRun:
    """What one run did; ``opened`` are the files that lie in its client's or our folders."""

    code: int
    out: str
    modules: frozenset[str]
    opened: tuple[str, ...]
    started: tuple[str, ...]

    @property
    def packages(self) -> set[str]:
        """Return the packages that came from outside the standard library."""
        tops = {name.partition(".")[0] for name in self.modules}
        return {name for name in tops - sys.stdlib_module_names if not name.startswith("_")}


@dataclass(frozen=True)
class Watched:
    """A client on disk, run under watch, with these variables besides."""

    root: Path
    place: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, program: str = "", **environ: str) -> WatchedRun:
        """Run the generated program, or some lines instead, to its end."""
        report_path = self.root / "seen.json"
        report_path.unlink(missing_ok=True)
        lines = program or "from ads_client.cli import main; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-c", WATCH + lines, *words],
            env=self._environ() | self.place | environ | {"SEEN": str(report_path)},
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        report = json.loads(report_path.read_text("utf-8"))
        near = (str(self.root), str(ROOT))
        files = [os.path.realpath(path) for path in report["opened"] if path.startswith(near)]
        opened = tuple(sorted(f for f in files if not f.endswith((".py", ".pyc", "seen.json"))))
        modules = frozenset(report["modules"])
        return WatchedRun(done.returncode, done.stdout, modules, opened, tuple(report["started"]))

    def _environ(self) -> Mapping[str, str]:
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("ADS_", "XDG_", "_ADS"))
        }
        own = {f"ADS_{kind}_DIR": str(self.root / kind) for kind in ("CONFIG", "STATE", "CACHE")}
        roots = os.pathsep.join([str(self.root), str(ROOT / "runtime")])
        return inherited | own | {"HOME": str(self.root), "PYTHONPATH": roots}


def untyped(requests: Mapping[str, ModelRequest]) -> Mapping[str, ModelSource]:
    """Make no models: nothing here looks at them, and they would take most of the time."""
    return {name: ModelSource() for name in requests}


def write(count: int, folder: Path, source: str = HOST) -> Path:
    """Write a client of so many actions."""
    return generate(
        Snapshot(
            source,
            tuple(
                Advertised(
                    id=action["id"], description=action["description"], input=action["inputSchema"]
                )
                for action in actions(count)
            ),
        ),
        folder,
    )


def generate(snapshot: Snapshot, folder: Path) -> Path:
    """Write a client of a snapshot."""
    overlay = parse_overlay({"strip-prefixes": ["ai."], "free": FREE})
    config = Config(
        package="ads_client", command="ads", env="ADS", out=folder, lock=folder / LOCK,
        overlay=overlay,
    )  # fmt: skip
    pipeline.write(config, pipeline.draft(config, snapshot, None, modeller=untyped))
    return folder


@pytest.fixture
def bound(sandbox: Running, tmp_path: Path) -> Watched:
    """Give a client that was made from the sandbox that it is set to talk to, catalogue known."""
    with Client(host=sandbox.url, api_key=sandbox.key, ledger=None) as client:
        client.actions(refresh=True)
        catalogue = client._engine.host.cached()
    assert catalogue is not None
    place = {"ADS_HOST": sandbox.url, "ADS_API_KEY": sandbox.key, "ADS_AUTH": "bearer"}
    program = Watched(generate(Snapshot(sandbox.url, catalogue.actions), tmp_path / "bound"), place)
    assert program.run("actions", "list").code == 0
    return program


@pytest.fixture(scope="session")
def sized(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Watched]:
    """Give the clients by their size."""
    return {n: Watched(write(n, tmp_path_factory.mktemp(f"client{n}"))) for n in SIZES}
