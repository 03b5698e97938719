"""Read the imports of one source text, and when each of them runs."""

from __future__ import annotations

import ast
import functools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Import:
    """One imported module; ``at_import`` says that importing the importer runs it."""

    module: str
    names: tuple[str, ...]
    level: int
    at_import: bool

    @property
    def top(self) -> str:
        """Return the distribution-level name, empty for a relative import."""
        return "" if self.level else self.module.partition(".")[0]


@functools.cache
def read_imports(source: str) -> tuple[Import, ...]:
    """Return every import of a module, wherever it stands."""
    return tuple(walk(ast.parse(source), at_import=True))


def walk(node: ast.AST, *, at_import: bool) -> Iterator[Import]:
    """Yield the imports below a node; a function's body and a type-checking block run later."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, (), 0, at_import)
    elif isinstance(node, ast.ImportFrom):
        names = tuple(alias.name for alias in node.names)
        yield Import(node.module or "", names, node.level, at_import)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for guarded in node.body:
            yield from walk(guarded, at_import=False)
        for other in node.orelse:
            yield from walk(other, at_import=at_import)
    else:
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, at_import=at_import and not later)


def forbidden(source: str, packages: set[str]) -> list[str]:
    """Return the imports, early or late, of any of these packages."""
    return [entry.module for entry in read_imports(source) if entry.top in packages]


def early(source: str, watched: set[str], allowed: set[str]) -> list[str]:
    """Return the watched packages that importing this module imports though it may not."""
    packages = {entry.top for entry in read_imports(source) if entry.at_import}
    return sorted((packages & watched) - allowed)


def not_public(source: str, package: str) -> list[str]:
    """Return imports of a generated module that are neither stdlib, relative nor public names."""
    problems = []
    for entry in read_imports(source):
        private = any(part.startswith("_") for part in (*entry.module.split("."), *entry.names))
        if entry.top and entry.top not in sys.stdlib_module_names and entry.top != package:
            problems.append(entry.module)
        elif entry.top == package and private:
            problems.append(f"{entry.module}: {', '.join(entry.names)}")
    return problems
