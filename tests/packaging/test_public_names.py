"""What `callsheet` exports is written down, so that no public name comes or goes unnoticed."""

from __future__ import annotations

from pathlib import Path

import callsheet

WRITTEN = Path(__file__).with_name("public_names.txt").read_text("utf-8").split()


def test_the_public_names_are_those_written_down() -> None:
    assert sorted(callsheet.__all__) == WRITTEN
    assert len(set(WRITTEN)) == len(WRITTEN)


def test_every_public_name_is_there() -> None:
    assert [name for name in callsheet.__all__ if getattr(callsheet, name, None) is None] == []
    assert WRITTEN
