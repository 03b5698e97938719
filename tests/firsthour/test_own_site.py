"""The first hour against the sandbox, which speaks as a site does, and the lines of the README."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from firsthour.conftest import MEDIA, Session
from program import ROOT

from callsheet_sandbox.pytest import sandbox, sandbox_server

if TYPE_CHECKING:
    from pathlib import Path

    from faults.forge import Forge

    from callsheet_sandbox.server import Running

__all__ = ["sandbox", "sandbox_server"]


def visitor(tmp_path: Path, warm: Forge, url: str, key: str) -> Session:
    """Return a session in an empty folder with one picture."""
    folder = tmp_path / "home" / "work"
    folder.mkdir(parents=True)
    shutil.copy(MEDIA / "sample_beach.png", folder)
    return Session("sandbox", url, key, folder, warm)


@pytest.mark.parametrize("dialect", ["market", "snake"])
def test_the_first_hour_in_a_dialect(
    tmp_path: Path, warm: Forge, sandbox: Running, dialect: str
) -> None:
    session = visitor(tmp_path, warm, sandbox.dialect_url(dialect), sandbox.key)
    assert session("ads login --host HOST --api-key KEY").code == 0
    assert re.search(r"(?m)^  video +.*generate", session("ads --help").out)
    assert "ads video generate" in session("ads actions search video").out
    make = "ads video generate --prompt 'ocean waves' --image-input sample_beach.png"
    done = session(f"{make} --out waves.mp4")
    assert done.code == 0, done.err
    (row,) = session("ads tasks list --search ocean --json").json
    assert session(f"ads tasks save {row['ref'][:8]} --out again.mp4").code == 0
    assert session.content("again.mp4") == session.content("waves.mp4") != b""
    assert [charge["action"] for charge in sandbox.charges(dialect)] == ["ai.video.generate"]
    assert session("ads video generate --prompt x --duration many").code == 2
    assert session(make, ADS_API_KEY="sk-wrong-0123456789").code == 3
    assert len(sandbox.charges(dialect)) == 1


def test_the_lines_for_the_own_site(tmp_path: Path, warm: Forge, sandbox: Running) -> None:
    session = visitor(tmp_path, warm, sandbox.url, sandbox.key)
    readme = (ROOT / "README.md").read_text("utf-8")
    block = re.search(r"```\n(ads login --host https://\S+ --api-key sk-….*?)```", readme, re.S)
    assert block is not None
    login, generate, make = block[1].splitlines()
    table = re.search(r"```toml\n(\[tool\.callsheet\].*?)```", readme, re.S)
    assert table is not None
    (session.folder / "pyproject.toml").write_text(table[1], "utf-8")
    login = re.sub(r"https://\S+", "HOST", login).replace("sk-…", "KEY")
    assert session(login).code == 0
    assert generate == "make generate"
    roots = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
    argv = ["-c", "from callsheet.cli.callsheet import main; raise SystemExit(main())", "generate"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(session.folder.parent), "PYTHONPATH": roots}
    written = subprocess.run(
        [sys.executable, *argv],
        env={**environ, "ADS_HOST": sandbox.url},
        cwd=session.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert written.returncode == 0, written.stderr
    assert (session.folder / "generated/ads_client/api.md").is_file()
    done = session(make.partition("  ")[0])
    assert done.code == 0, done.err
    assert session.content("output/waves.mp4")[4:8] == b"ftyp"
    assert len(sandbox.charges()) == 1
