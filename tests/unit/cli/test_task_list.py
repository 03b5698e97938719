"""The list of jobs fits its terminal, and reads times as people say them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from callsheet.cli.commands.task_list import fit, parse_since, short_time
from callsheet.cli.output.cells import width
from callsheet.errors import UsageError

NOW = time.mktime((2026, 12, 1, 15, 0, 0, 0, 0, -1))
DAY = 86_400
JOB: dict[str, Any] = {
    "ref": "8604afee",
    "state": "running",
    "action": "ai.video.generate",
    "created": NOW - 2 * DAY,
    "prompt": "a red fox runs through\nfresh snow at dawn, seen from a drone that follows it",
    "model": "bytedance/seedance-2-mini",
    "file": "/clips/the-fox-of-november.mp4",
    "cost": 12,
    "host": "https://modkie.com",
}


def shown(screen: int, *jobs: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the columns, and each row as a table prints it."""
    rows, columns = fit([{**JOB, **job} for job in jobs], screen, NOW)
    cells = [["" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    widths = [max(map(width, column)) for column in zip(*[columns, *cells], strict=True)]
    lines = [
        "  ".join(text + " " * (most - width(text)) for text, most in zip(row, widths, strict=True))
        for row in cells
    ]
    return columns, [line.rstrip() for line in lines]


@pytest.mark.parametrize("screen", [80, 100, 120, 200])
@pytest.mark.parametrize("prompt", [JOB["prompt"], "狐" * 90, "x", None])
def test_a_row_fits_the_screen(screen: int, prompt: str | None) -> None:
    _, lines = shown(screen, {"prompt": prompt}, {"host": "https://other.example"})

    assert all(width(line) <= screen for line in lines)


def test_the_prompt_is_cut_before_a_column_goes() -> None:
    wide, narrow = shown(120, {}), shown(80, {})

    assert wide[0] == ["ref", "when", "state", "action", "model", "cost", "file", "prompt"]
    assert wide[1][0].endswith("…of-november.mp4  a red fox runs through fresh…")
    assert narrow[0] == ["ref", "when", "state", "action", "file", "prompt"]
    assert narrow[1][0].endswith("…of-november.mp4  a red fox ru…")


def test_what_no_job_has_takes_no_room() -> None:
    columns, _ = shown(80, {"file": None, "cost": None, "model": None})

    assert columns == ["ref", "when", "state", "action", "prompt"]


@pytest.mark.parametrize(
    ("ago", "expected"),
    [(0, "15:00"), (DAY, "Mon 15:00"), (6 * DAY, "Nov 25"), (400 * DAY, "2025-10-27")],
)
def test_a_time_is_short(ago: float, expected: str) -> None:
    assert short_time(NOW - ago, NOW) == expected


@pytest.mark.parametrize(
    ("text", "ago"), [("30m", 1800), ("2h", 7200), ("2d", 2 * DAY), ("2026-11-30", 1.625 * DAY)]
)
def test_a_time_may_be_an_age_or_a_date(text: str, ago: float) -> None:
    assert parse_since(text, NOW) == NOW - ago


@pytest.mark.parametrize("text", ["2", "d", "-1d", "yesterday", "2026-13-01", "2d2h"])
def test_another_text_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        parse_since(text, NOW)
