"""The clock of this machine beside that of a server."""

from __future__ import annotations

import pytest

from callsheet.cli.commands.doctor import skew

NOON = 1_770_033_600.0


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Mon, 02 Feb 2026 12:00:00 GMT", 0.0),
        ("Mon, 02 Feb 2026 12:05:00 GMT", 300.0),
        ("Mon, 02 Feb 2026 11:58:20 GMT", -100.0),
        ("yesterday", None),
        ("", None),
    ],
)
def test_how_far_the_clock_is_behind(date: str, seconds: float | None) -> None:
    assert skew(date, NOON) == seconds
