"""A client of each dialect, written when it is first asked for and kept for the session."""

from __future__ import annotations

import functools
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from functional.writing import Written, write
from program import Program

from callsheet_codegen.models.pool import Worker
from callsheet_sandbox.dialects import read_dialects
from callsheet_sandbox.pytest import sandbox_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from callsheet_codegen.models.pool import ModelRequest, ModelSource
    from callsheet_sandbox.server import Running

__all__ = ["sandbox_server"]


@pytest.fixture(scope="session")
def writer(
    sandbox_server: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Written]]:
    """Give what writes a client of a dialect, at most once; one process makes all models."""
    worker, before = Worker(), list(sys.path)

    def models(requests: Mapping[str, ModelRequest]) -> Mapping[str, ModelSource]:
        return {name: worker.ask(request) for name, request in requests.items()}

    @functools.cache
    def written(name: str) -> Written:
        return write(sandbox_server, name, tmp_path_factory.mktemp(name), models)

    yield written
    worker.close()
    sys.path[:] = before


@pytest.fixture(params=sorted(read_dialects()))
def written(
    request: pytest.FixtureRequest, writer: Callable[[str], Written], sandbox: Running, home: Path
) -> Written:
    """Give the client of each dialect in turn, with a fresh sandbox and empty folders."""
    client: Written = writer(request.param)
    sandbox.reset()
    return client


@pytest.fixture
def plain(writer: Callable[[str], Written], sandbox: Running, home: Path) -> Written:
    """Give the client of the default dialect, with a fresh sandbox and empty folders."""
    client = writer("plain")
    sandbox.reset()
    return client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an empty folder to work in."""
    path = tmp_path / "here"
    path.mkdir()
    return path


def program(written: Written, home: Path, folder: Path) -> Program:
    """Return the client's command line, logged in; the login itself is done once."""
    template = written.root / "login"
    if not template.exists():
        first = Program(written.root, template, folder, written.package)
        done = first.run("login", "--host", written.host, "--api-key", written.key)
        assert done.code == 0, done.stderr
    shutil.copytree(template, home)
    return Program(written.root, home, folder, written.package)


@pytest.fixture
def shell(written: Written, tmp_path: Path, folder: Path) -> Program:
    """Give the command line of each dialect's client, logged in."""
    return program(written, tmp_path / "shell", folder)


@pytest.fixture
def ads(plain: Written, tmp_path: Path, folder: Path) -> Program:
    """Give the command line of the default dialect's client, logged in."""
    return program(plain, tmp_path / "shell", folder)
