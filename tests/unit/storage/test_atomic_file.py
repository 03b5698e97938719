"""A small file is replaced whole, for its owner alone, and no part of it stays behind."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from callsheet.storage.atomic_file import replace_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_whole(tmp_path: Path, *, durable: bool) -> None:
    path = tmp_path / "deep" / "file"
    replace_file(str(path), "old", durable=durable)
    replace_file(str(path), b"\xffnew", durable=durable)

    assert path.read_bytes() == b"\xffnew"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["file"]


def test_a_failure_leaves_no_part_behind(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match=r"."):
        replace_file(str(tmp_path / "file"), "text")

    assert os.listdir(tmp_path) == ["file"]
