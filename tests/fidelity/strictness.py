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
    """Return a row for mypy and one for pyright: modules without an error."""
    modules = sorted(str(path) for path in (package.root / NAME).rglob("*.py"))
    checked = []
    for name, errors in (("mypy --strict", _mypy(package)), ("pyright strict", _pyright(package))):
        row = Row(f"modules without an error of {name}")
        for module in modules:
            row.count(module, "; ".join(errors.get(module, [])[:3]))
        for module in errors.keys() - set(modules):
            row.count(module, "; ".join(errors[module][:3]))
        checked.append(row)
    return checked


def _mypy(package: Package) -> dict[str, list[str]]:
    flags = ["--strict", "--explicit-package-bases", "--no-incremental", "--follow-imports=silent"]
    process = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", *flags, "-O", "json", "-p", NAME],
        env=os.environ | {"MYPYPATH": f"{RUNTIME}{os.pathsep}{package.root}"},
        cwd=package.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode not in {0, 1}:
        return {"mypy": [process.stdout + process.stderr]}
    errors: dict[str, list[str]] = {}
    for line in process.stdout.splitlines():
        if not line.startswith("{"):
            continue
        error = json.loads(line)
        path = str(package.root / error["file"])
        errors.setdefault(path, []).append(f"line {error['line']}: {error['message']}")
    return errors if errors or process.returncode == 0 else {"mypy": [process.stdout]}


def _pyright(package: Package) -> dict[str, list[str]]:
    settings = {
        "include": [NAME],
        "extraPaths": [str(RUNTIME)],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
    }
    (package.root / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    process = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable],
        cwd=package.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode not in {0, 1}:
        return {"pyright": [process.stdout[:500] + process.stderr[:500]]}
    report = json.loads(process.stdout)
    if not report["summary"]["filesAnalyzed"]:
        return {"pyright": ["it looked at no file"]}
    errors: dict[str, list[str]] = {}
    for error in report["generalDiagnostics"]:
        if error["severity"] == "error":
            line = error["range"]["start"]["line"] + 1
            errors.setdefault(error["file"], []).append(f"line {line}: {error['message']}")
    return errors
