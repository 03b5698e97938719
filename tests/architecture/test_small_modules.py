"""A small module that only one other module imports is a part of that one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from architecture.graph import importers, imports, sources_of

LEAST = 60
LATE: dict[str, str] = tomllib.loads(Path(__file__).with_name("imports.toml").read_text("utf-8"))[
    "small"
]


def fragments(sources: dict[str, str], package: str) -> list[str]:
    """Return the modules under the least size that have a single importer."""
    by = importers(imports(sources, package))
    return [
        name
        for name, text in sorted(sources.items())
        if text.strip() and len(text.splitlines()) < LEAST and len(by[name]) == 1
    ]


@pytest.mark.parametrize(
    ("lines", "others", "fragment"),
    [(59, ["user"], True), (60, ["user"], False), (59, ["user", "other"], False), (59, [], False)],
)
def test_a_fragment_is_noticed(lines: int, others: list[str], fragment: bool) -> None:
    users = dict.fromkeys(others, "from callsheet.part import x\n" + "\n" * LEAST)
    sources = {"part": "x = 1\n" * lines, **users}

    assert fragments(sources, "callsheet") == (["part"] if fragment else [])


def test_no_module_of_the_runtime_is_a_fragment_unless_the_start_needs_it() -> None:
    names = {
        f"{name.replace('.', '/')}.py" for name in fragments(sources_of("callsheet"), "callsheet")
    }

    assert names - set(LATE) == set()
    assert set(LATE) - names == set(), "what is no fragment by now is taken off the list"
    assert all(len(reason) > 20 for reason in LATE.values())


def test_no_module_of_the_generator_is_a_fragment() -> None:
    assert fragments(sources_of("callsheet_codegen"), "callsheet_codegen") == []
