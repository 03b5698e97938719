"""What Windows does not have is used by ``callsheet.system``, or where it was looked for."""

from __future__ import annotations

import ast

import pytest
from architecture.tree import PACKAGES, modules, name_of
from cli.windows import CALLS, MODULES, SIGNALS

ALONE = {"runtime/callsheet/system.py"}
GUARDED = {"codegen/callsheet_codegen/models/worker.py": {"resource", "ITIMER_PROF"}}


def posix_only(text: str) -> set[str]:
    """Return the modules, and names of ``os`` and ``signal``, that a source takes for granted."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names} & {*MODULES}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or ""} & {*MODULES}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = {"os": CALLS, "signal": SIGNALS}.get(node.value.id, ())
            if node.attr in module and f'hasattr({node.value.id}, "{node.attr}")' not in text:
                names.add(node.attr)
    return names


def test_a_module_or_a_call_of_posix_is_noticed() -> None:
    assert posix_only("import fcntl\nos.fork()\nsignal.SIGALRM") == {"fcntl", "fork", "SIGALRM"}
    assert posix_only('if hasattr(os, "fork"):\n    os.fork()\nos.open') == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_takes_posix_for_granted(package: str) -> None:
    used = {
        name_of(path): posix_only(path.read_text("utf-8")) for path in modules(PACKAGES[package])
    }
    unguarded = {
        path: names - GUARDED.get(path, set())
        for path, names in used.items()
        if path not in ALONE and names - GUARDED.get(path, set())
    }
    assert unguarded == {}, "what callsheet/system.py offers works on Windows too"
