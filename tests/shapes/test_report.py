"""A job that came to a bad end is reported as a case, and the case comes to the same end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from shapes.home import KEY, Home
from shapes.play import Player

from callsheet_sandbox.cases.case import Case
from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROMPT = "my aunt's secret garden"
TASK = "job-77aa"
PRIVATE = (PROMPT, TASK, KEY, "127.0.0.1", "Signature")
FIELDS = {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}}
ASKING = {"type": "object", "required": ["taskId"], "properties": {"taskId": {"type": "string"}}}
ACTIONS = {
    "ai.video.generate": FIELDS,
    "ai.video.generate_and_wait": FIELDS,
    "ai.video.query": ASKING,
}
LINE = f'PROGRAM video generate --prompt "{PROMPT}" --out o.mp4 --timeout 3s --json'
PAGE = f"@B/watch?prompt={PROMPT}&Signature=abc"
ENDS: dict[str, tuple[Any, list[Any], int, str]] = {
    "it failed": (
        {"taskId": TASK, "input": {"prompt": PROMPT}},
        [{"taskId": TASK, "status": "failed", "message": f"no to {PROMPT} in {TASK}"}],
        6,
        "failed",
    ),
    "done without a file": (
        {"data": {"taskId": TASK}},
        [{"data": {"taskId": TASK, "status": "success", "page": PAGE, "text": PROMPT}}],
        1,
        "done",
    ),
    "it goes on": ({"taskId": TASK}, [{"taskId": TASK, "status": "running"}], 4, "running"),
    "nothing is understood": ({"note": PROMPT}, [], 5, "unknown"),
    "it is refused": (
        {"@status": 422, "@body": {"error": {"message": f"no {PROMPT}", "code": "bad"}}},
        [],
        1,
        "refused",
    ),
    "saved": (
        {"taskId": TASK},
        [{"taskId": TASK, "status": "success", "videoUrl": "@B/f/good.mp4?Signature=abc"}],
        0,
        "saved",
    ),
}


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """Give one player: the package that it generates is used by every test."""
    player = Player()
    yield player
    player.close()


def case_of(create: Any, polls: list[Any]) -> Case:
    server = {"actions": ACTIONS, "POST of the paid action": create, "the job is known by": TASK}
    server["POST of ai.video.query, one after the other, the last for ever"] = polls
    return Case("report", {"id": "x", "what": "", "server": server, "typed": [LINE]}, {})


def state_of(home: Home) -> str:
    rows = home.type("PROGRAM tasks list --cached --json").document
    return str(rows[0]["state"])


@pytest.mark.parametrize("end", ENDS)
def test_a_report_comes_to_the_same_end(player: Player, tmp_path: Path, end: str) -> None:
    create, polls, code, state = ENDS[end]
    home = player.begin(case_of(create, polls), tmp_path / "first")
    typed = home.type(LINE)
    reported = home.type("PROGRAM report --yes --to case.json")
    file = home.work / "case.json"
    text = file.read_text("utf-8")
    (case,) = json.loads(text)
    with serve(Options(replay=file)) as replay:
        again = Home(tmp_path / "again", replay.url, KEY, home.package)
        played = again.type(case["typed"][0])
        replayed_state = state_of(again)

    assert (typed.code, state_of(home)) == (code, state), typed.stderr
    assert reported.stdout == text
    assert [word for word in PRIVATE if word in text] == []
    assert case["must"] == {"exit": code, "ledger": state}
    assert (played.code, replayed_state) == (code, state), played.stderr


def test_a_report_is_shown_and_not_written_where_nobody_can_be_asked(
    player: Player, tmp_path: Path
) -> None:
    create, polls, _, _ = ENDS["it failed"]
    home = player.begin(case_of(create, polls), tmp_path)
    home.type(LINE)
    shown = home.type("PROGRAM report")

    assert shown.code == 0
    assert json.loads(shown.stdout)[0]["server"]["the job is known by"] == "u1"
    assert "--yes writes it to report.json" in shown.stderr
    assert list(home.work.iterdir()) == []
