"""Both type checkers, strict, over every module that was generated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fidelity.package import NAME
from fidelity.tally import Row

if TYPE_CHECKING:
    from fidelity.package import Package

RUNTIME = Path(__file__).resolve().parents[2] / "runtime"


def rows(package: Package) -> list[Row]:
    """A row for mypy and one for pyright: modules without an error."""
    modules = sorted(str(path) for path in (package.root / NAME).rglob("*.py"))
    found = []
    for name, errors in (("mypy --strict", _mypy(package)), ("pyright strict", _pyright(package))):
        row = Row(f"modules without an error of {name}")
        for module in modules:
            row.count(module, "; ".join(errors.get(module, [])[:3]))
        for module in errors.keys() - set(modules):
            row.count(module, "; ".join(errors[module][:3]))
        found.append(row)
    return found


def _mypy(package: Package) -> dict[str, list[str]]:
    words = ["--strict", "--explicit-package-bases", "--no-incremental", "--follow-imports=silent"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", *words, "-O", "json", "-p", NAME],
        env=os.environ | {"MYPYPATH": f"{RUNTIME}{os.pathsep}{package.root}"},
        cwd=package.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1}:
        return {"mypy": [done.stdout + done.stderr]}
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        if not line.startswith("{"):
            continue
        one = json.loads(line)
        path = str(package.root / one["file"])
        found.setdefault(path, []).append(f"line {one['line']}: {one['message']}")
    return found if found or done.returncode == 0 else {"mypy": [done.stdout]}


def _pyright(package: Package) -> dict[str, list[str]]:
    settings = {
        "include": [NAME],
        "extraPaths": [str(RUNTIME)],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
    }
    (package.root / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable],
        cwd=package.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1}:
        return {"pyright": [done.stdout[:500] + done.stderr[:500]]}
    said = json.loads(done.stdout)
    if not said["summary"]["filesAnalyzed"]:
        return {"pyright": ["it looked at no file"]}
    found: dict[str, list[str]] = {}
    for one in said["generalDiagnostics"]:
        if one["severity"] == "error":
            line = one["range"]["start"]["line"] + 1
            found.setdefault(one["file"], []).append(f"line {line}: {one['message']}")
    return found
