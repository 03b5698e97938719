"""Imports run down the floors of the runtime, and no package has a circle."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from architecture.graph import Graph, imports, on_a_circle, rooms, sources_of

DATA = tomllib.loads(Path(__file__).with_name("floors.toml").read_text("utf-8"))
FLOOR = {room: floor for floor, names in enumerate(DATA["floors"]) for room in names}
RUN_DOWN = ["callsheet", "callsheet_codegen"]


def graph_of(package: str) -> Graph:
    """Return the imports of a package's modules; its own ``__init__`` is no room."""
    return imports(sources_of(package), package)


def arrows_up(graph: Graph) -> list[str]:
    """Return the imports that go to another room on the same floor or on a higher one."""
    return [
        f"{name} -> {target}"
        for name, targets in sorted(graph.items())
        for target in sorted(targets)
        if not runs_down(name.partition(".")[0], target.partition(".")[0])
    ]


def runs_down(room: str, target: str) -> bool:
    """Say whether a room may import another one."""
    return room == target or FLOOR[target] < FLOOR[room]


@pytest.mark.parametrize(
    "source",
    [
        "import callsheet.cli.main",
        "from callsheet.cli import main",
        "from callsheet.cli.main import run",
        "def f():\n    from callsheet.cli.main import run",
        "if TYPE_CHECKING:\n    from callsheet.cli.main import run",
    ],
)
def test_an_arrow_up_is_noticed_wherever_it_stands(source: str) -> None:
    graph = imports({"text": source, "cli": "", "cli.main": ""}, "callsheet")

    assert arrows_up(graph) == ["text -> cli.main"]


def test_an_arrow_along_a_floor_is_noticed() -> None:
    assert arrows_up({"text": {"errors"}, "cli.main": {"cli.tree", "text"}}) == ["text -> errors"]


def test_circles_are_noticed() -> None:
    graph = {"a.x": {"b.y"}, "b.y": {"c"}, "c": {"a.z"}, "a.z": set[str]()}

    assert on_a_circle(graph) == set()
    assert on_a_circle(rooms(graph)) == {"a", "b", "c"}


def test_every_room_has_a_floor() -> None:
    assert sorted({name.partition(".")[0] for name in graph_of("callsheet")}) == sorted(FLOOR)
    assert sum(map(len, DATA["floors"])) == len(FLOOR)


def test_imports_run_down() -> None:
    assert arrows_up(graph_of("callsheet")) == []


@pytest.mark.parametrize("package", RUN_DOWN)
def test_no_rooms_are_on_a_circle(package: str) -> None:
    assert on_a_circle(rooms(graph_of(package))) == set()


@pytest.mark.parametrize("package", RUN_DOWN)
def test_no_modules_are_on_a_circle(package: str) -> None:
    assert on_a_circle(graph_of(package)) == set()
