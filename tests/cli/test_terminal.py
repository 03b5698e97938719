"""On a real terminal: progress, a hidden prompt, Ctrl-C, and pipes that close early."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pexpect
import pytest
from cli.conftest import PROGRAM, BareProgram

from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def slow(ads: BareProgram) -> Iterator[BareProgram]:
    """Give the program with a server whose jobs take some seconds."""
    with serve(Options(speed="demo")) as server:
        environ = {**ads.environ, "ADS_HOST": server.url, "ADS_API_KEY": server.key}
        yield replace(ads, environ=environ, server=server)


def terminal(ads: BareProgram, *words: str, **environ: str) -> pexpect.spawn[str]:
    return pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM, *words],
        env={**ads.environ, "TERM": "xterm", **environ},
        cwd=str(ads.folder),
        encoding="utf-8",
        dimensions=(24, 120),
        timeout=20,
    )


def ended(child: pexpect.spawn[str]) -> tuple[int | None, str]:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before or ""


def test_a_person_sees_a_short_view(ads: BareProgram) -> None:
    code, seen = ended(terminal(ads, "video", "generate", "--prompt", "x", "--out", "x.mp4"))

    assert code == 0
    assert "status     success\r\n" in seen
    assert "localPath  x.mp4\r\n" in seen
    assert "{" not in seen


def test_nothing_moves_on_a_dumb_terminal(ads: BareProgram) -> None:
    _, seen = ended(terminal(ads, "video", "generate", "--prompt", "x", TERM="dumb"))

    assert "\x1b" not in seen
    assert "ai.video.generate: success 100 %" in seen


def test_ctrl_c_leaves_the_job_alive_and_says_how_to_go_on(slow: BareProgram) -> None:
    child = terminal(slow, "video", "generate", "--prompt", "x")
    child.expect("task ([0-9a-f-]{36})")
    assert child.match is not None
    task = child.match.group(1)
    child.expect("processing")
    child.sendintr()
    code, seen = ended(child)
    slow.server.advance(100)

    assert code == 130
    assert f"ads tasks wait {task}" in seen
    assert slow("tasks", "wait", task).json["status"] == "success"


def test_sigterm_is_143(slow: BareProgram) -> None:
    child = terminal(slow, "video", "generate", "--prompt", "x")
    child.expect("processing")
    child.kill(signal.SIGTERM)
    code, seen = ended(child)

    assert code == 143
    assert "ads tasks wait" in seen


def test_the_deadline_leaves_the_job_alive(slow: BareProgram) -> None:
    done = slow("video", "generate", "--prompt", "x", "--timeout", "1000ms")

    assert done.code == 4
    assert done.error["hint"] == f"ads tasks wait {done.error['task_id']}"
    assert f"ads tasks wait {done.error['task_id']}" in done.err


def test_the_prompt_for_the_key_shows_nothing(ads: BareProgram) -> None:
    child = terminal(ads, "login", ADS_API_KEY="")
    child.expect("API key: ")
    child.sendline(ads.server.key)
    code, seen = ended(child)

    assert code == 0
    assert ads.server.key not in seen
    assert "10 actions, 2 families; details: ads probe" in seen


def test_a_reader_that_went_away_is_no_error(ads: BareProgram) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "actions", "list", "--json"],
        env=dict(ads.environ),
        cwd=ads.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()

    assert (process.returncode, told) == (1, "")


def test_verbose_tells_requests_without_the_key(ads: BareProgram) -> None:
    told = ads("actions", "list", "--debug").err

    assert f"> GET {ads.server.url}/api/actions\n" in told
    assert "< 200, " in told
    assert ads.server.key not in told


def test_ctrl_c_while_the_request_is_out_is_recorded_as_unknown(slow: BareProgram) -> None:
    slow("actions", "list")
    child = terminal(slow, "video", "generate", "--prompt", "x", "--blocking")
    child.expect_exact("(free)")
    while not any(name.endswith("_and_wait") for name, _ in slow.posts()):
        child.expect([pexpect.TIMEOUT, pexpect.EOF], timeout=0.05)
    child.sendintr()
    code, seen = ended(child)
    found = slow("tasks", "recover", "--json")
    ref = found.json[0]["ref"]

    assert code == 130
    assert f"ads tasks recover {ref}" in seen
    assert (found.code, found.json[0]["state"]) == (5, "unknown")
    assert slow("tasks", "show", ref).code == 5
