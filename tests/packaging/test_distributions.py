"""Wheel and sdist hold what the tree holds: three packages, their data and nothing else."""

from __future__ import annotations

import re
import tarfile
import zipfile
from typing import TYPE_CHECKING

from packing import ROOT, VERSION

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = {
    "callsheet": "runtime/callsheet",
    "callsheet_codegen": "codegen/callsheet_codegen",
    "callsheet_sandbox": "sandbox/callsheet_sandbox",
    "callsheet_codegen/templates": "templates",
}
INFO = f"callsheet-{VERSION}.dist-info"


def in_tree() -> set[str]:
    """Return the names that the wheel should have, read from the folders of the tree."""
    return {
        f"{package}/{path.relative_to(ROOT / folder).as_posix()}"
        for package, folder in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def in_wheel(wheel: Path) -> dict[str, int]:
    """Return name → CRC of the files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {member.filename: member.CRC for member in archive.infolist()}


def test_the_wheel_is_the_three_packages(wheel: Path) -> None:
    names = {name for name in in_wheel(wheel) if not name.startswith(INFO)}

    assert names == in_tree()
    assert {name.partition("/")[0] for name in names} == {
        "callsheet",
        "callsheet_codegen",
        "callsheet_sandbox",
    }


def test_the_wheel_holds_the_types_the_templates_and_the_catalogue(wheel: Path) -> None:
    names = set(in_wheel(wheel))
    packages = {name for name in FOLDERS if "/" not in name}

    assert {name.partition("/")[0] for name in names if name.endswith("/py.typed")} == packages
    assert [name for name in names if name.endswith(".py.jinja")]
    assert "callsheet_sandbox/catalogue/ai.video.generate.json" in names
    assert [name for name in names if name.startswith("callsheet_sandbox/dialects/")]
    assert "callsheet/ads.json" in names


def test_the_wheel_names_two_programs_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.read(f"{INFO}/entry_points.txt").decode()
        licence = archive.read(f"{INFO}/licenses/LICENSE")

    assert [line for line in entries.split("\n")[1:] if line] == [
        "ads = callsheet.launcher:main",
        "callsheet = callsheet.cli.callsheet:main",
    ]
    assert licence == (ROOT / "LICENSE").read_bytes()


def test_the_page_of_an_index_shows_words_and_no_broken_picture(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        head, _, text = archive.read(f"{INFO}/METADATA").decode().partition("\n\n")

    assert "\nKeywords: " in head
    assert text.startswith("# Callsheet")
    assert re.findall(r"!\[[^\]]*\]\((?!https://)", text) == []


def test_the_sdist_makes_the_same_wheel(wheel: Path, dist: Path) -> None:
    assert in_wheel(next(dist.glob("*.whl"))) == in_wheel(wheel)


def test_the_sdist_can_be_worked_in(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    first = {name.partition("/")[0] for name in names}

    assert {"Makefile", "pyproject.toml", "README.md", "ARCHITECTURE.md", "LICENSE"} <= names
    assert {"scripts/demo.py", "constraints/all.txt", ".ci/run"} <= names
    assert {"tests", "docs", "templates", "generated"} <= first
    assert {".venv", ".venv-min", ".demo", ".sandbox", "output", "dist", ".git"} & first == set()
