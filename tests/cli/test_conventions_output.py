"""Where output goes and what it is, each rule by a run of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli.conftest import PROGRAM
from hostile.server import ServedPage, serving

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import BareProgram

JOB = '{"prompt":"x","options":{"sandboxSeconds":50}}'


def begun(ads: BareProgram) -> str:
    done = ads("video", "generate", "--no-wait", "--input", JOB)
    return str(done.json["taskId"])


def test_a_server_that_is_no_sandbox_may_spend_credits(ads: BareProgram) -> None:
    listed = {"actions": [{"id": "shop.buy", "inputSchema": {"type": "object"}}]}
    with serving() as server:
        server.pages["/api/actions"] = ServedPage(json.dumps(listed).encode())
        server.pages["/api/actions/shop.buy"] = ServedPage(b'{"bought": true}')
        done = ads("shop", "buy", ADS_HOST=server.url)
        url = server.url

    assert done.json == {"bought": True}
    assert done.err == f"→ {url} shop.buy (may spend credits)\n"


def test_a_query_ends_with_0_while_the_job_is_alive(ads: BareProgram) -> None:
    task = begun(ads)
    pending = ads("video", "query", "--task-id", task)
    ads.server.advance(25)
    running = ads("video", "query", "--task-id", task)

    assert [(done.code, done.json["status"]) for done in (pending, running)] == [
        (0, "pending"),
        (0, "processing"),
    ]


def test_the_bytes_of_the_file_go_to_stdout_and_are_not_taken_for_saved(ads: BareProgram) -> None:
    task = ads("image", "generate", "--prompt", "x").json["taskId"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "image", "query", "--task-id", task, "--out", "-"],
        env=dict(ads.environ),
        cwd=ads.folder,
        capture_output=True,
        check=False,
    )
    (row,) = ads("tasks", "list", "--json").json
    ads("tasks", "save", task, "--out", "x.png")

    assert (done.returncode, done.stdout) == (0, (ads.folder / "x.png").read_bytes())
    assert (row["state"], row["file"]) == ("done", None)


@pytest.fixture
def desktop(tmp_path: Path) -> Path:
    """Give a folder with a program that writes down what it was told to open."""
    folder = tmp_path / "desktop"
    folder.mkdir()
    for name in ("open", "xdg-open"):
        program = folder / name
        program.write_text(
            f'#!/bin/sh\nprintf %s "$1" > "{folder}/part"\nmv "{folder}/part" "{folder}/opened"\n'
        )
        program.chmod(0o755)
    return folder


def test_the_saved_file_is_shown(ads: BareProgram, desktop: Path) -> None:
    path = os.pathsep.join([str(desktop), ads.environ["PATH"]])
    done = ads("image", "generate", "--prompt", "x", "--out", "x.png", "--open", PATH=path)
    for _ in range(1000):
        if (desktop / "opened").exists():
            break
        os.sched_yield()
        subprocess.run(["sleep", "0.01"], check=True)

    assert done.code == 0
    assert (desktop / "opened").read_text("utf-8") == str(ads.folder / "x.png")


@pytest.mark.parametrize("colour", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_no_escape_leaves_in_a_pipe(ads: BareProgram, colour: str) -> None:
    done = ads("video", "generate", "--prompt", "x", **{colour: "1", "TERM": "xterm-256color"})

    assert done.json["status"] == "success"
    assert "\x1b[?25" not in done.err + done.out
    assert "\x1b" not in done.out


def test_a_narrow_window_breaks_no_document(ads: BareProgram) -> None:
    link = f"https://example.com/{'a' * 300}"
    done = ads("video", "generate", "--prompt", link, "--dry-run", COLUMNS="20")

    assert f'"prompt": "{link}"\n' in done.out


def test_ours_come_first_in_order_and_the_rest_follows(ads: BareProgram) -> None:
    shown = ads("video", "generate", "--prompt", "x", "--no-wait").json

    assert list(shown) == [
        *("taskId", "status", "videoUrl", "localPath", "url", "provider", "model", "files"),
        *("progress", "pollAfterMs"),
    ]
    assert (shown["videoUrl"], shown["localPath"], shown["files"]) == (None, None, [])


def test_a_body_to_fill_in_is_a_body(ads: BareProgram) -> None:
    shape = ads("material", "search", "--skeleton")
    filled = json.dumps({**shape.json, "query": "sea"})
    done = ads("material", "search", "--input", "-", stdin=filled)

    assert set(shape.json) == {"query", "page", "pageSize"}
    assert done.code == 0, done.err
    assert done.json["items"]


def test_a_refusal_of_the_command_line_is_one_line_and_a_hint(ads: BareProgram) -> None:
    told = [
        ads("video", "generate", "--promt", "x"),
        ads("video", "genrate"),
        ads("image", "generate", "--out", "x.png", "--no-wait"),
        ads("material", "search", "--query", "x", "--page", "0"),
        ads("tasks", "shwo"),
    ]

    assert [(done.code, len(done.err.splitlines())) for done in told] == [(2, 2)] * len(told)
    assert all(done.err.splitlines()[1].startswith("  ") for done in told)
    assert [set(done.error) for done in told] == [
        {
            *("code", "message", "hint", "flag"),
            *("http_status", "request_id", "task_id", "retryable"),
        }
    ] * len(told)
