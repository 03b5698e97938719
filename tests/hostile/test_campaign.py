"""A part of every class through the whole chain; ``make hostile`` runs all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hostile.addresses import addresses
from hostile.campaign import CatalogueRun
from hostile.cases import BENIGN, CLASSES, CORPUS, MAKERS, Case, load
from hostile.chance import schemas
from hostile.gates import gates
from hostile.places import places
from hostile.reading import faults, rows, unclean
from hostile.screen import moved
from hostile.timing import slow
from hostile.together import together
from hostile.voices import voices

from callsheet.catalog.lock import Snapshot
from callsheet.config.overlay import Overlay
from callsheet.spec import Advertised
from callsheet_codegen.build import ProjectBuilder
from callsheet_codegen.config import LOCK, Config
from callsheet_codegen.models.pool import ModelSource

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNTS = {
    "bombs": 12,
    "breakouts": 31 * 33,
    "filenames": 61 * 4,
    "gate": 64,
    "identifiers": 240,
    "names": 144,
    "oversized": 60,
    "patterns": 20,
    "references": 97,
    "structures": 168,
    "surrogates": 33 * 4 + 4,
    "terminal": 272,
}


def sample(kind: str, step: int) -> Sequence[Case]:
    """Return some cases of a class, spread over all of it."""
    return load(kind)[step // 2 :: step]


def test_every_class_has_all_its_cases() -> None:
    cases = {kind: load(kind) for kind in CLASSES}

    assert {kind: len(entries) for kind, entries in cases.items()} == COUNTS
    assert sum(len({case.name for case in entries}) for entries in cases.values()) == 2480


def test_a_file_of_the_corpus_is_a_case_of_its_class() -> None:
    files = {(path.parent.name, path.stem) for path in CORPUS.rglob("*.json")}
    cases = {(kind, case.name) for kind in CLASSES for case in load(kind)}
    generated = {(kind, name) for kind, make in MAKERS.items() for name, _ in make()}

    assert files <= cases
    assert files.isdisjoint(generated)
    assert 0 < len(files) <= 100


@pytest.mark.parametrize("on_demand", [False, True], ids=["listed", "on_demand"])
def test_the_chain_holds(on_demand: bool, tmp_path: Path) -> None:
    steps = {"breakouts": 20, "bombs": 1, "references": 9, "structures": 12, "names": 16}
    cases = [case for kind, step in steps.items() for case in sample(kind, step + on_demand)]
    cases += [
        *sample("identifiers", 10),
        *sample("terminal", 30),
        *sample("filenames", 12),
        *sample("surrogates", 12),
        *schemas(20, seed=int(on_demand)),
    ]
    outcome = CatalogueRun(tmp_path / "run", cases, on_demand=on_demand).everything()

    assert outcome.faults() == []
    assert len(cases) > 100
    assert len(outcome.diagnostics) > 10  # what could not be typed has one


def test_what_is_oversized_costs_no_other_action(tmp_path: Path) -> None:
    names = ("description-words", "choice-numbers", "id-plain", "levels-fields", "property-quotes")
    cases = [case for case in load("oversized") if case.name in names]
    outcome = CatalogueRun(tmp_path / "run", cases, on_demand=True).everything()

    assert outcome.faults() == []
    assert len(cases) == len(names)


@pytest.mark.parametrize("kind", CLASSES)
def test_nothing_takes_long(kind: str) -> None:
    cases = () if kind == "gate" else load(kind) if kind == "patterns" else sample(kind, 12)

    assert [line for case in cases for line in slow(case)] == []
    assert cases or kind == "gate"


def test_runs_on_one_tree_take_turns(tmp_path: Path) -> None:
    count, outcome = together(tmp_path, 3)

    assert outcome.faults() == []
    assert count == 9


def test_odd_places_get_a_sentence(tmp_path: Path) -> None:
    count, outcome = places(tmp_path, 10)

    assert outcome.faults() == []
    assert count > 5


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
with socket.socket() as client:
    client.settimeout(0.1)
    try:
        client.connect(("127.0.0.1", 1))
    except OSError:
        pass
"""


def test_a_breach_is_noticed(tmp_path: Path) -> None:
    run = CatalogueRun(tmp_path / "run", sample("bombs", 6))
    run.python([PLANTED, str(run.here)], "planted.log", 20)
    run.events("planted.log", "none")
    run.check()
    outcome = run.outcome

    assert len(outcome.ran) == 4  # a program, a shell, a copy, a canary
    assert {line.partition(" ")[0] for line in outcome.outside} == {"write", "read", "here/canary"}
    assert outcome.sockets == ["('127.0.0.1', 1)"]
    assert len(outcome.lost) == len(BENIGN)


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


@pytest.mark.parametrize("name", ["conftest.py", "test_a.py", "json.py", "package.json"])
def test_the_reading_notices_a_name_of_other_tools(name: str, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / name).write_text("", "utf-8")

    assert unclean(tmp_path / "package") == [f"package/{name}: a file of other tools"]


@pytest.mark.parametrize("text", ["--x", "--x\ta\tb", "--x\ta\x1b[2J", "--x\ta\u202e"])
def test_the_reading_of_stored_flags_notices(text: str) -> None:
    assert rows("--x\twords\n") == []
    assert rows(text) != []


def test_the_screen_notices() -> None:
    assert moved("plain → text\n") == []
    for text in ("\x1b]0;t\x07", "\x1b[2J", "\x9b2J", "\u202e", "\x07", "\x1b[?25l", "a\rb"):
        assert moved(f"é{text}") != []


def test_names_do_not_depend_on_the_order() -> None:
    cases = load("names")
    actions = [
        Advertised(id=case.id, input=json.loads(case.listed())["inputSchema"]) for case in cases
    ]
    out = Path("out")
    config = Config(package="a", command="a", env="A", out=out, lock=out / LOCK, overlay=Overlay())
    first, second = (
        ProjectBuilder(
            Snapshot("s", tuple(entries)),
            config,
            modeller=lambda requests: dict.fromkeys(requests, ModelSource()),
        )
        for entries in (actions, actions[::-1])
    )
    for build in (first, second):
        build.plan.collect_models()
    wanted = frozenset(first.plan.stale)

    assert first.names == second.names
    assert first.plan.files == second.plan.files
    assert first.plan.records == second.plan.records
    assert first.plan.diagnostics() == second.plan.diagnostics()
    assert first.project_for(wanted) == second.project_for(wanted)
    assert len(first.names.commands) > 50
