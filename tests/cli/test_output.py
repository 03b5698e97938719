"""What goes where: stdout for the result, stderr for the rest, colour for terminals alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli.conftest import PROGRAM

if TYPE_CHECKING:
    from cli.conftest import BareProgram

RED = "\x1b[1;31m"


@pytest.mark.parametrize(
    "words",
    [
        ["video", "generate", "--prompt", "x", "--jmespath", "[["],
        ["video", "generate", "--prompt", "x", "--format", "yml"],
        ["video", "generate", "--prompt", "x", "--open"],
        ["video", "generate", "--prompt", "x", "--open", "--out", "-"],
        ["video", "generate", "--prompt", "x", "--out", "{task}.mp4"],
        ["video", "generate", "--prompt", "x", "--out", ""],
        ["call", "ai.video.generate", "--prompt", "x", "--jmespath", "[["],
        ["api", "POST", "/api/actions/ai.video.generate", "--input", "{}", "--jmespath", "[["],
    ],
)
def test_nothing_is_sent_where_the_result_could_not_be_shown(
    ads: BareProgram, words: list[str]
) -> None:
    done = ads(*words)

    assert done.code == 2, done.err
    assert ads.posts() == []
    assert len(done.err.splitlines()) <= 2


def test_a_template_names_what_it_knows(ads: BareProgram) -> None:
    wrong = ads("image", "generate", "--prompt", "x", "--out", "{task}.png").error
    done = ads("image", "generate", "--prompt", "x", "--out", "a/{action}-{index}.{ext}").json

    assert (wrong["message"], wrong["hint"]) == (
        "--out: there is no {task}",
        "did you mean task_id?",
    )
    assert done["localPath"] == "a/ai-image-generate-1.png"
    assert (ads.folder / done["localPath"]).stat().st_size == done["files"][0]["bytes"]


def test_raw_words_stand_one_a_line(ads: BareProgram) -> None:
    told = ads("actions", "list", "--jmespath", "[:2].id", "--format", "raw")

    assert told.out == "ai.image.generate\nai.image.generate_and_wait\n"


def test_a_table_has_the_columns_of_the_list(ads: BareProgram) -> None:
    head = ads("actions", "list", "--format", "table").out.splitlines()[0]

    assert head.split() == ["ID", "COMMAND", "KIND", "COST", "GROUP", "SOURCE", "SUMMARY"]


@pytest.mark.parametrize(
    "words",
    [
        ["whoami", "--nosuch"],
        ["doctor", "word"],
        ["probe", "--task"],
        ["api", "GET", "/nowhere"],
        ["actions", "schema", "nosuch"],
        ["tasks", "show", "nosuch"],
        ["video", "generate", "--nosuch"],
        ["video", "nosuch"],
        ["call", "nosuch", "--input", "{}"],
        ["tasks", "list", "--json", "--limit", "x"],
        ["actions", "list", "--json", "--nosuch"],
        ["completion", "--json", "tcsh"],
    ],
)
def test_data_is_json_on_failure_too(ads: BareProgram, words: list[str]) -> None:
    done = ads(*words)

    assert done.code in {1, 2}
    assert list(done.json) == ["error"]
    assert f"ads: {done.error['message']}\n" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["completion", "bash", "--nosuch"],
        ["completion", "tcsh"],
        ["tasks", "list", "--limit", "x"],
        ["actions", "list", "--format", "table", "--jmespath", "[["],
        ["config", "get", "nosuch"],
        ["version", "--nosuch"],
        ["login", "--nosuch"],
    ],
)
def test_what_is_no_data_leaves_stdout_empty(ads: BareProgram, words: list[str]) -> None:
    done = ads(*words)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("ads: ")


@pytest.mark.parametrize(
    ("said", "red"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_colour_is_forced_or_forbidden(ads: BareProgram, said: dict[str, str], red: bool) -> None:
    done = ads("actions", "nosuch", **said)

    assert done.err.startswith(RED) is red
    assert "\x1b" not in done.out


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream_is_no_error(ads: BareProgram, closed: str) -> None:
    words = f'"$0" -c "$1" video generate --prompt x --no-wait {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", words, sys.executable, PROGRAM],
        env=dict(ads.environ),
        cwd=ads.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert [name for name, _ in ads.posts()] == ["ai.video.generate"]
    if closed == "2>&-":
        assert json.loads(done.stdout)["status"] == "pending"


def test_quiet_says_nothing_but_failures(ads: BareProgram) -> None:
    done = ads("--quiet", "video", "generate", "--prompt", "x")

    assert (done.code, done.err) == (0, "")
    assert ads("--quiet", "video", "query", "--task-id", "nosuch").err.startswith("ads: ")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full here")
@pytest.mark.parametrize("words", ["actions list --json", "version", "video generate --prompt x"])
def test_a_full_disk_is_one_line(ads: BareProgram, words: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -c "$1" {words} >/dev/full', sys.executable, PROGRAM],
        env=dict(ads.environ),
        cwd=ads.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_api_shows_headers_json_and_plain_bytes(ads: BareProgram) -> None:
    head = ads("api", "HEAD", "/api/actions").json
    task = ads("image", "generate", "--prompt", "x").json
    link = task["imageUrl"].removeprefix(ads.server.url)
    listed = ads("api", "GET", f"{ads.server.url}/api/actions", "--jmespath", "length(actions)")
    with open(ads.folder / "raw.png", "wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "api", "GET", link],
            env=dict(ads.environ),
            cwd=ads.folder,
            stdout=file,
            check=False,
        )

    assert (head["status"], head["headers"]["server"]) == (200, "callsheet-sandbox")
    assert listed.json == 10
    assert done.returncode == 0
    assert (ads.folder / "raw.png").read_bytes().startswith(b"\x89PNG")
    assert ads("api", "GET", link, "--json").json.startswith("\ufffdPNG")
