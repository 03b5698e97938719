"""Whatever a server writes, a terminal with progress and colours on it only shows it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from cli.conftest import PROGRAM
from cli.terminal import Terminal, command
from hostile.server import ServedPage, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.conftest import BareProgram
    from hostile.server import Hostile

# The cursor, the title, the clipboard, a link, the screen, markup, the order of letters, a reset.
MOVES = (
    *("\x1b[2J", "\x1b[H", "\x1b[5A", "\x1b[?25l", "\x1b[?1049h", "\x9b2J", "\x1bc", "\x1b[8m"),
    *("\x1b]0;title\x07", "\x1b]52;c;Y2FuYXJ5\x07", "\x1b]52;c;?\x1b\\", "\x9d2;title\x9c"),
    *(
        "\x1b]8;;http://x.example\x07",
        "\x1bP$q\x1b\\",
        "\x07",
        "\r",
        "\b\b\b\b",
        "\u202e",
        "\u2066",
    ),
    *("[bold red]", "[/]", "[link=http://x.example]", "\u200b", "\u2028", "\x0b", "\x7f"),
)
TEXT = "BEGIN" + "".join(f"{move}." for move in MOVES) + "END"
WIRE = {"type": "string", "title": TEXT, "description": TEXT, "default": TEXT, "examples": [TEXT]}
PROMPT = {"type": "object", "properties": {"prompt": WIRE, TEXT: WIRE, "choice": {"enum": [TEXT]}}}
TASK = {"type": "object", "properties": {"taskId": WIRE}, "required": ["taskId"]}
ACTIONS = [
    {"id": f"job.{name}", "title": TEXT, "description": TEXT, "inputSchema": schema}
    for name, schema in (("make", PROMPT), ("make_and_wait", PROMPT), ("query", TASK))
]


def page(document: object, status: int = 200) -> ServedPage:
    return ServedPage(json.dumps(document).encode(), status)


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    with serving() as server:
        server.pages["/api/actions"] = page({"actions": ACTIONS})
        answer = {"taskId": "t1", "status": TEXT, "message": TEXT, "model": TEXT, TEXT: TEXT}
        server.pages["/api/actions/job.make"] = page(answer)
        server.pages["/api/actions/job.query"] = page({**answer, "progress": 0.5})
        yield server


def typed(ads: BareProgram, hostile: Hostile, *words: str) -> Terminal:
    environ = {**ads.environ, "ADS_HOST": hostile.url, "ADS_API_KEY": "sk-hostile-0123456789"}
    return Terminal(command("-c", PROGRAM, *words), folder=ads.folder, environ=environ)


@pytest.mark.parametrize(
    "words",
    [
        ["actions", "list"],
        ["actions", "search", "BEGIN"],
        ["actions", "schema", "job.make"],
        ["job", "make", "--help"],
        ["job", "make", "--choice", "nope"],
        ["job", "make", "--skeleton"],
        ["job", "make", "--no-wait"],
        ["job", "make", "--timeout", "1s"],
        ["job", "query", "--task-id", "t1", "--format", "table"],
        ["call", "job.make", "--format", "raw"],
        ["api", "GET", "/api/actions", "--format", "raw"],
        ["probe"],
        ["job"],
    ],
    ids=lambda words: " ".join(words[:3]),
)
def test_it_is_shown_and_moves_nothing(
    ads: BareProgram, hostile: Hostile, words: list[str]
) -> None:
    seen = typed(ads, hostile, *words)
    code = seen.end()

    assert code in {0, 2, 4}
    assert seen.trouble() == []
    assert seen.shown()[-1] == f"exit {code}"


@pytest.mark.parametrize("status", [400, 402, 403, 422, 500])
def test_a_refusal_is_shown_and_moves_nothing(
    ads: BareProgram, hostile: Hostile, status: int
) -> None:
    error = {
        "error": {"code": TEXT, "message": TEXT, "details": [{"field": TEXT, "message": TEXT}]}
    }
    hostile.pages["/api/actions/job.make"] = page(error, status)
    seen = typed(ads, hostile, "job", "make", "--prompt", "x")
    code = seen.end()

    assert code in {1, 3, 5, 7}
    assert "BEGIN" in seen.seen
    assert seen.trouble() == []


def test_progress_in_the_servers_words_is_one_line(ads: BareProgram, hostile: Hostile) -> None:
    seen = typed(ads, hostile, "job", "make", "--timeout", "2s")
    seen.until(r"job\.make: [^\r]*BEGIN")
    code = seen.end()

    assert code == 4
    assert len(re.findall(r"\x1b\[1A", seen.seen)) <= 1
    assert seen.trouble() == []


def test_a_failed_job_is_told_in_inert_words(ads: BareProgram, hostile: Hostile) -> None:
    failed = {"taskId": "t1", "status": "failed", "failReason": TEXT, "message": TEXT}
    hostile.pages["/api/actions/job.query"] = page(failed)
    seen = typed(ads, hostile, "job", "make", "--prompt", "x")

    assert seen.end() == 6
    assert "BEGIN" in seen.seen
    assert seen.trouble() == []
