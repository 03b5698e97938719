"""What the tests of several folders share: a sandbox, a generated program, nobody's settings."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from program import FOLDERS, PREFIXES, Program, generate

from callsheet_sandbox.pytest import sandbox, sandbox_server

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_sandbox.server import Running

__all__ = ["sandbox", "sandbox_server"]


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
def generated(sandbox_server: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a client of the sandbox's catalogue, once; the folder is a source root."""
    folder = tmp_path_factory.mktemp("generated")
    sandbox_server.reset()  # a test before may have added an action, or taken one away
    return generate(sandbox_server.url, sandbox_server.key, folder)


@pytest.fixture
def cli(generated: Path, tmp_path: Path) -> Program:
    """Give the generated program with empty folders, run from an empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    return Program(generated, tmp_path / "home", folder)


@pytest.fixture(scope="session")
def login(
    generated: Path, sandbox_server: Running, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give the folders of a program that logged in to the session's sandbox, to be copied."""
    home = tmp_path_factory.mktemp("login")
    argv = ("login", "--host", sandbox_server.url, "--api-key", sandbox_server.key)
    completed = Program(generated, home, home).run(*argv)
    assert completed.code == 0, completed.stderr
    return home


@pytest.fixture
def ads(login: Path, cli: Program, sandbox: Running) -> Program:
    """Give the program, logged in to the sandbox, whose state is fresh."""
    sandbox.reset()  # the login may have been made just now
    shutil.copytree(login, cli.home)
    return cli
