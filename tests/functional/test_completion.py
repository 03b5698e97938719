"""Completion in the shells themselves: what TAB makes of a line, without asking the server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pexpect
import pyte
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from program import Program

    from callsheet_sandbox.server import Running

SHELLS = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(ads completion bash)"'),
    "zsh": (["-f", "-i"], 'autoload -Uz compinit; compinit -u; eval "$(ads completion zsh)"'),
    "fish": (["--no-config", "-i"], "ads completion fish | source"),
}
# Asks the function of the script for one line, as readline does.
ASKED = """
eval "$(ads completion bash)"
COMP_LINE=$1 COMP_POINT=${#1}
_ads_completion ads
printf '%s\\n' "${COMPREPLY[@]}"
"""
LINES = {
    "ads vi": ["video"],
    "ads video ": ["generate", "query"],
    "ads video generate --pro": ["--prompt", "--provider", "--profile"],
    "ads tasks re": ["recover", "rerun"],
    "ads whoami --ho": ["--host"],
    "ads --format js": ["json", "jsonl"],
    "ads --format=js": ["json", "jsonl"],
    "ads --auth ": ["bearer", "x-api-key", "header:NAME", "scheme:WORD"],
    "ads --profile ": ["default"],
    "ads completion ": ["bash", "zsh", "fish", "powershell", "install"],
    "ads config get st": ["store_input", "state_dir"],
    "ads call ai.video.q": ["ai.video.query"],
    "ads call ai.image.generate --as": ["--aspect", "--assume-cost"],
    "ads actions schema stor": ["storage.upload_image"],
    "ads api ": ["GET", "POST", "HEAD"],
    "ads api POST /api/actions/sto": ["/api/actions/storage.upload_image"],
    "ads video generate --video-input pic": ["picture.png"],
    "ads video generate --out pic": ["picture.png"],
    "ads nosuch --x": [],
    "ads nosuch wo": [],
}


@pytest.fixture
def shell_environ(ads: Program, tmp_path: Path) -> dict[str, str]:
    """Give an environment in which ``ads`` is the generated program, logged in."""
    ads.run("actions", "list")
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ads"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {ads.package} "$@"\n', "utf-8")
    program.chmod(0o755)
    (ads.folder / "picture.png").write_bytes(b"x")
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return ads.environ() | {"PATH": path, "TERM": "xterm", "PS1": "$ "}


@pytest.fixture
def follow(ads: Program, shell_environ: dict[str, str]) -> Callable[[str], list[str]]:
    """Give what bash would offer after a line."""

    def offered(line: str) -> list[str]:
        done = subprocess.run(
            ["bash", "--norc", "-c", ASKED, "ads", line],
            env=shell_environ,
            cwd=ads.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.stderr == ""
        return done.stdout.split()

    return offered


def test_bash_is_told_what_may_follow(follow: Callable[[str], list[str]], sandbox: Running) -> None:
    before = len(sandbox.requests())
    offered = {line: follow(line) for line in LINES}

    assert offered == LINES
    assert len(sandbox.requests()) == before


def test_task_ids_and_enum_values_follow(
    ads: Program, follow: Callable[[str], list[str]], sandbox: Running
) -> None:
    task = ads.run("video", "generate", "--prompt", "x", "--no-wait").json["taskId"]
    schema = {"type": "object", "properties": {"voiceName": {"enum": ["alto", "bass", "a b"]}}}
    sandbox.add_action({"id": "ai.voice.speak", "title": "x", "input": schema, "does": "reply"})
    ads.run("actions", "list")

    assert follow("ads tasks show ") == [task]
    assert follow("ads video query --task-id ") == [task]
    assert follow("ads voice speak --voice-name ") == ["alto", "bass"]
    assert follow("ads call ai.voice.speak --voice-name b") == ["bass"]


def test_a_broken_configuration_is_no_matter_in_the_middle_of_a_line(
    ads: Program, follow: Callable[[str], list[str]]
) -> None:
    (ads.home / "config" / "config.json").write_text("{", "utf-8")

    assert follow("ads tasks show ") == []
    assert follow("ads completion z") == ["zsh"]


def test_help_of_the_server_stays_on_its_line(ads: Program, sandbox: Running) -> None:
    hostile = {"type": "string", "description": "one\ntwo\x1b]0;x\x07\tthree"}
    schema = {"type": "object", "properties": {"text": hostile}}
    sandbox.add_action({"id": "ai.voice.speak", "title": "x", "input": schema, "does": "reply"})
    ads.run("actions", "list")
    environ = {"_ADS_COMPLETE": "zsh_complete", "COMP_WORDS": "ads voice speak --te"}

    assert ads.run(env=environ).stdout == "plain\t--text\tone two three\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_in_the_shell_itself(ads: Program, shell_environ: dict[str, str], shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} on this machine, so its script cannot be tried")
    words, setup = SHELLS[shell]
    child = pexpect.spawn(
        shell, words, env=shell_environ, cwd=str(ads.folder), encoding="utf-8", dimensions=(30, 120)
    )
    child.sendline(setup)
    child.sendline("echo re''ady")
    child.expect("ready\r")
    child.send("ads vid\tgen\t--promp\t")
    screen = pyte.Screen(120, 30)
    stream = pyte.Stream(screen)
    wanted = "ads video generate --prompt"
    try:
        while not any(wanted in line for line in screen.display):
            stream.feed(child.read_nonblocking(4096, timeout=10))
    except (pexpect.TIMEOUT, pexpect.EOF):
        pass
    child.close(force=True)

    assert any(wanted in line for line in screen.display), json.dumps(screen.display)
