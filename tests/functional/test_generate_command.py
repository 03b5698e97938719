"""``callsheet generate`` and ``check`` as commands, in a project of somebody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from program import PREFIXES, ROOT, Completed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callsheet_sandbox.server import Running

ROOTS = os.pathsep.join(str(ROOT / name) for name in ("runtime", "codegen", "sandbox"))
COMMAND = "import sys; from callsheet.cli.callsheet import main; sys.exit(main())"
FEED = {
    "id": "zoo.feed_animal",
    "description": "Feeds an animal.",
    "input": {
        "type": "object",
        "properties": {"what": {"type": "string"}, "howMuch": {"type": "integer"}},
        "required": ["what"],
    },
    "cost": 0,
}


@dataclass(frozen=True)
class MaintainedProject:
    """A project with a pyproject.toml, and the shell of its maintainer."""

    folder: Path
    home: Path
    key: str

    def environ(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return an environment without this machine's settings, with the sandbox's key."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith((*PREFIXES, "ACME_"))}
        own = {"HOME": str(self.home), "ACME_API_KEY": self.key}
        own["PYTHONPATH"] = os.pathsep.join((str(self.folder), ROOTS))
        return inherited | own | dict(env)

    def run(self, *words: str, **env: str) -> Completed:
        """Run Python with these words in the project."""
        done = subprocess.run(
            [sys.executable, *words],
            env=self.environ(env),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Completed(done.stdout, done.stderr, done.returncode)

    def callsheet(self, *words: str, **env: str) -> Completed:
        """Run the program ``callsheet``."""
        return self.run("-c", COMMAND, *words, **env)

    def state(self) -> dict[str, tuple[bytes, int]]:
        """Return content and time of every file but the interpreter's caches."""
        files = (p for p in self.folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        return {
            str(p.relative_to(self.folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in files
        }

    def table(self, **values: str) -> None:
        """Write the project's file with these keys in its table."""
        settings = {"package": "acme_client", "out": "made", **values}
        rows = [f"{key} = {json.dumps(setting)}\n" for key, setting in settings.items()]
        text = "".join(['[project]\nname = "acme"\n[tool.callsheet]\n', *rows])
        (self.folder / "pyproject.toml").write_text(text, "utf-8")


@pytest.fixture
def project(tmp_path: Path, sandbox: Running) -> MaintainedProject:
    """Give an empty project."""
    project = MaintainedProject(tmp_path / "acme", tmp_path / "home", sandbox.key)
    project.folder.mkdir()
    (project.folder / "pyproject.toml").write_text('[project]\nname = "acme"\n', "utf-8")
    return project


def test_a_project_from_init_to_drift_and_back(
    project: MaintainedProject, sandbox: Running
) -> None:
    folders = {f"XDG_{kind}_HOME": str(project.home.parent) for kind in ("CONFIG", "CACHE")}
    user = {"ACME_HOST": sandbox.url, **folders, "XDG_STATE_HOME": str(project.home.parent)}
    project.home.mkdir()
    first = project.callsheet("init", "--package", "acme_client", "--host", sandbox.url, **user)
    generated = project.callsheet("generate", **user)
    clean = project.callsheet("check", **user)
    sandbox.add_action(FEED)
    sandbox.remove_action("material.queries")
    drift = project.callsheet("check", **user)
    offline = project.callsheet("check", "--offline", **user)
    again = project.callsheet("generate", **user)
    settled = project.callsheet("check", **user)
    used = project.run("-m", "acme_client", "zoo", "feed-animal", "--what", "hay")

    assert [first.code, generated.code, clean.code, offline.code] == [0, 0, 0, 0], generated.stderr
    assert (drift.code, drift.stderr) == (8, "")
    words = ["`acme zoo feed-animal` is new (zoo.feed_animal)", "is gone (material.queries)"]
    assert [word for word in words if word not in drift.stdout] == []
    assert [word for word in words if word not in again.stdout] == []
    assert again.stdout.splitlines()[0] == "source: http://127.0.0.1 ([tool.callsheet] host)"
    assert (again.code, settled.code) == (0, 0)
    assert (project.folder / "acme_client/groups/zoo.py").is_file()
    assert used.code == 2
    assert "no server is configured" in used.stderr
    assert list(project.home.iterdir()) == []


def test_the_second_run_writes_nothing_and_the_lock_gives_the_same(
    project: MaintainedProject, sandbox: Running
) -> None:
    user = {"ACME_HOST": sandbox.url}
    project.table(host=sandbox.url)
    assert project.callsheet("generate", **user).code == 0
    first = project.state()
    again = project.callsheet("generate", **user)
    second = project.state()
    package, lock = (
        project.folder / "made" / name for name in ("acme_client", "catalog.lock.json")
    )
    project.callsheet("generate", "--locked", "--out", "other", "--lock", str(lock))
    other = {
        str(p.relative_to(project.folder / "other/acme_client")): p.read_bytes()
        for p in (project.folder / "other/acme_client").rglob("*")
        if p.is_file()
    }

    assert again.code == 0, again.stderr
    assert "0 files removed, 0 written" in again.stdout
    assert second == first
    assert other == {
        str(path.relative_to(package)): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file()
    }
    assert json.loads(lock.read_text("utf-8"))["source"] == "http://127.0.0.1"


def test_sources_in_order(project: MaintainedProject, sandbox: Running) -> None:
    nowhere = "http://127.0.0.1:9"
    project.table(host=nowhere)
    flag = project.callsheet("generate", "--host", sandbox.url, ACME_HOST=nowhere)
    configured = project.callsheet("generate", ACME_HOST=sandbox.url)
    project.table()
    login = project.run(
        "-m", "acme_client", "login", "--host", sandbox.dialect_url("coded"),
        PYTHONPATH=os.pathsep.join((str(project.folder / "made"), ROOTS)),
    )  # fmt: skip
    from_env = project.callsheet("diff", ACME_HOST=sandbox.url)
    logged = project.callsheet("diff")
    (project.home / ".config/acme").rename(project.home / "elsewhere")
    alone = project.callsheet("generate")

    assert login.code == 0, login.stderr
    assert [first_line(done) for done in (flag, from_env, logged, alone)] == [
        "source: http://127.0.0.1 (--host)",
        "from the lock (http://127.0.0.1) to http://127.0.0.1 (ACME_HOST):",
        "from the lock (http://127.0.0.1) to http://127.0.0.1 (`acme login`):",
        "source: sandbox (no host is configured)",
    ]
    assert first_line(configured) == "source: http://127.0.0.1 ([tool.callsheet] host)"
    assert configured.code == 1
    assert "127.0.0.1:9" in configured.stderr
    lock = json.loads((project.folder / "made/catalog.lock.json").read_text("utf-8"))
    assert lock["source"] == "sandbox"
    assert project.callsheet("check").code == 0


def first_line(done: Completed) -> str:
    return done.stdout.splitlines()[0]
