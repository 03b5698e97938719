"""Distributions and an installation of the wheel alone, each made once a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packing import PLAIN_PYTHON, ROOT, build, clean_environ, run

from callsheet_sandbox.pytest import sandbox, sandbox_server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["sandbox", "sandbox_server"]


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist and the wheel made from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    build(ROOT, out)
    return out


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel made straight from the tree."""
    out = tmp_path_factory.mktemp("wheel")
    build(ROOT, out, "--wheel")
    return next(out.glob("*.whl"))


@pytest.fixture(scope="session")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an environment with the wheel and the base packages alone."""
    if not PLAIN_PYTHON.exists():
        pytest.skip("make install fills .venv-min with the base packages; it is not there")
    home = tmp_path_factory.mktemp("plain")
    env = clean_environ(home)
    script = "import sysconfig; print(sysconfig.get_path('purelib'))"
    base_folder = run([PLAIN_PYTHON, "-c", script], env=env, cwd=home).out.strip()
    creation = run([PLAIN_PYTHON, "-m", "venv", "--without-pip", home / "venv"], env=env, cwd=home)
    assert creation.code == 0, creation.err
    own_folder = run([home / "venv/bin/python", "-c", script], env=env, cwd=home).out.strip()
    (home.joinpath(own_folder) / "base.pth").write_text(base_folder + "\n", "utf-8")
    pip = [PLAIN_PYTHON, "-m", "pip", "--python", home / "venv/bin/python", "install"]
    installation = run([*pip, "--quiet", "--no-deps", "--no-index", wheel], env=env, cwd=home)
    assert installation.code == 0, installation.err
    return home / "venv/bin"
