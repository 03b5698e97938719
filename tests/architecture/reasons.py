"""Find switched-off checks that do not say why, and sleeps that are too long."""

from __future__ import annotations

import ast
import io
import re
import tokenize

MARK = re.compile(
    r"#\s*(?:(?P<noqa>noqa)(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?"
    r"|(?P<ignore>(?:type|pyright|mypy):\s*ignore)(?P<codes>\[[\w,\s-]+\])?)(?P<reason>.*)"
)
REASON_LETTERS = 8
LONGEST_SLEEP = 0.2
SKIPS = {"skip", "skipif", "xfail", "importorskip"}


def unexplained_comments(source: str) -> list[str]:
    """Return the comments that silence a checker without a code or a reason."""
    problems = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        mark = MARK.search(token.string) if token.type == tokenize.COMMENT else None
        if mark is None:
            continue
        explained = len(re.findall(r"[A-Za-z]", mark["reason"])) >= REASON_LETTERS
        coded = mark["codes"] or ":" in mark[0].partition("noqa")[2]
        if not (explained and coded):
            problems.append(f"{token.start[0]}: {token.string}")
    return problems


def unexplained_skips(source: str) -> list[str]:
    """Return the skips and expected failures of a test module that give no reason."""
    tree = ast.parse(source)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    bare = [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and is_skip(node.func) and not has_reason(node))
        or (isinstance(node, ast.Attribute) and is_skip(node) and id(node) not in called)
    ]
    return [f"{node.lineno}: {ast.unparse(node)}" for node in bare]


def is_skip(node: ast.expr) -> bool:
    """Say whether this is pytest.skip, pytest.mark.skipif and the like."""
    text = ast.unparse(node)
    return text.startswith("pytest.") and text.rpartition(".")[2] in SKIPS


def has_reason(call: ast.Call) -> bool:
    """Say whether a skip is given a reason: by keyword, or first for pytest.skip itself."""
    if any(word.arg == "reason" for word in call.keywords):
        return True
    return ast.unparse(call.func) in {"pytest.skip", "pytest.xfail"} and bool(call.args)


def long_sleeps(source: str) -> list[str]:
    """Return the sleeps with a written-out time above the limit."""
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] == "sleep"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, int | float)
        and node.args[0].value > LONGEST_SLEEP
    ]
