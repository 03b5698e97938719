"""Put a plan on disk: stage beside the target, sync, swap by rename, roll back on any failure."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.errors import CallsheetError
from callsheet_codegen.exchange import exchange
from callsheet_codegen.plan import MANIFEST, load_manifest
from callsheet_codegen.staging import Stage, stage_of, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet_codegen.ir import Manifest, Plan


def _aside(package: Path) -> Path:
    return package.with_name(f".{package.name}.old")


def _journal(package: Path) -> Path:
    return package.with_name(f".{package.name}.publishing")


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def recover(package: Path) -> None:
    """Finish or undo what a killed run left: the tree is then the old one or the new one, whole.

    Where the new folder stands already, the files beside it follow; else nothing of it stays.
    """
    aside, stage, journal = _aside(package), stage_of(package), _journal(package)
    if aside.exists() and not package.exists():
        aside.rename(package)
    said = _journal_of(journal)
    swapped = bool(said) and package.exists() and package.stat().st_ino == said["folder"]
    for name in said.get("beside", ()):
        part = _part(path := Path(package.parent, name))
        if swapped and part.exists():
            part.replace(path)
        else:
            with suppress(OSError):
                part.unlink()
    journal.unlink(missing_ok=True)
    for leftover in (aside, stage):
        if leftover.exists():
            shutil.rmtree(leftover)


def _journal_of(path: Path) -> dict[str, Any]:
    """What a run was about to do; a journal that is not whole was not in force yet."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        names = [str(name) for name in said["beside"]]
        return {"folder": int(said["folder"]), "beside": names}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def read_manifest(package: Path) -> Manifest:
    """The manifest of the package folder."""
    return load_manifest(_read(package / MANIFEST))


def read_disk(package: Path, paths: Iterable[str]) -> Mapping[str, str | None]:
    """The sha256 of each path below the package folder, ``None`` where there is no such file."""
    return {path: _digest(package / path) for path in paths}


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogatepass")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        return ""


def publish(
    plan: Plan, package: Path, beside: Mapping[Path, str], stage: Stage | None = None
) -> tuple[str, ...]:
    """Make the disk what the plan says; the names of what was written, deleted or replaced.

    ``beside`` holds files that lie outside the package folder (the lock). An idle plan with
    unchanged ``beside`` files touches nothing. ``stage`` may hold what stays already. Raises
    ``CallsheetError`` with the disk as before.
    """
    changed = {path: text for path, text in beside.items() if _read(path) != text}
    if plan.idle and not changed:
        return ()
    try:
        if not plan.idle:
            _swap(plan, package, changed, stage or Stage(package))
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


def _swap(plan: Plan, package: Path, beside: Mapping[Path, str], staged: Stage) -> None:
    """Stage everything, then put the new folder in the place of the old one in one step.

    The journal says which files beside the folder belong to it: a run that is killed between
    the two steps is finished by the next one.
    """
    package.parent.mkdir(parents=True, exist_ok=True)
    if not staged.begun:
        recover(package)
    staged.fill(plan)
    stage = staged.folder
    names = [os.path.relpath(path, package.parent) for path in beside]
    said = {"folder": stage.stat().st_ino, "beside": names}
    _write(_journal(package), json.dumps(said))
    for path, text in beside.items():
        _write(_part(path), text)
    sync_folder(package.parent)
    _change_places(stage, package)
    sync_folder(package.parent)
    try:
        for path in beside:
            _part(path).replace(path)
    except OSError:
        _take_back(stage, package)
        raise
    recover(package)


def _change_places(stage: Path, package: Path) -> None:
    """The new folder where the old one was; where the platform cannot swap, by two renames."""
    if not package.exists():
        stage.rename(package)
    elif not exchange(stage, package):
        aside = _aside(package)
        package.rename(aside)
        try:
            stage.rename(package)
        except BaseException:  # an interruption too must leave the old folder
            if not package.exists():
                aside.rename(package)
            raise


def _take_back(stage: Path, package: Path) -> None:
    """The old folder where it was, after the new one had taken its place."""
    if stage.exists():
        _change_places(stage, package)
        return
    package.rename(stage)
    if _aside(package).exists():
        _aside(package).rename(package)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        os.fsync(file.fileno())


def _replace(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        _write(_part(path), text)
        _part(path).replace(path)
        sync_folder(path.parent)
