"""The command line does its main job where nothing of POSIX is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli.conftest import PROGRAM
from program import ROOT

if TYPE_CHECKING:
    from cli.conftest import BareProgram

LIKE_WINDOWS = f"""
import sys
sys.path.append({str(ROOT / "tests")!r})
from cli import windows
windows.become()
{PROGRAM}
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="/proc tells which files are open")
def test_a_video_is_made_and_listed_without_anything_of_posix(ads: BareProgram) -> None:
    environ = {k: v for k, v in ads.environ.items() if k not in {"ADS_HOST", "ADS_API_KEY"}}

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", LIKE_WINDOWS, *words],
            env=environ, cwd=ads.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        return done.stdout

    run("login", "--host", ads.server.url, "--api-key", ads.server.key)
    made = json.loads(run("video", "generate", "--prompt", "waves", "--out", "v.mp4", "--json"))
    listed = json.loads(run("tasks", "list", "--json"))

    assert made["files"][0]["bytes"] == (ads.folder / "v.mp4").stat().st_size
    assert [(job["state"], job["taskId"]) for job in listed] == [("saved", made["taskId"])]
    assert os.listdir(ads.folder) == ["v.mp4"]
    assert len(ads.server.charges()) == 1
