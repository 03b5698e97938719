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
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    base = run([PLAIN_PYTHON, "-c", ask], env=env, cwd=home).out.strip()
    made = run([PLAIN_PYTHON, "-m", "venv", "--without-pip", home / "venv"], env=env, cwd=home)
    assert made.code == 0, made.err
    own = run([home / "venv/bin/python", "-c", ask], env=env, cwd=home).out.strip()
    (home.joinpath(own) / "base.pth").write_text(base + "\n", "utf-8")
    pip = [PLAIN_PYTHON, "-m", "pip", "--python", home / "venv/bin/python", "install"]
    added = run([*pip, "--quiet", "--no-deps", "--no-index", wheel], env=env, cwd=home)
    assert added.code == 0, added.err
    return home / "venv/bin"
