"""A client written from a sandbox's catalogue into a temporary folder, made once a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from architecture.tree import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALLSHEET = [sys.executable, "-c", "from callsheet.cli.callsheet import main; main()"]


@dataclass(frozen=True)
class WrittenClient:
    """A client on disk, the environment it runs in and a folder to run it from."""

    package: Path
    environ: dict[str, str]
    folder: Path


def environ(home: Path, client: Path) -> dict[str, str]:
    """Return an environment that has the source roots and nothing of the user's settings."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ADS_", "XDG_"))}
    roots = [str(client), *(str(folder.parent) for folder in PACKAGES.values())]
    folders = {f"ADS_{name}_DIR": str(home / name) for name in ("CONFIG", "STATE", "CACHE")}
    return inherited | folders | {"HOME": str(home), "PYTHONPATH": os.pathsep.join(roots)}


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WrittenClient]:
    """Yield a client written while a sandbox runs; both end with the tests."""
    home = tmp_path_factory.mktemp("written")
    out = home / "client"
    env = environ(home, out)
    argv = [*CALLSHEET, "sandbox", "--port", "0", "--speed", "fast", "--print-json"]
    with subprocess.Popen(argv, env=env, cwd=home, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            facts = json.loads(server.stdout.readline())
            env |= {"ADS_HOST": facts["url"], "ADS_API_KEY": facts["key"]}
            target = ["--host", facts["url"], "--package", "ads_client", "--out", str(out)]
            lock = ["--lock", str(out / "catalog.lock.json")]
            argv = [*CALLSHEET, "generate", *target, *lock]
            process = subprocess.run(
                argv, env=env, cwd=home, capture_output=True, text=True, check=False
            )
            assert process.returncode == 0, process.stdout + process.stderr
            yield WrittenClient(out / "ads_client", env, home)
        finally:
            server.terminate()
