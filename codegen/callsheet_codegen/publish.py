"""Plan a publication and swap it in atomically."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.errors import CallsheetError, UsageError
from callsheet.storage.atomic_file import locked_folder
from callsheet_codegen.cache import sha_of
from callsheet_codegen.config import MANIFEST
from callsheet_codegen.ir import Plan, Step
from callsheet_codegen.staging import (
    StagingDir,
    leftover_stages,
    link_error,
    swap_directories,
    sync_folder,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


_LONGEST_RUN = 600.0
"""Seconds that another run is waited for."""


def digest(text: str) -> str:
    """Return the sha256 of the text as it lies on disk."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plan(
    files: Mapping[str, str],
    disk: Mapping[str, str | None],
    manifest: Mapping[str, str],
    *,
    unchanged: Mapping[str, str] | None = None,
    force: bool = False,
) -> Plan:
    """Compare the rendered files with the disk; raises ``UsageError`` if one is in the way.

    ``disk`` holds the sha256 of every file that is rendered or in the manifest, ``None`` where
    there is none. ``unchanged`` are files that need not be rendered, with their sha256. A file of
    the manifest that somebody changed is in the way only where it would get another text than
    it was given before; else it stays (``edited``), also when it is not generated any more.
    ``force`` overwrites whatever somebody changed in files of ours.
    """
    wanted = {path: digest(text) for path, text in files.items()} | dict(unchanged or {})
    steps, edited = [], []
    for path in sorted(files):
        current, ours = disk.get(path), manifest.get(path)
        if current == wanted[path]:
            continue
        if current is not None and ours is None:
            raise UsageError(
                f"{path} exists and was not written by callsheet",
                hint="choose another --out or --package, or move the file away",
            )
        if current not in {None, ours} and not force:
            edited.append(path)
            continue
        steps.append(Step(kind="write", path=path, text=files[path]))
    lost = [path for path in edited if wanted[path] != manifest[path]]
    if lost:
        raise _by_hand(lost)
    steps += _leftovers(wanted, disk, manifest)
    if any(step.kind != "keep" for step in steps) or wanted != manifest:
        text = json.dumps({"files": dict(sorted(wanted.items()))}, indent=1) + "\n"
        steps.append(Step(kind="write", path=MANIFEST, text=text))
    return Plan(steps=tuple(steps), manifest=wanted, edited=tuple(edited))


def _leftovers(
    wanted: Mapping[str, str], disk: Mapping[str, str | None], manifest: Mapping[str, str]
) -> Iterator[Step]:
    """Yield a step for each file of the manifest that is not generated any more."""
    for path in sorted(manifest.keys() - wanted.keys()):
        current = disk.get(path)
        if current is not None:
            yield Step(kind="delete" if current == manifest[path] else "keep", path=path)


def _by_hand(paths: Sequence[str]) -> UsageError:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return UsageError(
        f"{paths[0]}{more} was changed by hand and would be overwritten; nothing was written",
        hint="keep the change elsewhere, then --force overwrites it",
        code="edited",
    )


def _aside(package: Path) -> Path:
    return package.with_name(f".{package.name}.old")


def _journal(package: Path) -> Path:
    return package.with_name(f".{package.name}.publishing")


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def locked_tree(
    folders: Iterable[Path], say: Callable[[str], object], *, create: bool
) -> Iterator[None]:
    """Keep every other run away from these folders; wait until an earlier one is over.

    ``create`` makes a folder that is missing. Raises ``CallsheetError``.
    """
    with ExitStack() as stack:
        for folder in sorted({Path(os.path.realpath(folder)) for folder in folders}):
            try:
                if create:
                    folder.mkdir(parents=True, exist_ok=True)
                if folder.is_dir():
                    path = str(folder)
                    stack.enter_context(locked_folder(path, say, patience=_LONGEST_RUN))
            except OSError as error:
                raise _unwritable(folder, error) from error
        yield


def _unwritable(path: Path, error: OSError) -> CallsheetError:
    reason = error.strerror or str(error)
    return CallsheetError(f"{path} could not be written: {reason}", hint="nothing was changed")


