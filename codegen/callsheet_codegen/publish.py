"""Write generated files: plan the new folder, have ``staging`` write it, swap it in atomically."""

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
from callsheet.system import sync_folder
from callsheet_codegen.cache import sha_of
from callsheet_codegen.config import MANIFEST
from callsheet_codegen.ir import Plan, Step
from callsheet_codegen.staging import (
    StagingDir,
    leftover_stages,
    link_error,
    swap_directories,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


_LOCK_TIMEOUT = 600.0
"""Seconds to wait for another run to release the folders."""


def digest(text: str) -> str:
    """Return the sha256 (hexadecimal) of the text as ``publish`` writes it, in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plan(
    files: Mapping[str, str],
    disk: Mapping[str, str | None],
    manifest: Mapping[str, str],
    *,
    unchanged: Mapping[str, str] | None = None,
    force: bool = False,
) -> Plan:
    """Return the steps that bring the disk to the rendered ``files``; writes nothing.

    ``disk`` maps each path that is rendered or in the manifest to its sha256, or to ``None``
    where there is no file. ``unchanged`` maps files that need not be rendered to their sha256.
    Raises ``UsageError`` where a file that callsheet did not write would be overwritten, or one
    that somebody changed whose generated text is new; ``force`` overwrites the latter. Other
    changed files stay (``edited``, or a ``keep`` step where the file is not generated any more).
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
        raise _edited_error(lost)
    steps += _obsolete_steps(wanted, disk, manifest)
    if any(step.kind != "keep" for step in steps) or wanted != manifest:
        text = json.dumps({"files": dict(sorted(wanted.items()))}, indent=1) + "\n"
        steps.append(Step(kind="write", path=MANIFEST, text=text))
    return Plan(steps=tuple(steps), manifest=wanted, edited=tuple(edited))


def _obsolete_steps(
    wanted: Mapping[str, str], disk: Mapping[str, str | None], manifest: Mapping[str, str]
) -> Iterator[Step]:
    """Yield ``delete``, or ``keep`` where somebody changed it, for each file no longer generated.

    Files that are not on the disk are left out.
    """
    for path in sorted(manifest.keys() - wanted.keys()):
        current = disk.get(path)
        if current is not None:
            yield Step(kind="delete" if current == manifest[path] else "keep", path=path)


def _edited_error(paths: Sequence[str]) -> UsageError:
    """Return the error for files changed by hand that would be overwritten."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return UsageError(
        f"{paths[0]}{more} was changed by hand and would be overwritten; nothing was written",
        hint="keep the change elsewhere, then --force overwrites it",
        code="edited",
    )


def _old_folder(package: Path) -> Path:
    """Return where the old package folder lies while two renames stand in for a swap."""
    return package.with_name(f".{package.name}.old")


def _journal_file(package: Path) -> Path:
    """Return the path of the file that tells ``recover`` what a killed run was writing."""
    return package.with_name(f".{package.name}.publishing")


def _part_file(path: Path) -> Path:
    """Return where the new text of a file lies until it replaces the file."""
    return path.with_name(f".{path.name}.part")


@contextmanager
def locked_tree(
    folders: Iterable[Path], say: Callable[[str], object], *, create: bool
) -> Iterator[None]:
    """Lock these folders against other runs; wait for an earlier run, ten minutes a folder.

    ``say`` gets a line where that takes time. ``create`` makes a missing folder, which else stays
    unlocked. Raises ``CallsheetError`` where a folder cannot be made or stays locked.
    """
    with ExitStack() as stack:
        for folder in sorted({Path(os.path.realpath(folder)) for folder in folders}):
            try:
                if create:
                    folder.mkdir(parents=True, exist_ok=True)
                if folder.is_dir():
                    path = str(folder)
                    stack.enter_context(locked_folder(path, say, patience=_LOCK_TIMEOUT))
            except OSError as error:
                raise _write_error(folder, error) from error
        yield


def _write_error(path: Path, error: OSError) -> CallsheetError:
    """Return the error for a path that could not be written, with nothing changed."""
    reason = error.strerror or str(error)
    return CallsheetError(f"{path} could not be written: {reason}", hint="nothing was changed")


def recover(package: Path) -> None:
    """Finish or undo what a killed run left: the tree is then the old one or the new one, whole.

    Where the new folder is in place, its extra files follow; else all that is new is removed.
    Nothing is written where nothing was left. Raises ``CallsheetError`` where the disk cannot be
    written, ``UsageError`` where the package folder is a symbolic link.
    """
    if package.is_symlink():
        raise link_error(package)
    try:
        _recover(package)
    except OSError as error:
        raise _write_error(package, error) from error


def _recover(package: Path) -> None:
    """Recover as ``recover`` does; raises ``OSError``."""
    old, journal = _old_folder(package), _journal_file(package)
    if old.exists() and not package.exists():
        old.rename(package)
    entry = _read_journal(journal)
    swapped = bool(entry) and package.exists() and package.stat().st_ino == entry["folder"]
    for name in entry.get("beside", ()):
        part = _part_file(path := Path(package.parent, name))
        if swapped and part.exists():
            part.replace(path)
        else:
            with suppress(OSError):
                part.unlink()
    if os.path.lexists(journal):
        journal.unlink()
    for leftover in (old, package.with_name(f".{package.name}.new"), *leftover_stages(package)):
        if leftover.is_symlink():
            leftover.unlink()
        elif leftover.exists():
            shutil.rmtree(leftover)


def _read_journal(path: Path) -> dict[str, Any]:
    """Return ``folder``, the new folder's inode, and ``beside``, the paths of its extra files.

    The paths start in the parent of the package. Empty where the journal is missing or not whole.
    """
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        names = [str(name) for name in entry["beside"]]
        return {"folder": int(entry["folder"]), "beside": names}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def read_manifest(package: Path) -> dict[str, str]:
    """Return path → sha256 of what an earlier run wrote; empty without a readable manifest."""
    try:
        files = json.loads(_read(package / MANIFEST) or "{}").get("files", {})
        return {str(path): str(sha) for path, sha in files.items()}
    except (ValueError, AttributeError):
        return {}


def read_disk(package: Path, paths: Iterable[str]) -> dict[str, str | None]:
    """Return path → sha256 of the file below the package folder, ``None`` without a file."""
    return {path: sha_of(f"{package}/{path}") for path in paths}


def _read(path: Path) -> str | None:
    """Return the text of a file: ``None`` without a file, "" for a folder or what is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8", "surrogatepass")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (UnicodeDecodeError, IsADirectoryError):
        return ""


def publish(
    plan: Plan, package: Path, extra_files: Mapping[Path, str], stage: StagingDir | None = None
) -> tuple[str, ...]:
    """Make the disk what the plan says; return the names of written and deleted files.

    ``extra_files`` maps files outside the package folder (the lock, a changelog) to their texts.
    An idle plan with unchanged extra files touches nothing. ``stage`` may be prepared already.
    Raises ``CallsheetError`` with the disk as before, ``UsageError`` where a link is in the way.
    """
    changed = {path: text for path, text in extra_files.items() if _read(path) != text}
    if plan.idle and not changed:
        return ()
    try:
        if not plan.idle:
            _swap(plan, package, changed, stage or StagingDir(package))
        else:
            _replace_files(changed)
    except OSError as error:
        with suppress(CallsheetError):
            recover(package)
        raise _write_error(package, error) from error
    except UsageError:
        recover(package)
        raise
    names = [step.path for step in (*plan.writes, *plan.deletes)]
    return (*names, *(path.name for path in changed))


def _swap(plan: Plan, package: Path, extra_files: Mapping[Path, str], staged: StagingDir) -> None:
    """Stage every file, then exchange the new folder with the old one in one step.

    The journal names the extra files that belong to the folder: a run that is killed between
    the two steps is finished by the next one.
    """
    package.parent.mkdir(parents=True, exist_ok=True)
    if not staged.prepared:
        recover(package)
    staged.apply(plan)
    stage = staged.folder
    names = [os.path.relpath(path, package.parent) for path in extra_files]
    entry = {"folder": stage.stat().st_ino, "beside": names}
    _write(_journal_file(package), json.dumps(entry))
    for path, text in extra_files.items():
        _write(_part_file(path), text)
    sync_folder(package.parent)
    _swap_folders(stage, package)
    sync_folder(package.parent)
    try:
        for path in extra_files:
            _part_file(path).replace(path)
    except OSError:
        _roll_back(stage, package)
        raise
    recover(package)


def _swap_folders(stage: Path, package: Path) -> None:
    """Put the new folder where the old one was; by two renames where the system cannot swap."""
    if not package.exists():
        stage.rename(package)
    elif not swap_directories(stage, package):
        old = _old_folder(package)
        package.rename(old)
        try:
            stage.rename(package)
        except BaseException:  # an interruption too must leave the old folder
            if not package.exists():
                old.rename(package)
            raise


def _roll_back(stage: Path, package: Path) -> None:
    """Put the old folder back, after the new one had taken its place."""
    if stage.exists():
        _swap_folders(stage, package)
        return
    package.rename(stage)
    if _old_folder(package).exists():
        _old_folder(package).rename(package)


def _write(path: Path, text: str) -> None:
    """Write a file in place, durably; make its folder where that is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        os.fsync(file.fileno())


def _replace_files(files: Mapping[Path, str]) -> None:
    """Replace each file with its new text, atomically and durably."""
    for path, text in files.items():
        _write(_part_file(path), text)
        _part_file(path).replace(path)
        sync_folder(path.parent)
