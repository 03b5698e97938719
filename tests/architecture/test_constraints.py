"""The lists of packages hold hashes, agree with each other and name no place to fetch from."""

from __future__ import annotations

import re
import tomllib

import pytest
from architecture.tree import ROOT

LISTS = ("all", "base", "pip")
PIN = re.compile(r"([a-z0-9.-]+)==([^\s;\\]+)(?: ; [^\\]+)?(?: \\)?")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
ABSENT_FROM_BASE = {"jinja2", "datamodel-code-generator", "ruff", "starlette", "uvicorn", "av"}


def problems(text: str) -> list[str]:
    """Return the lines that are neither a pin nor a hash, and the pins without a hash."""
    lines, bare = [], ""
    for line in text.splitlines():
        if HASH.fullmatch(line):
            bare = ""
        elif PIN.fullmatch(line):
            lines += [bare] if bare else []
            bare = line
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines + ([bare] if bare else [])


def pins(name: str) -> dict[str, set[str]]:
    """Return package → versions (one a marker) of a list."""
    versions: dict[str, set[str]] = {}
    for line in (ROOT / f"constraints/{name}.txt").read_text("utf-8").splitlines():
        if pin := PIN.fullmatch(line):
            versions.setdefault(pin[1], set()).add(pin[2])
    return versions


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.com/simple",
        "--find-links wheels",
        "x @ https://example.com/x.whl",
        "./x.whl",
        "-e .",
        "x>=1",
        "x==1",
        "x==1 ; python_version < '3.12'",
    ],
)
def test_a_line_that_is_no_hashed_pin_is_noticed(line: str) -> None:
    assert problems(line + "\n") == [line]


@pytest.mark.parametrize("name", LISTS)
def test_lists_hold_hashed_pins_alone(name: str) -> None:
    text = (ROOT / f"constraints/{name}.txt").read_text("utf-8")

    assert problems(text) == []
    assert "://" not in text
    assert pins(name)


def test_there_are_no_other_lists() -> None:
    assert {path.stem for path in (ROOT / "constraints").iterdir()} == set(LISTS)


def test_base_is_a_part_of_all_and_has_no_extra() -> None:
    everything, base = pins("all"), pins("base")

    assert {name: versions for name, versions in base.items() if versions != everything[name]} == {}
    assert set(base) & ABSENT_FROM_BASE == set()
    assert set(everything) >= ABSENT_FROM_BASE


def test_the_lists_name_all_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    base = {requirement_name(text) for text in project["dependencies"]}
    extras = {
        requirement_name(text)
        for texts in project["optional-dependencies"].values()
        for text in texts
    }

    assert base - set(pins("base")) == set()
    assert extras - set(pins("all")) == {"callsheet"}


def requirement_name(text: str) -> str:
    """Return the normalised name that a requirement starts with."""
    name = re.split(r"[^\w.-]", text, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()
