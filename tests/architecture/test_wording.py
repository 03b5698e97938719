"""Names say something, docstrings open with a verb, and no type name stands twice."""

from __future__ import annotations

import ast
import functools
from typing import TYPE_CHECKING

import pytest
from architecture.tree import PACKAGES, ROOT, modules
from architecture.wording import (
    EMPTY_NAMES,
    VAGUE_NAMES,
    function_docstrings,
    local_names,
    opens_with_verb,
    repeated_types,
    share,
)

if TYPE_CHECKING:
    from pathlib import Path

ROOTS = {**PACKAGES, "tests": ROOT / "tests"}
EMPTY_SHARE, VAGUE_SHARE, OTHER_OPENINGS = 0.01, 0.06, 0.05
RECORDED = ("golden", "corpus", "data")


@functools.cache
def trees(folder: Path) -> list[ast.Module]:
    """Return the syntax trees below a folder, without what is generated or recorded."""
    return [
        ast.parse(path.read_text("utf-8"))
        for path in modules(folder)
        if not set(path.relative_to(folder).parts[:-1]) & {*RECORDED}
    ]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(one, *, kept): pass", {"one", "kept"}),
        ("def f():\n    for found in x: pass", {"found"}),
        ("def f(self):\n    with x as said: pass", {"said"}),
        ("one = 1", set()),
    ],
)
def test_a_name_that_says_nothing_is_noticed(source: str, names: set[str]) -> None:
    assert set(local_names(ast.parse(source))) & EMPTY_NAMES == names


@pytest.mark.parametrize("docstring", ["The job.", "What is kept.", "Noted down.", "`one` of it."])
def test_an_opening_without_a_verb_is_noticed(docstring: str) -> None:
    assert not opens_with_verb(docstring)
    assert opens_with_verb("Return the job.")


@pytest.mark.parametrize("root", ROOTS)
def test_names_say_something(root: str) -> None:
    names = [name for tree in trees(ROOTS[root]) for name in local_names(tree)]

    assert share(names, EMPTY_NAMES) <= EMPTY_SHARE
    assert share(names, VAGUE_NAMES) <= VAGUE_SHARE


@pytest.mark.parametrize("root", ROOTS)
def test_docstrings_open_with_what_a_function_does(root: str) -> None:
    texts = [text for tree in trees(ROOTS[root]) for text in function_docstrings(tree)]
    other = [text.splitlines()[0] for text in texts if not opens_with_verb(text)]

    assert len(other) <= OTHER_OPENINGS * len(texts), other


@pytest.mark.parametrize("package", ["callsheet", "callsheet_codegen"])
def test_no_type_name_stands_twice(package: str) -> None:
    assert repeated_types(trees(PACKAGES[package])) == []
