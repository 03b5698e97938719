"""Raw replies are kept whole, under safe names, for their owner alone."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from callsheet.storage.kept_replies import keep_reply

if TYPE_CHECKING:
    from pathlib import Path


def test_a_reply_is_kept_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    body = b"\x00\xff" * 500_000
    path = keep_reply(str(tmp_path / "state"), "ref-1", body)
    assert path == str(tmp_path / "state" / "replies" / "ref-1")
    with open(path, "rb") as file:
        assert file.read() == body
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(tmp_path / "state" / "replies") == ["ref-1"]


@pytest.mark.parametrize("name", ["../../x", "a/b", "..", "", "x" * 300, "a\x1b[2J", "é"])
def test_a_name_of_a_server_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    path = keep_reply(str(tmp_path), name, b"{}")
    assert os.path.dirname(path) == str(tmp_path / "replies")
    assert os.listdir(tmp_path) == ["replies"]


def test_how_a_reply_was_read_stands_beside_it(tmp_path: Path) -> None:
    path = keep_reply(str(tmp_path), "ref-1", b"{}", ("state: chosen: /a = b", "why not"))
    with open(f"{path}.why", encoding="utf-8") as file:
        assert file.read() == "state: chosen: /a = b\nwhy not\n"
    assert stat.S_IMODE(os.stat(f"{path}.why").st_mode) == 0o600


def test_names_that_differ_stay_apart(tmp_path: Path) -> None:
    paths = {keep_reply(str(tmp_path), name, b"") for name in ("a/b", "a?b", "a_b", "")}
    assert len(paths) == 4


def test_a_folder_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "replies").write_text("a file")
    assert keep_reply(str(tmp_path), "ref-1", b"{}") == ""
