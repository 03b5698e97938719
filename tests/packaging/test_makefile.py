"""The words of make, and the Python that it finds."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from packing import ROOT, clean_environ, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def planned(tmp_path: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """Return the commands that make would run."""
    done = run(["make", "-n", *words], env=clean_environ(tmp_path, env), cwd=ROOT)
    assert done.code == 0, done.err
    return done.out


@needs_make
def test_make_alone_lists_every_word_with_its_job(tmp_path: Path) -> None:
    words = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    done = run(["make"], env=clean_environ(tmp_path), cwd=ROOT)
    lines = [re.fullmatch(r"make ([a-z]+) +(\S.+)", line) for line in done.out.splitlines()]

    assert done.code == 0
    assert words is not None
    assert [line and line[1] for line in lines] == words[1].split()


@needs_make
def test_generate_takes_a_host_from_the_command_line(tmp_path: Path) -> None:
    typed = planned(tmp_path, "generate", "HOST=localhost:3000")
    exported = planned(tmp_path, "generate", env={"HOST": "https://ads.example"})

    assert "callsheet generate --host 'localhost:3000'\n" in typed
    assert "callsheet generate --host 'https://ads.example'\n" in exported


@needs_make
def test_generate_ignores_the_name_of_the_machine(tmp_path: Path) -> None:
    assert "--host" not in planned(tmp_path, "generate", env={"HOST": "laptop"})
    assert "--host" not in planned(tmp_path, "generate")


@needs_make
def test_check_can_leave_the_server_out(tmp_path: Path) -> None:
    assert "callsheet check --offline\n" in planned(tmp_path, "check", "OFFLINE=1")
    assert "--offline" not in planned(tmp_path, "check")


def test_check_asks_the_host_that_is_named(tmp_path: Path) -> None:
    line = "callsheet check --host 'https://a.example'"
    assert line in planned(tmp_path, "check", "HOST=https://a.example")


def find_python(tmp_path: Path, programs: Mapping[str, str], *words: str) -> tuple[int, str, str]:
    """Run the search where these programs, and the shell's own, are all there is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        (folder / name).chmod(0o755)
    (folder / "basename").symlink_to(shutil.which("basename") or "basename")
    script = ROOT / "scripts/find_python.sh"
    done = run(["/bin/sh", script, *words], env={"PATH": str(folder)}, cwd=tmp_path)
    return done.code, done.out, done.err


REAL = f'exec "{sys.executable}" "$@"'
OLD = "exit 1"
BARE = 'case "$2" in *ensurepip*) exit 1;; esac'


def test_the_newest_python_that_works_is_found(tmp_path: Path) -> None:
    programs = {"python3.14": BARE, "python3.12": REAL, "python3": REAL}

    assert find_python(tmp_path, programs) == (0, "python3.12\n", "")


def test_python3_will_do(tmp_path: Path) -> None:
    assert find_python(tmp_path, {"python3.11": OLD, "python3": REAL}) == (0, "python3\n", "")


def test_an_override_is_taken(tmp_path: Path) -> None:
    programs = {"python3.14": REAL, "mine": REAL}

    assert find_python(tmp_path, programs, "mine") == (0, "mine\n", "")


@pytest.mark.parametrize(
    ("programs", "words", "message"),
    [
        ({"python3": OLD}, [], "Python 3.11 or newer is missing"),
        ({"python3": REAL, "old": OLD}, ["old"], "PYTHON=old is not a Python 3.11 or newer"),
        ({"python3.11": BARE}, [], "install python3.11-venv"),
    ],
)
def test_what_is_missing_is_named_in_one_line(
    tmp_path: Path, programs: Mapping[str, str], words: list[str], message: str
) -> None:
    code, out, err = find_python(tmp_path, programs, *words)

    assert (code, out) == (1, "")
    assert message in err
    assert err.count("\n") == 1
