"""Waiting for a lock is told once and comes to an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callsheet.storage.atomic_file import PATIENCE, Busy, attempts, locked_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_the_wait_is_told_once_and_ends() -> None:
    messages: list[str] = []
    naps: list[float] = []
    tries = attempts("x", step=0.5, say=messages.append, sleep=naps.append)
    assert [bool(messages) for _ in zip(range(5), tries, strict=False)] == [False] * 4 + [True]
    with pytest.raises(Busy, match="x is locked by another program") as caught:
        list(tries)
    assert messages == ["waiting for x: another program has locked it"]
    assert sum(naps) == PATIENCE
    assert caught.value.exit_code == 2


def test_a_folder_is_locked_in_silence_and_for_others(tmp_path: Path) -> None:
    messages: list[str] = []
    with locked_folder(str(tmp_path), messages.append):
        assert not messages
        with pytest.raises(Busy), locked_folder(str(tmp_path), messages.append, lambda _: None):
            pass
    with locked_folder(str(tmp_path), messages.append):
        assert len(messages) == 1
