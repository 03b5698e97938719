"""A part of every class through the whole chain; ``make hostile`` runs all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hostile.addresses import addresses
from hostile.campaign import Run
from hostile.cases import BENIGN, CLASSES, CORPUS, Case, load
from hostile.chance import schemas
from hostile.gates import gates
from hostile.make import corpus
from hostile.reading import faults
from hostile.screen import moved
from hostile.timing import slow
from hostile.voices import voices

from callsheet.catalog.snapshot import Snapshot
from callsheet.config.overlay import Overlay
from callsheet.spec import Advertised
from callsheet_codegen import build
from callsheet_codegen.models.pool import ModelSource

if TYPE_CHECKING:
    from pathlib import Path

LEAST = {
    "bombs": 11,
    "breakouts": 31 * 33,
    "gate": 50,
    "identifiers": 200,
    "names": 100,
    "patterns": 20,
    "references": 90,
    "structures": 150,
    "terminal": 250,
}


def sample(kind: str, step: int) -> list[Case]:
    """Some cases of a class, spread over all of it."""
    return load(kind)[step // 2 :: step]


def test_the_corpus_is_what_the_script_makes() -> None:
    found = {
        path.relative_to(CORPUS).as_posix(): path.read_text("utf-8")
        for path in CORPUS.rglob("*.json")
    }

    assert found == corpus()


def test_every_class_is_large_enough() -> None:
    counts = {kind: len(load(kind)) for kind in CLASSES}

    assert set(counts) == set(LEAST)
    assert {kind: count for kind, count in counts.items() if count < LEAST[kind]} == {}


@pytest.mark.parametrize("asked", [False, True], ids=["listed", "asked"])
def test_the_chain_holds(asked: bool, tmp_path: Path) -> None:
    steps = {"breakouts": 20, "bombs": 1, "references": 9, "structures": 12, "names": 16}
    cases = [case for kind, step in steps.items() for case in sample(kind, step + asked)]
    cases += [*sample("identifiers", 10), *sample("terminal", 30), *schemas(20, seed=int(asked))]
    outcome = Run(tmp_path / "run", cases, asked=asked).everything()

    assert outcome.faults() == []
    assert len(cases) > 100
    assert len(outcome.told) > 10  # what could not be typed was told


@pytest.mark.parametrize("kind", CLASSES)
def test_nothing_takes_long(kind: str) -> None:
    cases = [] if kind == "gate" else load(kind) if kind == "patterns" else sample(kind, 12)

    assert [line for case in cases for line in slow(case)] == []
    assert cases or kind == "gate"


def test_the_gate_holds(tmp_path: Path) -> None:
    assert gates(load("gate"), tmp_path).faults() == []


def test_ids_stay_one_segment(tmp_path: Path) -> None:
    assert addresses(sample("identifiers", 6), tmp_path).faults() == []


def test_every_command_is_inert(tmp_path: Path) -> None:
    cases = sample("terminal", 70)

    assert voices(cases, tmp_path).faults() == []
    assert len(cases) > 2


PLANTED = """
import os, socket, subprocess, sys
open(sys.argv[1] + "/canary", "w").close()
open("/etc/passwd").close()
subprocess.run(["true"])
os.system("true")
if os.fork() == 0:
    os._exit(0)
with socket.socket() as one:
    one.settimeout(0.1)
    try:
        one.connect(("127.0.0.1", 1))
    except OSError:
        pass
"""


def test_a_breach_is_noticed(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", sample("bombs", 6))
    run.python([PLANTED, str(run.here)], "planted.log", 20)
    run.events("planted.log", "none")
    run.check()
    found = run.outcome

    assert len(found.ran) == 4  # a program, a shell, a copy, a canary
    assert {line.partition(" ")[0] for line in found.outside} == {"write", "read", "here/canary"}
    assert found.sockets == ["('127.0.0.1', 1)"]
    assert len(found.lost) == len(BENIGN)


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from os import path",
        "x = eval('1')",
        "x = 1 # canary",
        "x = '\u202e'",
        "x = lambda: 1",
        "x = 'a'.__class__('b')",
        "\uff58 = 1",
    ],
)
def test_the_reading_notices(source: str) -> None:
    assert list(faults(source)) != []


def test_the_screen_notices() -> None:
    assert moved("plain → text\n") == []
    for text in ("\x1b]0;t\x07", "\x1b[2J", "\x9b2J", "\u202e", "\x07", "\x1b[?25l", "a\rb"):
        assert moved(f"é{text}") != []


def test_names_do_not_depend_on_the_order() -> None:
    cases = load("names")
    actions = [
        Advertised(id=case.id, input=json.loads(case.listed())["inputSchema"]) for case in cases
    ]
    names = build.PackageNames(package="a", command="a", env="A")
    first, second = (
        build.Building(
            Snapshot("s", tuple(entries)),
            Overlay(),
            names,
            modeller=lambda requests: dict.fromkeys(requests, ModelSource()),
        ).finish()
        for entries in (actions, actions[::-1])
    )

    assert first == second
    assert first.project == second.project
    assert len(first.given.commands) > 50
