"""Times as they are typed."""

from __future__ import annotations

import pytest

from callsheet.cli.context import parse_duration
from callsheet.cli.output.formats import duration
from callsheet.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("600000", 600_000),
        ("1000", 1000),
        ("90s", 90_000),
        ("1.5s", 1500),
        ("10m", 600_000),
        ("1h", 3_600_000),
        ("20ms", 20),
        ("1500.4", 1500),
    ],
)
def test_times_are_read(text: str, expected: int) -> None:
    assert parse_duration(text) == expected


def test_a_small_bare_number_was_meant_as_seconds() -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration("600")

    assert caught.value.message == "--timeout: 600 is 0.6 s; did you mean 600s?"


@pytest.mark.parametrize("text", ["", "x", "-5s", "5d", "1e9", "5 s s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text)

    assert caught.value.flag == "--timeout"


def test_seconds_in_words() -> None:
    assert [duration(0.4), duration(59.9), duration(125)] == ["0 s", "59 s", "2 min 05 s"]
