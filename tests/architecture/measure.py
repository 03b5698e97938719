"""Measure one source text against the limits of size; pure, so that each limit can be tried."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_LINES = 500
FUNCTION_LINES = 40
CLASS_LINES = 250
POSITIONAL = 5

Function = ast.FunctionDef | ast.AsyncFunctionDef


def size_problems(source: str) -> list[str]:
    """Return what is too long or too wide in a module, in words."""
    tree = ast.parse(source)
    lines = len(source.splitlines())
    problems = [f"{lines} lines"] if lines > FILE_LINES else []
    for node in ast.walk(tree):
        if isinstance(node, Function):
            problems += too_long(node, FUNCTION_LINES)
        elif isinstance(node, ast.ClassDef):
            problems += too_long(node, CLASS_LINES)
    return problems + [
        f"{node.name}: {count} positional parameters"
        for node, method in functions(tree)
        if (count := positional(node, method=method)) > POSITIONAL
    ]


def too_long(node: Function | ast.ClassDef, limit: int) -> list[str]:
    """Return a problem if a definition, decorators aside, has more lines than the limit."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    return [f"{node.name}: {lines} lines"] if lines > limit else []


def functions(tree: ast.AST, *, method: bool = False) -> Iterator[tuple[Function, bool]]:
    """Yield every function with whether it stands directly in a class."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield node, method
        yield from functions(node, method=isinstance(node, ast.ClassDef))


def positional(node: Function, *, method: bool) -> int:
    """Count the parameters that can be given by position, self and cls aside."""
    count = len(node.args.posonlyargs) + len(node.args.args)
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    return count - (method and not static)


def docstring_problems(source: str) -> list[str]:
    """Return why the module docstring is not one sentence; an indented drawing may follow it."""
    # Uncleaned: cleaning would shift a drawing to the margin.
    text = ast.get_docstring(ast.parse(source), clean=False)
    if not text:
        return ["no module docstring"]
    first, *rest = text.split("\n\n")
    problems = [] if first.rstrip().endswith(".") else ["the docstring does not end with a stop"]
    if re.search(r"[.!?]\s+[A-Z]", first):
        problems.append("the docstring has more than one sentence")
    after = [line for part in rest for line in part.splitlines()]
    if any(line and line != "::" and not line.startswith("  ") for line in after):
        problems.append("the docstring goes on after its sentence")
    return problems