def recover(package: Path) -> None:
    """Finish or undo what a killed run left: the tree is then the old one or the new one, whole.

    Where the new folder stands already, the files beside it follow; else nothing of it stays.
    Nothing is written where nothing was left. Raises ``CallsheetError``.
    """
    if package.is_symlink():
        raise link_error(package)
    try:
        _recover(package)
    except OSError as error:
        raise _unwritable(package, error) from error


def _recover(package: Path) -> None:
    aside, journal = _aside(package), _journal(package)
    if aside.exists() and not package.exists():
        aside.rename(package)
    entry = _read_journal(journal)
    swapped = bool(entry) and package.exists() and package.stat().st_ino == entry["folder"]
    for name in entry.get("beside", ()):
        part = _part(path := Path(package.parent, name))
        if swapped and part.exists():
            part.replace(path)
        else:
            with suppress(OSError):
                part.unlink()
    if os.path.lexists(journal):
        journal.unlink()
    for leftover in (aside, package.with_name(f".{package.name}.new"), *leftover_stages(package)):
        if leftover.is_symlink():
            leftover.unlink()
        elif leftover.exists():
            shutil.rmtree(leftover)


def _read_journal(path: Path) -> dict[str, Any]:
    """Read what a run was about to do; empty where the journal is not complete."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        names = [str(name) for name in entry["beside"]]
        return {"folder": int(entry["folder"]), "beside": names}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def read_manifest(package: Path) -> dict[str, str]:
    """Read the manifest of an earlier run; empty where there is none or it is not readable."""
    try:
        files = json.loads(_read(package / MANIFEST) or "{}").get("files", {})
        return {str(path): str(sha) for path, sha in files.items()}
    except (ValueError, AttributeError):
        return {}


def read_disk(package: Path, paths: Iterable[str]) -> dict[str, str | None]:
    """Return the sha256 of each path below the package folder, ``None`` without a file."""
    return {path: sha_of(f"{package}/{path}") for path in paths}


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogatepass")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (UnicodeDecodeError, IsADirectoryError):
        return ""


def publish(
    plan: Plan, package: Path, beside: Mapping[Path, str], stage: StagingDir | None = None
) -> tuple[str, ...]:
    """Make the disk what the plan says; return the names of written and deleted files.

    ``beside`` holds files that lie outside the package folder (the lock). An idle plan with
    unchanged ``beside`` files touches nothing. ``stage`` may be prepared already. Raises
    ``CallsheetError`` with the disk as before.
    """
    changed = {path: text for path, text in beside.items() if _read(path) != text}
    if plan.idle and not changed:
        return ()
    try:
        if not plan.idle:
            _swap(plan, package, changed, stage or StagingDir(package))
        else:
            _replace(changed)
    except OSError as error:
        with suppress(CallsheetError):
            recover(package)
        raise _unwritable(package, error) from error
    except UsageError:
        recover(package)
        raise
    names = [step.path for step in (*plan.writes, *plan.deletes)]
    return (*names, *(path.name for path in changed))


def _swap(plan: Plan, package: Path, beside: Mapping[Path, str], staged: StagingDir) -> None:
    """Stage every file, then exchange the new folder with the old one in one step.

    The journal says which files beside the folder belong to it: a run that is killed between
    the two steps is finished by the next one.
    """
    package.parent.mkdir(parents=True, exist_ok=True)
    if not staged.prepared:
        recover(package)
    staged.apply(plan)
    stage = staged.folder
    names = [os.path.relpath(path, package.parent) for path in beside]
    entry = {"folder": stage.stat().st_ino, "beside": names}
    _write(_journal(package), json.dumps(entry))
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
    """Put the new folder where the old one was; by two renames where the system cannot swap."""
    if not package.exists():
        stage.rename(package)
    elif not swap_directories(stage, package):
        aside = _aside(package)
        package.rename(aside)
        try:
            stage.rename(package)
        except BaseException:  # an interruption too must leave the old folder
            if not package.exists():
                aside.rename(package)
            raise


def _take_back(stage: Path, package: Path) -> None:
    """Put the old folder back, after the new one had taken its place."""
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
