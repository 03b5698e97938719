"""A stored list counts only while nothing that it was made from has changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from callsheet.catalog.snapshot import Catalogue
from callsheet.catalog.store import CatalogueCache
from callsheet.cli.commands import actions
from callsheet.cli.context import Context
from callsheet.config.bindings import Bindings

if TYPE_CHECKING:
    from pathlib import Path

HOST = "https://ads.example"
ROWS = [{"id": "a", "command": None}]


def context(folder: Path, prog: str = "ads") -> Context:
    environ = {"ADS_HOST": HOST, "ADS_CACHE_DIR": str(folder), "ADS_CONFIG_DIR": str(folder)}
    return Context(Bindings(command=prog, env="ADS"), (), environ)


def test_rows_are_returned_until_the_catalogue_changes(tmp_path: Path) -> None:
    cache = CatalogueCache(str(tmp_path))
    cache.store(Catalogue(HOST, 0.0, (), {}))
    actions.store_rows(context(tmp_path), ROWS)

    assert actions.stored_rows(context(tmp_path)) == ROWS
    assert actions.stored_rows(context(tmp_path, "other")) is None
    os.utime(cache.path(HOST), (1, 1))
    assert actions.stored_rows(context(tmp_path)) is None


def test_there_are_no_rows_without_a_catalogue_or_in_a_damaged_file(tmp_path: Path) -> None:
    actions.store_rows(context(tmp_path), ROWS)
    assert actions.stored_rows(context(tmp_path)) is None
    cache = CatalogueCache(str(tmp_path))
    cache.store(Catalogue(HOST, 0.0, (), {}))
    actions.store_rows(context(tmp_path), ROWS)
    (tmp_path / f"{cache.path(HOST)}.rows").write_text("{", "utf-8")
    assert actions.stored_rows(context(tmp_path)) is None


def test_rows_made_with_a_forced_reading_are_not_stored(tmp_path: Path) -> None:
    CatalogueCache(str(tmp_path)).store(Catalogue(HOST, 0.0, (), {}))
    forced = context(tmp_path)
    forced.flags["set"] = "list=data"
    actions.store_rows(forced, ROWS)

    assert actions.stored_rows(context(tmp_path)) is None
