"""What a person at a terminal sees and types: progress, questions, Ctrl-C, another window size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from cli.conftest import PROGRAM
from cli.terminal import COLUMNS, LINES, Terminal, command

if TYPE_CHECKING:
    from cli.conftest import BareProgram

SHOP = {
    "id": "shop.buy",
    "title": "Buy",
    "description": "Buys.",
    "readOnly": True,
    "does": "reply",
    "input": {
        "type": "object",
        "required": ["amount"],
        "properties": {"amount": {"type": "integer", "minimum": 1, "maximum": 5}},
    },
}
JOB = ("video", "generate", "--input")


def job(seconds: float) -> str:
    return f'{{"prompt":"x","options":{{"sandboxSeconds":{seconds}}}}}'


def typed(ads: BareProgram, *words: str, after: str = "", **environ: str) -> Terminal:
    line = f"{command('-c', PROGRAM, *words)}{after}"
    return Terminal(line, folder=ads.folder, environ={**ads.environ, **environ})


def test_progress_is_one_line_that_goes_away(ads: BareProgram) -> None:
    seen = typed(ads, *JOB, job(1.0), "--out", "x.mp4")
    code = seen.end()

    assert code == 0
    assert re.search(r"ai\.video\.generate: [^\r]*processing \d+ %, \d+ s", seen.seen)
    assert not any("processing" in line for line in seen.shown())
    assert [line.split()[0] for line in seen.shown()][:3] == ["above", "→", "task"]
    assert "localPath  x.mp4" in seen.shown()
    assert seen.trouble() == []


def test_another_window_size_spoils_nothing(ads: BareProgram) -> None:
    seen = typed(ads, *JOB, job(1.5))
    seen.until("processing")
    seen.resize(30, 140)
    seen.until("processing")
    seen.resize(LINES, COLUMNS)
    code = seen.end()

    assert code == 0
    assert seen.shown()[0] == "above"
    assert "status     success" in seen.shown()
    assert not any("processing" in line for line in seen.shown())


def test_ctrl_c_gives_the_cursor_back_and_the_line_that_goes_on(ads: BareProgram) -> None:
    seen = typed(ads, *JOB, job(50))
    seen.until("processing")
    seen.interrupt()
    code = seen.end()
    (task,) = re.findall(r"task ([0-9a-f-]{36})", seen.seen)[:1]

    assert code == 130
    assert f"  ads tasks wait {task}" in seen.shown()
    assert seen.trouble() == []


def test_the_second_ctrl_c_ends_at_once(ads: BareProgram) -> None:
    ads("actions", "list")
    ads.server.set_faults("hang seconds=1000 *.query x*")  # longer than anything waits
    seen = typed(ads, *JOB, job(50))
    seen.until("task [0-9a-f-]{36}")
    seen.interrupt()
    seen.interrupt()
    code = seen.end()
    ads.server.clear_faults()

    assert code == 130
    assert not seen.screen.cursor.hidden
    assert [row["state"] for row in ads("tasks", "list", "--json").json] == ["running"]


@pytest.mark.parametrize(("answer", "code", "charges"), [("y", 0, 2), ("n", 2, 1)])
def test_what_may_cost_again_is_asked_for(
    ads: BareProgram, answer: str, code: int, charges: int
) -> None:
    first = ads("video", "generate", "--prompt", "x").json["taskId"]
    seen = typed(ads, "tasks", "rerun", first)
    asked = seen.until(r"It may spend credits \[y/N\]: ")
    seen.type(answer)

    assert asked
    assert seen.end() == code
    assert len(ads.server.charges()) == charges


def test_nobody_is_asked_with_no_input(ads: BareProgram) -> None:
    first = ads("video", "generate", "--prompt", "x").json["taskId"]
    seen = typed(ads, "tasks", "rerun", first, "--no-input")

    assert seen.end() == 2
    assert "  add --yes" in seen.shown()


def test_a_pipe_gets_the_document_and_the_person_the_rest(ads: BareProgram) -> None:
    seen = typed(ads, *JOB, job(0.5), after=" | cat > out.json")

    assert seen.end() == 0
    assert '"status": "success"' in (ads.folder / "out.json").read_text("utf-8")
    assert "processing" in seen.seen
    assert not any("status" in line for line in seen.shown())


def test_no_colour_where_none_is_wanted(ads: BareProgram) -> None:
    seen = typed(ads, *JOB, job(0.5), NO_COLOR="1")

    assert seen.end() == 0
    assert re.findall(r"\x1b\[[0-9;]*[34]\d[0-9;]*m", seen.seen) == []


def test_a_needed_value_is_asked_for(ads: BareProgram) -> None:
    seen = typed(ads, "material", "search", "--jmespath", "items[0].title")
    seen.until("--query: ")
    seen.type("sea")

    assert seen.end() == 0
    assert '"Waves at sunset"' in seen.shown()
    assert ads.posts() == [("material.search", {"query": "sea"})]


def test_a_value_that_does_not_fit_is_asked_for_again(ads: BareProgram) -> None:
    ads.server.add_action(SHOP)
    seen = typed(ads, "shop", "buy", "--jmespath", "received")
    seen.until("--amount: ")
    seen.type("9")
    seen.until("is 9, the most is 5[^$]*--amount: ")
    seen.type("3")

    assert seen.end() == 0
    assert ads.posts() == [("shop.buy", {"amount": 3})]


def test_ctrl_c_at_a_question_sends_nothing(ads: BareProgram) -> None:
    seen = typed(ads, "material", "search")
    seen.until("--query: ")
    seen.interrupt()

    assert seen.end() == 130
    assert ads.posts() == []
    assert seen.trouble() == []


def test_a_needed_value_is_not_asked_for_with_no_input(ads: BareProgram) -> None:
    seen = typed(ads, "material", "search", "--no-input")

    assert seen.end() == 2
    assert any("--query is needed" in line for line in seen.shown())
