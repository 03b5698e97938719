"""A written client uses public names alone and imports no more than each way through it needs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from architecture.imports import not_public

if TYPE_CHECKING:
    from architecture.conftest import WrittenClient

WAYS = tomllib.loads(Path(__file__).with_name("imports.toml").read_text("utf-8"))["ways"]
PROGRAM = "import sys; from ads_client.cli import main; sys.exit(main())"
LIBRARY = "import ads_client; ads_client.Client"
LINE = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s*([\w.]+)$", re.MULTILINE)


def imported(argv: list[str], written: WrittenClient) -> tuple[int, set[str]]:
    """Run Python with these words; return the exit code and the top names that it imported."""
    process = subprocess.run(
        [sys.executable, "-X", "importtime", *argv],
        env=written.environ,
        cwd=written.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, {name.partition(".")[0] for name in LINE.findall(process.stderr)}


def test_imports_are_noticed(written: WrittenClient) -> None:
    code, names = imported(["-c", "import json.decoder, sqlite3"], written)

    assert code == 0
    assert {"json", "sqlite3"} <= names


@pytest.mark.parametrize("way", WAYS)
def test_each_way_imports_no_more_than_it_needs(way: str, written: WrittenClient) -> None:
    words = WAYS[way]["words"]
    _, always = imported(["-c", "pass"], written)
    if "--help" in words:  # whose page is stored when it is first shown
        imported(["-c", PROGRAM, *words], written)
    code, names = imported(["-c", PROGRAM if words else LIBRARY, *words], written)

    assert code == WAYS[way]["exit"]
    assert sorted((names - always) & set(WAYS[way]["absent"])) == []
    assert "ads_client" in names


def test_written_modules_use_public_names_of_the_runtime(written: WrittenClient) -> None:
    problems_by_file = {
        path.name: not_public(path.read_text("utf-8"), "callsheet")
        for path in written.package.rglob("*.py")
    }

    assert {name: problems for name, problems in problems_by_file.items() if problems} == {}
    assert "__init__.py" in problems_by_file
