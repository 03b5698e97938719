"""Put a plan on disk: stage beside the target, sync, swap by rename, roll back on any failure."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from callsheet.errors import CallsheetError
from callsheet_codegen.plan import MANIFEST, load_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet_codegen.ir import Manifest, Plan


def _stage(package: Path) -> Path:
    return package.with_name(f".{package.name}.new")


def _aside(package: Path) -> Path:
    return package.with_name(f".{package.name}.old")


def recover(package: Path) -> None:
    """Undo what a killed run left: the old folder comes back, a half-made one goes."""
    aside = _aside(package)
    if aside.exists() and not package.exists():
        aside.rename(package)
    for leftover in (aside, _stage(package)):
        if leftover.exists():
            shutil.rmtree(leftover)


def read_manifest(package: Path) -> Manifest:
    """The manifest of the package folder."""
    return load_manifest(_read(package / MANIFEST))


def read_disk(package: Path, paths: Iterable[str]) -> Mapping[str, str | None]:
    """The text of each path below the package folder, ``None`` where there is no such file."""
    return {path: _read(package / path) for path in paths}


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogatepass")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        return ""


def publish(plan: Plan, package: Path, beside: Mapping[Path, str]) -> tuple[str, ...]:
    """Make the disk what the plan says; the names of what was written, deleted or replaced.

    ``beside`` holds files that lie outside the package folder (the lock). An idle plan with
    unchanged ``beside`` files touches nothing. Raises ``CallsheetError`` with the disk as before.
    """
    changed = {path: text for path, text in beside.items() if _read(path) != text}
    if plan.idle and not changed:
        return ()
    try:
        if not plan.idle:
            _swap(plan, package, changed)
        else:
            _replace(changed)
    except OSError as error:
        recover(package)
        raise CallsheetError(
            f"{package} could not be written: {error.strerror or error}",
            hint="nothing was changed",
        ) from error
    names = [step.path for step in (*plan.writes, *plan.deletes)]
    return (*names, *(path.name for path in changed))


def _swap(plan: Plan, package: Path, beside: Mapping[Path, str]) -> None:
    package.parent.mkdir(parents=True, exist_ok=True)
    recover(package)
    stage, aside = _stage(package), _aside(package)
    _fill(stage, package, plan)
    had_one = package.exists()
    if had_one:
        package.rename(aside)
    try:
        stage.rename(package)
        _replace(beside)
    except BaseException:  # an interruption too must leave the old folder
        if had_one:
            if package.exists():
                package.rename(stage)
            aside.rename(package)
        raise
    _sync(package.parent)
    if had_one:
        shutil.rmtree(aside)


def _fill(stage: Path, package: Path, plan: Plan) -> None:
    """The stage holds links to everything that stays, foreign files too, and the new files."""
    gone = {step.path for step in (*plan.writes, *plan.deletes)}
    stage.mkdir()
    if package.exists():
        for folder, _, files in os.walk(package):
            below = Path(folder).relative_to(package)
            if "__pycache__" in below.parts:
                continue
            for name in files:
                if (below / name).as_posix() not in gone:
                    _link(Path(folder) / name, stage / below / name)
    for step in plan.writes:
        _write(stage / step.path, step.text)
    for folder, _, _ in os.walk(stage):
        _sync(Path(folder))


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target, follow_symlinks=False)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        os.fsync(file.fileno())


def _replace(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        part = path.with_name(f".{path.name}.part")
        _write(part, text)
        part.replace(path)
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make renames durable where the platform lets a folder be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
