"""A project of an earlier version is renewed by one command, and loses no running job.

``data/older_project`` was written by version 0.1.0 with runtime interface 1: a package and its
lock, a profile, and a ledger with one running job (as SQL). A test fills in what stands between @.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from program import ROOT, Completed

if TYPE_CHECKING:
    from callsheet_sandbox.server import Running

OLDER = Path(__file__).parent / "data" / "older_project"
GENERATE = "from callsheet.cli.callsheet import main; raise SystemExit(main())"

CALL = """
import sys
from older_client import Client
try:
    {}
except Exception as error:
    sys.exit(f"{{error}} ({{error.hint}})")
"""


class OlderProject:
    """A copy of the older project whose running job is one of a sandbox."""

    def __init__(self, folder: Path, sandbox: Running) -> None:
        self.folder = folder / "project"
        shutil.copytree(OLDER, self.folder)
        self.target = folder / "clip.mp4"
        self._fields = {
            "@HOST@": sandbox.url,
            "@KEY@": sandbox.key,
            "@TASK@": _start(sandbox),
            "@TARGET@": str(self.target),
        }
        config, state = folder / ".config" / "older", folder / ".local" / "state" / "older"
        config.mkdir(parents=True)
        state.mkdir(parents=True)
        (config / "config.json").write_text(self._filled("config.json"), "utf-8")
        (config / "config.json").chmod(0o600)
        with sqlite3.connect(state / "ledger.sqlite3") as db:
            db.executescript(self._filled("ledger.sql"))
        db.close()
        roots = [self.folder / "generated", ROOT / "runtime", ROOT / "codegen"]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OLDER_", "XDG_"))}
        self._environ = inherited | {
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join(map(str, roots)),
        }

    def _filled(self, name: str) -> str:
        text = (OLDER / name).read_text("utf-8")
        for field, replacement in self._fields.items():
            text = text.replace(field, replacement)
        return text

    def run(self, *argv: str) -> Completed:
        """Run the project's program."""
        return self._python("-m", "older_client", *argv)

    def call(self, expression: str) -> Completed:
        """Evaluate an expression with the package's library; an error is printed with its hint."""
        return self._python("-c", CALL.format(expression))

    def generate(self) -> Completed:
        """Run ``callsheet generate``, as the refusal of the program says."""
        return self._python("-c", GENERATE, "generate", "--locked")

    def _python(self, *argv: str) -> Completed:
        done = subprocess.run(
            [sys.executable, *argv],
            env=self._environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Completed(done.stdout, done.stderr, done.returncode)


def _start(sandbox: Running) -> str:
    """Start a job as the older program did; return its task id."""
    reply = httpx.post(
        f"{sandbox.url}/api/actions/ai.video.generate",
        json={"prompt": "waves at dusk"},
        headers={"Authorization": f"Bearer {sandbox.key}"},
        trust_env=False,
    )
    return str(reply.raise_for_status().json()["taskId"])


@pytest.fixture
def project(tmp_path: Path, sandbox: Running) -> OlderProject:
    """Return the older project with a job that runs on the sandbox."""
    return OlderProject(tmp_path, sandbox)


def test_an_older_package_names_the_one_command_that_renews_it(project: OlderProject) -> None:
    page, listed = project.run("--help"), project.run("tasks", "list", "--json")
    assert (page.code, "older" in page.stdout) == (0, True), page.stderr
    assert (listed.code, [job["state"] for job in listed.json]) == (0, ["running"])
    for refused in (
        project.run("video", "generate", "--prompt", "waves"),
        project.run("tasks", "save", listed.json[0]["ref"]),
        project.call("Client().video.generate(prompt='waves')"),
    ):
        assert refused.code != 0
        assert "run `callsheet generate`" in refused.stderr


def test_a_job_that_ran_before_the_upgrade_is_saved_after_it(project: OlderProject) -> None:
    renewed = project.generate()
    assert renewed.code == 0, renewed.stderr
    (job,) = project.run("tasks", "list", "--cached", "--json").json
    assert job["state"] == "running"
    saved = project.run("tasks", "save", job["ref"])
    assert saved.code == 0, saved.stderr
    assert project.target.stat().st_size == saved.json["files"][0]["bytes"]
    (job,) = project.run("tasks", "list", "--json").json
    assert (job["state"], job["file"]) == ("saved", str(project.target))
