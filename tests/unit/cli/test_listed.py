"""A kept list counts only while nothing that it was made from has changed."""

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


def test_rows_are_given_back_until_the_catalogue_changes(tmp_path: Path) -> None:
    cache = CatalogueCache(str(tmp_path))
    cache.store(Catalogue(HOST, 0.0, (), {}))
    actions.store_list(context(tmp_path), ROWS, "a\t\n")

    found = actions.stored_list(context(tmp_path))
    assert found is not None
    assert (found.rows(), found.piped) == (ROWS, "a\t\n")
    assert actions.stored_list(context(tmp_path, "other")) is None
    os.utime(cache.path(HOST), (1, 1))
    assert actions.stored_list(context(tmp_path)) is None


def test_without_a_catalogue_or_with_a_damaged_list_there_is_none(tmp_path: Path) -> None:
    actions.store_list(context(tmp_path), ROWS, "a\t\n")
    assert actions.stored_list(context(tmp_path)) is None
    cache = CatalogueCache(str(tmp_path))
    cache.store(Catalogue(HOST, 0.0, (), {}))
    actions.store_list(context(tmp_path), ROWS, "a\t\n")
    (tmp_path / f"{cache.path(HOST)}.rows").write_text("{", "utf-8")
    assert actions.stored_list(context(tmp_path)) is None
