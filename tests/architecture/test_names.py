"""Modules are named after their job, and decision records after their number."""

from __future__ import annotations

import re

import pytest
from architecture.tree import PACKAGES, ROOT, measured, name_of

VAGUE = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}
RECORD = re.compile(r"(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*\.md")


def vague_parts(name: str) -> list[str]:
    """Return the parts of a path that say nothing about the job."""
    return [part for part in name.removesuffix(".py").split("/") if part.strip("_") in VAGUE]


@pytest.mark.parametrize("name", ["runtime/callsheet/utils.py", "tests/helpers/x.py", "a/_base.py"])
def test_a_vague_name_is_noticed(name: str) -> None:
    assert len(vague_parts(name)) == 1


def test_no_module_has_a_vague_name() -> None:
    names = [name_of(path) for path in measured()]

    assert [name for name in names if vague_parts(name)] == []
    assert {name.split("/")[1] for name in names} >= set(PACKAGES)


def test_decision_records_are_numbered() -> None:
    names = sorted(path.name for path in (ROOT / "docs/decisions").iterdir())
    numbers = [match[1] for name in names if (match := RECORD.fullmatch(name))]

    assert [name for name in names if not RECORD.fullmatch(name)] == []
    assert numbers == sorted(set(numbers))
    assert numbers
