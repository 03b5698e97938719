"""Every command and every exit code as a person meets it, in files that can be read."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from cli import tree_of
from cli.stage import CommandStage
from cli.transcript import NAMES, load, runs, save, steps
from faults.forge import forge
from program import Program

from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.forge import Forge

    from callsheet_sandbox.server import Running

UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 130, 143}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serve(Options(speed="fast", keys=("sk-sandbox-0123456789",))) as running:
        yield running


@pytest.fixture(scope="module")
def known(generated: Path, server: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folders of a program that logged in."""
    home = tmp_path_factory.mktemp("known") / "home"
    program = Program(generated, home, home.parent)
    done = program.run("login", "--host", server.url, "--api-key", server.key)
    assert done.code == 0, done.stderr
    return home


@pytest.fixture(scope="module")
def warm_client(generated: Path, known: Path) -> Iterator[Forge]:
    """Give the process from which those of the generated program are forked."""
    environ = Program(generated, known, known).environ()
    roots = [environ["PYTHONPATH"], *map(os.path.abspath, filter(None, sys.path))]
    environ["PYTHONPATH"] = os.pathsep.join(roots)
    with forge(known.parent / "forge", environ) as process:
        yield process


@pytest.fixture
def stage(
    generated: Path, known: Path, server: Running, warm_client: Forge, tmp_path: Path
) -> Iterator[CommandStage]:
    """Give the program logged in, in an empty folder, before a server without a past."""
    (tmp_path / "here").mkdir()
    shutil.copytree(known, tmp_path / "home")
    server.reset()
    program = Program(generated, tmp_path / "home", tmp_path / "here")
    yield CommandStage(program, server, warm_client)
    server.clear_faults()


def is_document(text: str) -> bool:
    """Whether a text is one JSON document."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="module")
def actions(generated: Path, known: Path) -> set[tree_of.Path]:
    """Give the commands that are the server's actions."""
    listed = Program(generated, known, known.parent).run("actions", "list", "--json").json
    return {tuple(row["command"].split()) for row in listed if row["command"]}


@pytest.mark.parametrize("name", NAMES)
def test_it_reads_as_written(name: str, stage: CommandStage, actions: set[tree_of.Path]) -> None:
    written = load(name)
    found = stage.play(steps(written))
    if UPDATE:
        save(name, found)
        written = found
    promised = [d for d in stage.played if tree_of.gives_document(d.words, d.environ, actions)]

    assert [d.words for d in promised if not is_document(d.out)] == []
    assert found == written


def test_every_exit_code_has_a_transcript() -> None:
    assert {step.code for step in runs()} == CODES


def test_every_command_has_a_transcript(actions: set[tree_of.Path]) -> None:
    said = {tree_of.path_of(step.text.split(), actions) for step in runs()}

    assert sorted({*tree_of.own(), *tree_of.writers(), *actions} - said) == []


@pytest.mark.parametrize("failed", [False, True])
def test_every_command_whose_result_is_data_has_one_that(
    actions: set[tree_of.Path], failed: bool
) -> None:
    covered = {
        tree_of.path_of(step.text.split(), actions)
        for step in runs()
        if bool(step.code) is failed and tree_of.gives_document(step.text.split(), {}, actions)
    }
    builtin = {path for path, command in tree_of.own().items() if command.emits_json}

    assert sorted({*builtin, *actions} - covered) == []
