"""Which files of the repository the house rules apply to."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "callsheet": ROOT / "runtime/callsheet",
    "callsheet_codegen": ROOT / "codegen/callsheet_codegen",
    "callsheet_sandbox": ROOT / "sandbox/callsheet_sandbox",
}
GOLDEN = ROOT / "tests/golden"
RECORDED = ROOT / "tests/functional/data"
STRANGERS = ROOT / "tests/firsthour/servers"  # written by others, who knew no rule of ours
NOT_OURS = (".git", ".venv", ".venv-min", ".demo", ".sandbox", "output", "dist")
CACHES = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")


def modules(folder: Path) -> list[Path]:
    """Return the Python files below a folder without generated data, in a stable order."""
    files = sorted(folder.rglob("*.py"))
    return [path for path in files if not {GOLDEN, RECORDED, STRANGERS} & set(path.parents)]


def measured() -> list[Path]:
    """Return every hand-written Python file: the source roots, tests and scripts."""
    return [
        path
        for folder in (*PACKAGES.values(), ROOT / "tests", ROOT / "scripts")
        for path in modules(folder)
    ]


def tracked() -> list[Path]:
    """Return the files of the repository; without git, all that no tool left behind."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        names = [ROOT / name for name in listed.stdout.split("\0") if name]
        return [path for path in names if path.is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not left_behind(path)]


def left_behind(path: Path) -> bool:
    """Say whether a tool wrote this file."""
    parts = path.relative_to(ROOT).parts
    return parts[0] in NOT_OURS or any(part in CACHES for part in parts)


def name_of(path: Path) -> str:
    """Return a path as it stands in the repository."""
    return path.relative_to(ROOT).as_posix()
