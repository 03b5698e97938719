"""Count names that say nothing and docstrings that do not open with what a function does."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EMPTY_NAMES = frozenset(
    (
        "found", "one", "said", "told", "made", "known", "held", "kept", "given", "taken",
        "begun", "left", "meant", "seen", "asked", "laid", "heard", "spoken", "here", "there",
        "whole", "where", "what", "thing", "things", "stuff", "shown", "gone", "sent_", "got",
        "put_", "whom", "those", "fresh_", "rest_",
    )
)  # fmt: skip
VAGUE_NAMES = frozenset({"result", "item", "value", "data", "obj", "info", "tmp"})
NOT_A_VERB = frozenset(
    (
        "the", "a", "an", "what", "whether", "how", "where", "who", "whom", "which", "when",
        "why", "as", "all", "every", "each", "any", "no", "some", "this", "that", "those",
        "these", "it", "its", "one", "whatever", "whoever", "wherever", "nothing", "something",
        "somebody", "nobody", "for", "from", "of", "in", "with", "to", "by", "on", "at",
        "after", "before", "until", "only", "both", "either", "neither", "and", "or", "but",
        "if", "once", "now", "never", "always", "true", "false", "none", "more", "less",
        "most", "least", "many", "few", "such", "another", "other", "others", "first", "last",
        "second", "next", "and/or", "time-out", "seconds", "names",
    )
)  # fmt: skip
VERBS_IN_ED = frozenset({"need", "embed", "feed", "speed", "proceed"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


def local_names(tree: ast.AST) -> Iterator[str]:
    """Yield what each function binds: its parameters and the names that it assigns."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            names = {name.id for name in stored if isinstance(name.ctx, ast.Store)}
            arguments = [*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs]
            yield from names | ({argument.arg for argument in arguments} - {"self", "cls"})


def function_docstrings(tree: ast.AST) -> Iterator[str]:
    """Yield the docstring of each function that has one."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and (text := ast.get_docstring(node)):
            yield text


def opens_with_verb(docstring: str) -> bool:
    """Tell whether a docstring opens with what the function does."""
    word = docstring.split()[0].strip("`\"'.,:;()").lower()
    return word not in NOT_A_VERB and (not word.endswith("ed") or word in VERBS_IN_ED)


def share(names: Iterable[str], words: frozenset[str]) -> float:
    """Return which part of the names are among these words, from 0 to 1."""
    counted = [name in words for name in names]
    return sum(counted) / max(1, len(counted))


def repeated_types(trees: Iterable[ast.AST]) -> list[str]:
    """Return the class names that are defined more than once, leading underscores ignored."""
    counts = Counter(
        node.name.lstrip("_")
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    )
    return sorted(name for name, count in counts.items() if count > 1)
