"""Put a plan on disk: stage beside the target, sync, swap by rename, roll back on any failure."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.errors import CallsheetError
from callsheet_codegen.exchange import exchange
from callsheet_codegen.plan import MANIFEST, load_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from callsheet_codegen.ir import Manifest, Plan

_AT_ONCE = 16


def _stage(package: Path) -> Path:
    return package.with_name(f".{package.name}.new")


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
    aside, stage, journal = _aside(package), _stage(package), _journal(package)
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
    """Stage everything, then put the new folder in the place of the old one in one step.

    The journal says which files beside the folder belong to it: a run that is killed between
    the two steps is finished by the next one.
    """
    package.parent.mkdir(parents=True, exist_ok=True)
    recover(package)
    stage = _stage(package)
    _fill(stage, package, plan)
    names = [os.path.relpath(path, package.parent) for path in beside]
    said = {"folder": stage.stat().st_ino, "beside": names}
    _write(_journal(package), json.dumps(said))
    for path, text in beside.items():
        _write(_part(path), text)
    _sync(package.parent)
    _change_places(stage, package)
    _sync(package.parent)
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


def _fill(stage: Path, package: Path, plan: Plan) -> None:
    """The stage holds links to everything that stays, foreign files too, and the new files."""
    gone = {step.path for step in (*plan.writes, *plan.deletes)}
    stage.mkdir()
    if package.exists():
        _link_all(str(package), str(stage), gone)
    paths = [os.path.join(stage, step.path) for step in plan.writes]
    for folder in {os.path.dirname(path) for path in paths}:
        os.makedirs(folder, exist_ok=True)
    for path, step in zip(paths, plan.writes, strict=True):
        with open(path, "wb") as file:
            file.write(step.text.encode("utf-8", "surrogatepass"))
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # a disk makes many files durable as fast as one
        list(pool.map(_make_durable, paths))
    for folder, _, _ in os.walk(stage):
        _sync(Path(folder))


def _link_all(source: str, target: str, gone: AbstractSet[str], below: str = "") -> None:
    """Links in ``target`` to every file of ``source`` but those that are ``gone``."""
    for entry in os.scandir(source):
        path = f"{below}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "__pycache__" and _holds(entry.path):
                os.mkdir(f"{target}/{entry.name}")
                _link_all(entry.path, f"{target}/{entry.name}", gone, f"{path}/")
        elif path not in gone:
            _link(entry.path, f"{target}/{entry.name}")


def _holds(folder: str) -> bool:
    """Whether there is anything in a folder: empty ones are not taken along."""
    return any(files for _, _, files in os.walk(folder))


def _link(source: str, target: str) -> None:
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


def _make_durable(path: str) -> None:
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def _replace(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        _write(_part(path), text)
        _part(path).replace(path)
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
