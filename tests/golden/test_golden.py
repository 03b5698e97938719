"""What is written for each catalogue is what the case's folder says, whatever the order."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from golden.cases import CASES, load, tree

import callsheet
from callsheet_codegen.config import LOCK

if TYPE_CHECKING:
    from callsheet_codegen.models.pool import Modeller

RUNTIME = Path(callsheet.__file__).parents[1]
SCRIPT = Path(__file__).with_name("typed_script.py")
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


@pytest.mark.parametrize("name", CASES)
def test_it_is_as_expected(name: str, tmp_path: Path, modeller: Modeller) -> None:
    case = load(name)
    case.generate(tmp_path, modeller)
    if UPDATE:
        shutil.rmtree(case.expected, ignore_errors=True)
        shutil.copytree(tmp_path, case.expected)
        (case.expected / LOCK).write_text(tree(tmp_path)[LOCK], "utf-8")

    written, expected = tree(tmp_path), tree(case.expected)

    assert sorted(written) == sorted(expected)
    for path in expected:
        assert written[path] == expected[path], path


@pytest.mark.parametrize("name", CASES)
def test_twice_and_shuffled_it_writes_nothing(
    name: str, tmp_path: Path, modeller: Modeller
) -> None:
    case = load(name)
    first = case.generate(tmp_path, modeller)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = case.generate(tmp_path, modeller, backwards=True)

    assert len(first.plan.writes) == first.files + 1
    assert again.plan.steps == ()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times


@pytest.mark.parametrize("name", CASES)
def test_everything_imports(name: str) -> None:
    package = load(name).expected / f"{name}_client"
    modules = [
        ".".join(path.relative_to(package.parent).with_suffix("").parts)
        for path in package.rglob("*.py")
        if path.name != "__main__.py"
    ]
    program = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    roots = os.pathsep.join((str(RUNTIME), str(package.parent)))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *modules],
        env={**os.environ, "PYTHONPATH": roots, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert len(modules) > 5


@pytest.mark.parametrize("name", CASES)
def test_no_line_is_too_long(name: str) -> None:
    modules = list(load(name).expected.rglob("*.py"))
    lengths = {path.name: max(map(len, path.read_text("utf-8").split("\n"))) for path in modules}

    assert {module: length for module, length in lengths.items() if length > 100} == {}
    assert len(modules) > 5


def test_mypy_strict_finds_nothing(tmp_path: Path) -> None:
    for name in CASES:
        package = f"{name}_client"
        shutil.copytree(load(name).expected / package, tmp_path / package)
    shutil.copy(SCRIPT, tmp_path)
    words = ["--strict", "--follow-imports=silent", "--explicit-package-bases", "--no-incremental"]
    packages = [word for name in CASES for word in ("-p", f"{name}_client")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", *words, *packages, "-m", SCRIPT.stem],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": os.pathsep.join((str(RUNTIME), str(tmp_path)))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines()[-1:] != []
    assert "Success: no issues found" in done.stdout, done.stdout


def test_basedpyright_strict_finds_nothing(tmp_path: Path) -> None:
    shutil.copytree(load("nested").expected, tmp_path / "client")
    shutil.copytree(load("plain").expected / "plain_client", tmp_path / "client/plain_client")
    (tmp_path / "use.py").write_text(USE, "utf-8")
    shutil.copy(SCRIPT, tmp_path)
    config = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "extraPaths": [str(RUNTIME), str(tmp_path / "client")],
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "-p", str(tmp_path), "--pythonpath", sys.executable],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "0 errors, 0 warnings" in done.stdout, done.stdout


def test_the_script_uses_every_public_name() -> None:
    names = set(re.findall(r"\w+", SCRIPT.read_text("utf-8")))

    assert set(callsheet.__all__) - names == set()


USE = '''"""How a user writes against the client; a wrong type here must be an error."""

from nested_client import AsyncClient, Client
from nested_client.models import FilmCutInput


def run() -> str:
    with Client() as client:
        return cut(client) + (client.film.cut(shots=[]).data.state)


def cut(client: Client) -> str:
    result = client.film.cut(shots=[{"from": 0, "to": 1}], quality=None, speed="auto")
    again = client.call("film.cut", FilmCutInput(shots=[]))
    return result.data.state + again.data.state


async def cut_async(client: AsyncClient) -> int | None:
    result = await client.film.cut(shots=[], camera={"pan": 1.5})
    parts = result.data.parts or []
    return parts[0].size
'''
