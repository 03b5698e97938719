"""Files, functions, classes and parameter lists stay small; module docstrings are one sentence."""

from __future__ import annotations

import pytest
from architecture.measure import docstring_problems, size_problems
from architecture.tree import PACKAGES, measured, modules, name_of

FIVE = "a, b, c, d, e"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1\n" * 501, "501 lines"),
        ("def f():\n" + "    x = 1\n" * 40, "f: 41 lines"),
        ("async def f():\n" + "    x = 1\n" * 40, "f: 41 lines"),
        ("class C:\n" + "    x = 1\n" * 250, "C: 251 lines"),
        ("class C:\n    def f(self):\n" + "        x = 1\n" * 40, "f: 41 lines"),
        (f"def f({FIVE}, g): pass", "f: 6 positional parameters"),
        (f"def f({FIVE}, /, g): pass", "f: 6 positional parameters"),
        (f"class C:\n    def f(self, {FIVE}, g): pass", "f: 6 positional parameters"),
        (f"def outer():\n    def f({FIVE}, g): pass", "f: 6 positional parameters"),
    ],
)
def test_each_limit_is_noticed(source: str, problem: str) -> None:
    assert size_problems(source) == [problem]


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n" * 500,
        "def f():\n" + "    x = 1\n" * 39,
        "class C:\n" + "    x = 1\n" * 249,
        f"def f({FIVE}, *, g, h): pass",
        f"class C:\n    def f(self, {FIVE}): pass",
    ],
)
def test_each_limit_itself_is_allowed(source: str) -> None:
    assert size_problems(source) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1", "no module docstring"),
        ('"""One thing"""', "the docstring does not end with a stop"),
        ('"""One thing. Another thing."""', "the docstring has more than one sentence"),
        ('"""One thing.\n\nMore of it.\n"""', "the docstring goes on after its sentence"),
    ],
)
def test_each_docstring_rule_is_noticed(source: str, problem: str) -> None:
    assert docstring_problems(source) == [problem]


def test_a_drawing_may_follow_the_sentence() -> None:
    assert docstring_problems('"""The tree, drawn.\n\n::\n\n    Root\n      Leaf\n"""') == []


def test_nothing_is_too_large() -> None:
    files = measured()
    problems_by_file = {name_of(path): size_problems(path.read_text("utf-8")) for path in files}

    assert {name: problems for name, problems in problems_by_file.items() if problems} == {}
    assert "tests/architecture/test_sizes.py" in problems_by_file


@pytest.mark.parametrize("package", PACKAGES)
def test_module_docstrings_are_one_sentence(package: str) -> None:
    problems_by_file = {
        name_of(path): docstring_problems(path.read_text("utf-8"))
        for path in modules(PACKAGES[package])
    }

    assert {name: problems for name, problems in problems_by_file.items() if problems} == {}
    assert len(problems_by_file) > 1
