"""The rules about actions that the wheel carries are this repository's."""

from __future__ import annotations

import json
import tomllib

from packing import ROOT

from callsheet.config.bindings import program_of
from callsheet_codegen.config import _PROJECT_KEYS, parse_overlay


def test_the_program_of_the_wheel_has_the_table_of_this_repository() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    table = project["tool"]["callsheet"]
    overlay = parse_overlay({key: table[key] for key in table if key not in _PROJECT_KEYS})
    carried = json.loads((ROOT / "runtime/callsheet/ads.json").read_text("utf-8"))

    assert carried == overlay.as_json(), "make generate writes it"
    assert program_of("", "ads", "ADS").overlay() == overlay
    assert (table["command"], table["env-prefix"]) == ("ads", "ADS")
