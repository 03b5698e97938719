"""Recorded servers read as their folders say: a folder under recorded/ is a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.surroundings import asker

from callsheet import Client
from callsheet.probe.probe import probe
from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from callsheet.actions.resolve import ActionSet

FOLDERS = sorted(path for path in Path(__file__).with_name("recorded").iterdir() if path.is_dir())
KEY = "sk-recorded-0123456789"


def observed(url: str, task: str) -> dict[str, Any]:
    """Return what a client makes of the server at an address."""
    with Client(host=url, api_key=KEY, ledger=None) as ads:
        catalogue = ads._run(ads._engine.host.refresh())
        surface = ads._engine.host.surface(catalogue)
        report = probe(asker(ads), task=task)
    return {
        "login": login(surface),
        "list": report["list"].read,
        "ids": [action.id for action in catalogue.actions],
        "schemas": report["schemas"].read,
        "flags": {
            " ".join(action.command): [f"--{p.flag}" for p in action.params if not p.hidden]
            for action in surface.actions
            if action.command
        },
        "families": report["families"].read,
        "task": report["task"].read,
        "unclear": {f.topic: f.unclear for f in report.findings if f.unclear},
    }


def login(surface: ActionSet) -> dict[str, int]:
    """Return the numbers of the line with which a login ends."""
    return {
        "actions": len(surface.actions),
        "families": len({action.family for action in surface.actions} - {None}),
        "unreadable": sum(1 for action in surface.actions if not action.typed),
    }


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_it_reads_as_the_folder_says(folder: Path) -> None:
    expected = json.loads((folder / "expect.json").read_text("utf-8"))
    with serve(Options(replay=folder / "replies")) as replay:
        readings = observed(replay.url, expected.pop("asked"))

    assert readings == expected, json.dumps(readings, indent=2)


def test_there_are_recordings() -> None:
    assert len(FOLDERS) >= 3
