"""The module tables of ARCHITECTURE.md are the folders, and each line is the docstring."""

from __future__ import annotations

import re

import pytest
from architecture.measure import sentence
from architecture.tree import PACKAGES, ROOT, modules, shown

ROW = re.compile(r"^\|\s*`([\w/]+\.py)`\s*\|\s*(.+?)\s*\|\s*$")


def tables(text: str) -> dict[str, dict[str, str]]:
    """Return name → job for each heading that names a package folder in code quotes."""
    found: dict[str, dict[str, str]] = {}
    rows: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            named = re.search(r"`([\w/]+?)/?`", line)
            rows = found.setdefault(named[1], {}) if named else {}
        elif row := ROW.match(line):
            rows[row[1]] = row[2]
    return found


def plain(text: str) -> str:
    """Return a job without what a table and a docstring write differently."""
    text = " ".join(text.replace("`", "").replace("\\|", "|").split()).rstrip(".")
    return text[:1].lower() + text[1:]


def test_rows_are_read_under_the_heading_that_names_the_folder() -> None:
    text = "# X\n| `no.py` | lost |\n## Run (`a/b`)\n| module | job |\n|---|---|\n| `x.py` | do |\n"

    assert tables(text) == {"a/b": {"x.py": "do"}}


def test_case_of_the_first_letter_quotes_and_stop_do_not_count() -> None:
    assert plain("Read `x`.") == plain("read x")
    assert plain("read x") != plain("read y")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_table_is_the_folder(package: str) -> None:
    folder = PACKAGES[package]
    written = tables((ROOT / "ARCHITECTURE.md").read_text("utf-8")).get(shown(folder), {})
    jobs = {
        path.relative_to(folder).as_posix(): sentence(path.read_text("utf-8"))
        for path in modules(folder)
        if path.name != "__init__.py"
    }
    should_be = "\n".join(f"| `{name}` | {job} |" for name, job in jobs.items())

    assert {name: plain(job) for name, job in written.items()} == {
        name: plain(job) for name, job in jobs.items()
    }, f"under a heading with `{shown(folder)}` ARCHITECTURE.md should say:\n{should_be}"
    assert jobs
