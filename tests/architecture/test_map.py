"""ARCHITECTURE.md stays short and names files that exist; `make map` lists every module."""

from __future__ import annotations

import re
import subprocess
import sys

from architecture.tree import PACKAGES, ROOT, modules

PAGE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
LONGEST_PAGE = 200
FOLDERS = (ROOT, *PACKAGES.values())


def missing_files(text: str) -> list[str]:
    """Return the files in code quotes that exist neither in the root nor in a package."""
    names = re.findall(r"`([\w/-]+\.(?:py|toml|md))`", text)
    return [name for name in names if not any((folder / name).exists() for folder in FOLDERS)]


def test_a_missing_file_is_noticed() -> None:
    assert missing_files("`flows/jobs.py` and `flows/no.py`") == ["flows/no.py"]


def test_the_page_is_short_and_names_what_exists() -> None:
    assert missing_files(PAGE) == []
    assert len(PAGE.splitlines()) <= LONGEST_PAGE
    assert len(re.findall(r"^\| .* \| `", PAGE, re.MULTILINE)) >= 25


def test_the_map_lists_every_module_with_what_it_does() -> None:
    command = [sys.executable, ROOT / "scripts/module_map.py"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    listed = set(re.findall(r"^  (\S+)  +\S.*\.$", printed, re.MULTILINE))
    existing = {
        path.relative_to(folder).as_posix()
        for folder in PACKAGES.values()
        for path in modules(folder)
        if path.name != "__init__.py"
    }

    assert listed == existing
