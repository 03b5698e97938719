"""docs/cli.md names every command, flag, variable, exit code and error code, and no other."""

from __future__ import annotations

import ast
import functools
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli.test_transcripts import CODES
from docs.cli_tables import PAGE, renew
from program import ROOT

from callsheet.cli.callsheet import SUBCOMMANDS
from callsheet.cli.context import Context
from callsheet.cli.main import guarded
from callsheet.config.bindings import Bindings
from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNTIME = ROOT / "runtime" / "callsheet"
GENERATOR = ROOT / "codegen" / "callsheet_codegen"
# What carries the code of an error to where the error is made.
CARRIERS = {"Refusal"}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading."""
    text = PAGE.read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[2:]]


def named(heading: str) -> set[str]:
    """Return the words in code type of the first column under a heading."""
    return {word for row in rows(heading) for word in re.findall(r"`([^`]+)`", row[0])}


def test_commands_and_flags_are_those_of_the_program() -> None:
    written = PAGE.read_text("utf-8")
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(renew(written), "utf-8")
        written = PAGE.read_text("utf-8")

    assert written == renew(written)


def test_exit_codes_are_all_there() -> None:
    assert {int(word) for word in named("Exit codes")} == CODES


@functools.cache
def error_codes() -> frozenset[tuple[str, str]]:
    """Return each code that stands where an error is made, with the name of the error."""
    return frozenset(_error_codes())


def _error_codes() -> Iterator[tuple[str, str]]:
    errors = CARRIERS | {kind.__name__ for kind in kinds()}
    for path in [*RUNTIME.rglob("*.py"), *GENERATOR.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                codes = [word.value for word in node.keywords if word.arg == "code"]
                for constant in codes:
                    if isinstance(constant, ast.Constant) and constant.value and name in errors:
                        yield str(constant.value), name


def kinds(top: type[CallsheetError] = CallsheetError) -> Iterator[type[CallsheetError]]:
    """Give every kind of error that the runtime has."""
    yield top
    for below in top.__subclasses__():
        yield from kinds(below)


def test_error_codes_are_all_there() -> None:
    for module in pkgutil.walk_packages([str(RUNTIME)], "callsheet."):
        importlib.import_module(module.name)
    own = {kind.code for kind in kinds() if kind.__module__.startswith("callsheet.")}

    assert named("Error codes") == own | {code for code, _ in error_codes()}


@pytest.mark.parametrize("row", rows("Error codes"), ids=lambda row: row[0].strip())
def test_an_error_code_ends_with_the_exit_code_of_its_kind(row: list[str]) -> None:
    code = row[0].strip(" `")
    by_name = {kind.__name__: kind for kind in kinds()}
    ends = {kind.exit_code for kind in kinds() if kind.code == code}
    ends |= {
        by_name[name].exit_code for used, name in error_codes() if used == code and name in by_name
    }

    assert ends <= {int(word) for word in re.findall(r"\d+", row[1])} <= CODES


class RecordingEnviron(dict[str, str]):
    """An environment that remembers what was asked for."""

    def __init__(self, *variables: dict[str, str]) -> None:
        super().__init__(*variables)
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # one default is enough here
        self.names.add(name)
        return super().get(name, default)


def test_variables_are_all_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = RecordingEnviron({"HOME": str(tmp_path)})
    monkeypatch.setattr("callsheet.config.settings.Variables", lambda variables: variables)
    bindings = Bindings(package="", command="ads", env="ADS", source="")
    for words in (["config", "list"], ["login", "--host", "http://127.0.0.1:9"], ["doctor"]):
        guarded(Context(bindings, words, environ), words)
    text = "".join(path.read_text("utf-8") for path in RUNTIME.rglob("*.py"))
    literals = set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", text))
    read = {
        name.upper() for name in environ.names | literals if not name.startswith(("_", "COMP_"))
    }

    assert read - named("Environment") == set()
    assert {name for name in named("Environment") if name.startswith("ADS_")} - read == set()


@pytest.mark.parametrize("word", SUBCOMMANDS)
def test_flags_of_the_writer_are_all_there(word: str) -> None:
    code = f"from callsheet.cli.callsheet import main; main([{word!r}, '--help'])"
    roots = [str(ROOT / name) for name in ("runtime", "codegen", "sandbox")]
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(roots), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    listed = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", process.stdout, re.M)
    (row,) = [
        row for row in rows("The writer") if row[0].strip(" `").startswith(f"callsheet {word}")
    ]

    assert listed
    assert set(re.findall(r"--[a-z-]+", row[2])) == {*listed} - {"--help"}
