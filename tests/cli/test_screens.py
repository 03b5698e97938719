"""What terminals of 60, 80 and 120 columns show, as golden files: look at them after a change.

Write them anew with ``UPDATE_GOLDEN=1``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import pytest
from unit.cli.test_task_list import JOB, NOW

from ads_client._bindings import BINDINGS
from callsheet.actions.naming import summary_line
from callsheet.cli.commands.completion import completion
from callsheet.cli.commands.task_list import fit
from callsheet.cli.commands.tasks import tasks
from callsheet.cli.help import pages
from callsheet.cli.main import report
from callsheet.cli.output.cells import width
from callsheet.cli.output.fitting import fit_table, hang
from callsheet.cli.output.formats import Console
from callsheet.cli.output.progress import describe
from callsheet.cli.server_actions import bound_actions
from callsheet.errors import InvalidInput
from callsheet.flows.effects import JobUpdate
from callsheet.protocol.replies import ReplyFields
from callsheet.stored import WIDTHS

FOLDER = Path(__file__).parent / "screens"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
ACTIONS = tuple(bound_actions(BINDINGS))


def help_of(command: click.Command, words: str) -> str:
    parent = click.Context(click.Group("ads"), info_name="ads")
    return f"{command.get_help(click.Context(command, info_name=words, parent=parent))}\n"


def action_rows() -> list[dict[str, Any]]:
    return [
        {
            "id": action.id,
            "command": " ".join(["ads", *action.command]) if action.command else None,
            "kind": action.role or "call",
            "summary": summary_line(action),
        }
        for action in ACTIONS
    ]


def error_lines(capsys: pytest.CaptureFixture[str]) -> str:
    line = 'ads video generate --prompt "ocean waves" --out video.mp4'
    report(Console("ads", "ADS", {}, (), {}), InvalidInput("--prompt is needed", hint=line))
    return capsys.readouterr().err


def progress_line() -> str:
    fields = ReplyFields(queue=3, message="warming up a machine for this model")
    return describe(JobUpdate("t1", "running", "queued", 0.05, 8, fields), 65) + "\n"


@pytest.mark.parametrize("screen", WIDTHS)
def test_screens(
    screen: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pages, "screen_width", lambda: screen)
    stored = pages.pages("ads", ACTIONS, width=screen)
    jobs, columns = fit([JOB, {**JOB, "ref": "1b2c3d4e", "state": "done"}], screen, NOW)
    screens = {
        "ads": stored["_.txt"],
        "ads video": stored["video.txt"],
        "ads video generate --help": stored["video.generate.txt"],
        "ads material search --help": stored["material.search.txt"],
        "ads completion --help": help_of(completion, "completion"),
        "ads tasks": help_of(tasks, "tasks"),
        "ads actions list": fit_table(
            action_rows(), tuple(action_rows()[0]), screen, spare=("kind", "command")
        ),
        "ads tasks list": fit_table(jobs, columns, screen),
        "ads doctor": hang(
            "FAIL  server         ", "nothing listens at http://127.0.0.1:8787 " * 2, screen
        ),
        "an error": error_lines(capsys),
        "progress": progress_line(),
    }
    text = "".join(f"$ {name}\n{shown.rstrip()}\n\n" for name, shown in screens.items())
    path = FOLDER / f"{screen}.txt"
    if UPDATE:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")

    assert text == path.read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("  ads ", "queued"))]
    assert [line for line in lines if width(line) > screen] == []
