"""The upkeep of a client in small: what a refresh requests and writes, killed runs, same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift import thousand
from fidelity.tally import faults

if TYPE_CHECKING:
    from pathlib import Path


def test_a_refresh_asks_and_writes_little(tmp_path: Path) -> None:
    rows = thousand.upkeep(tmp_path, 60)

    assert faults(rows) == ""
    assert [row.tried for row in rows] == [1, 4, 3, 1, 4]


def test_a_killed_run_leaves_one_whole_tree(tmp_path: Path) -> None:
    row = thousand.kills(tmp_path, 12)

    assert faults([row]) == ""
    assert row.tried == thousand.KILLS


def test_a_torn_tree_is_noticed(tmp_path: Path) -> None:
    package = tmp_path / "torn" / thousand.dying.PACKAGE
    thousand.dying.publish_tree(tmp_path / "torn", "new", 4)
    (package / "client.py").write_text("old")

    assert "a mix" in thousand.torn(tmp_path / "torn", 4)


def test_seeds_locales_zones_and_orders_give_the_same_bytes(tmp_path: Path) -> None:
    row = thousand.same_bytes(tmp_path, 11)

    assert faults([row]) == ""
    assert row.tried == 5
