"""Draw the graph of imports of one package, and find the circles in it."""

from __future__ import annotations

import ast
import functools
from typing import TYPE_CHECKING

from architecture.tree import PACKAGES, modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Graph = dict[str, set[str]]


def sources_of(package: str) -> dict[str, str]:
    """Return the texts of a package's modules by dotted name, its own ``__init__`` left out."""
    root = PACKAGES[package]
    sources = {}
    for path in modules(root):
        name = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
        sources[name.removesuffix(".__init__")] = path.read_text("utf-8")
    del sources["__init__"]
    return sources


def imports(sources: Mapping[str, str], package: str) -> Graph:
    """Return module → imported modules, both without the package's name.

    ``sources`` are texts by dotted name. An import counts wherever it stands.
    """
    graph: Graph = {}
    for name, source in sources.items():
        targets = {nearest(target, sources) for target in imported(source, package)}
        graph[name] = targets - {name, ""}
    return graph


@functools.cache
def imported(source: str, package: str) -> frozenset[str]:
    """Return what a module imports of its package, each as far as it may be a module."""
    return frozenset(_imported(source, package))


def _imported(source: str, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (below(alias.name, package) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (below(f"{node.module}.{alias.name}", package) for alias in node.names)


def below(name: str, package: str) -> str:
    """Return the part of a dotted name after the package; empty for what is not of it."""
    return name.removeprefix(f"{package}.") if name.startswith(f"{package}.") else ""


def nearest(name: str, sources: Mapping[str, str]) -> str:
    """Return the longest beginning of a dotted name that is a module, or an empty text."""
    while name and name not in sources:
        name = name.rpartition(".")[0]
    return name


def rooms(graph: Graph) -> Graph:
    """Return the graph of the first parts of the names."""
    folded: Graph = {}
    for name, targets in graph.items():
        room = name.partition(".")[0]
        folded.setdefault(room, set()).update(target.partition(".")[0] for target in targets)
    return {room: targets - {room} for room, targets in folded.items()}


def importers(graph: Graph) -> Graph:
    """Return module → the modules that import it."""
    return {
        name: {importer for importer, targets in graph.items() if name in targets} for name in graph
    }


def on_a_circle(graph: Graph) -> set[str]:
    """Return the nodes that can be reached from themselves."""
    return {node for node in graph if node in reached(graph, node)}


def reached(graph: Graph, start: str) -> set[str]:
    """Return every node that a walk along the arrows gets to."""
    visited: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        node = ahead.pop()
        if node not in visited:
            visited.add(node)
            ahead += graph.get(node, ())
    return visited
