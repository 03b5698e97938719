"""The way in prints stored pages and the version on os and sys alone."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from callsheet.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

RUN = """
import sys, demo_client
before = set(sys.modules)
from callsheet.launcher import main
code = main("demo_client", "demo", "DEMO", sys.argv[1:])
sys.stderr.write(repr(sorted(set(sys.modules) - before)))
sys.exit(code)
"""
HEAVY = {"click", "httpx", "json", "pathlib", "re", "dataclasses", "pydantic", "jsonschema", "rich"}


@pytest.fixture
def client(tmp_path: Path) -> Path:
    package = tmp_path / "demo_client"
    (package / "help").mkdir(parents=True)
    (package / "__init__.py").write_text("", "utf-8")
    (package / "help" / "_.txt").write_text("the program\n", "utf-8")
    (package / "help" / "video.generate.txt").write_text("the page, é\n", "utf-8")
    (tmp_path / "secret.txt").write_text("elsewhere", "utf-8")
    return tmp_path


def run(client: Path, *words: str) -> tuple[int, str, set[str]]:
    paths = [str(client), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        env={"PYTHONPATH": ":".join(paths), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    modules = done.stderr.rpartition("\n")[2]
    return done.returncode, done.stdout, set(modules.strip("[]").replace("'", "").split(", "))


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ([], "the program\n"),
        (["--help"], "the program\n"),
        (["video", "generate", "--help"], "the page, é\n"),
        (["video", "generate", "-h"], "the page, é\n"),
        (["--version"], f"demo {__version__}\n"),
        (["version"], f"{__version__}\n"),
    ],
)
def test_pages_need_no_more_than_os_and_sys(client: Path, words: list[str], page: str) -> None:
    code, told, modules = run(client, *words)

    assert (code, told) == (0, page)
    assert modules & HEAVY == set()
    assert "callsheet.launcher" in modules


@pytest.mark.parametrize("words", [["../../secret"], ["video.generate"], ["video/generate"], [""]])
def test_a_word_is_no_path(client: Path, words: list[str]) -> None:
    _, told, _ = run(client, *words, "--help")

    assert "elsewhere" not in told
    assert "the page" not in told
