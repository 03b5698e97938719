"""What the tests of several folders share: a sandbox, a generated program, nobody's settings."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from program import FOLDERS, PREFIXES, Program, generate

from callsheet_sandbox.pytest import sandbox
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_sandbox.server import Running

__all__ = ["sandbox"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give clients in this process empty folders, and nothing of the user's settings."""
    for name in list(os.environ):
        if name.startswith(PREFIXES):
            monkeypatch.delenv(name)
    for prefix in ("ADS", "CALLSHEET"):
        for kind in FOLDERS:
            monkeypatch.setenv(f"{prefix}_{kind.upper()}_DIR", str(tmp_path / kind))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a client of the sandbox's catalogue, once; the folder is a source root."""
    with serve() as server:
        return generate(server.url, server.key, tmp_path_factory.mktemp("generated"))


@pytest.fixture
def cli(generated: Path, tmp_path: Path) -> Program:
    """Give the generated program with empty folders, run from an empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    return Program(generated, tmp_path / "home", folder)


@pytest.fixture(scope="session")
def logins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that keeps what a login wrote, so that one is enough."""
    return tmp_path_factory.mktemp("logins")


@pytest.fixture
def ads(cli: Program, sandbox: Running, logins: Path) -> Program:
    """Give the program, logged in to the sandbox, whose state is fresh."""
    kept = logins / sandbox.key
    if not kept.exists():
        done = cli.run("login", "--host", sandbox.url, "--api-key", sandbox.key)
        assert done.code == 0, done.stderr
        shutil.copytree(cli.home, kept)
        sandbox.reset()
    shutil.copytree(kept, cli.home, dirs_exist_ok=True)
    return cli
