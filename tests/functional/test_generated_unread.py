"""No test but the one about drift reads the committed client: it may be any server's."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
from program import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = re.compile(r"(?:^|/)generated(?:/|$)")
ALLOWED = {
    "cli/test_screens.py": "shows its pages at three widths, and so its names",
    "functional/test_drift.py": "compares it with its lock and the sandbox",
    "bench/loops/call_ours.py": "runs on a client that the bench makes",
    "bench/loops/download_ours.py": "runs on a client that the bench makes",
    "bench/programs/ads.py": "runs on a client that the bench makes",
    "bench/programs/first_call.py": "runs on a client that the bench makes",
}


def readings(source: str) -> list[str]:
    """Return what imports the committed client, or names a path below its folder."""
    return [reading for node in ast.walk(ast.parse(source)) for reading in _found(node)]


def _found(node: ast.AST) -> Iterator[str]:
    names: list[str | None] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module]
    yield from (name for name in names if name and name.partition(".")[0] == "ads_client")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield from _path(node.right, rooted="ROOT" in ast.unparse(node.left))
    elif isinstance(node, ast.Dict):
        for entry in node.values:
            yield from _path(entry, rooted=True)


def _path(node: ast.AST, *, rooted: bool) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and rooted:
        yield from [node.value] if PLACE.search(node.value) else []


@pytest.mark.parametrize(
    "source",
    [
        "import ads_client",
        "import ads_client.cli as cli",
        "def f():\n    from ads_client.models import VideoGenerateInput",
        "lock = ROOT / 'generated/catalog.lock.json'",
        "lock = packing.ROOT / 'generated' / 'catalog.lock.json'",
        "folders = {'ads_client': 'generated/ads_client'}",
    ],
)
def test_a_reading_is_noticed(source: str) -> None:
    assert len(readings(source)) == 1


def test_a_folder_of_the_test_is_none() -> None:
    assert readings("x = tmp_path / 'generated'\nimport plain_written") == []


def test_nothing_else_reads_the_committed_client() -> None:
    tests = ROOT / "tests"
    files = [path for path in tests.rglob("*.py") if "expected" not in path.parts]
    by_file = {str(path.relative_to(tests)): readings(path.read_text("utf-8")) for path in files}

    assert {name: texts for name, texts in by_file.items() if texts} == {
        name: by_file[name] for name in ALLOWED
    }
    assert len(files) > len(ALLOWED)
