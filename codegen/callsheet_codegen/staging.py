"""Write the new folder and exchange it with the old one."""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from callsheet_codegen.ir import Plan


_HERE = -100  # AT_FDCWD: paths start in the working directory
_SWAP = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


def exchange(one: Path, other: Path) -> bool:
    """Let two folders of one file system change places; false where that cannot be asked for."""
    call = _call()
    if call is None:
        return False
    result: int = call(os.fsencode(one), os.fsencode(other))
    return result == 0


def _call() -> Any:
    """The system's own function, as one of two paths; ``None`` where it has none."""
    import ctypes

    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            swap = library.renamex_np
            return lambda one, other: swap(one, other, ctypes.c_uint(_SWAP))
        rename = library.renameat2
    except (AttributeError, OSError, TypeError):
        return None
    return lambda one, other: rename(_HERE, one, _HERE, other, ctypes.c_uint(_SWAP))


_AT_ONCE = 16


def stage_of(package: Path) -> Path:
    """Where the new folder of a package is made."""
    return package.with_name(f".{package.name}.new")


class StagingDir:
    """The new folder of one package, which may be begun before it is known what will change."""

    def __init__(self, package: Path) -> None:
        self.package, self.folder = package, stage_of(package)
        self.begun = False
        self._seen: dict[str, int] = {}

    def begin(self) -> None:
        """Link everything there is, for a plan that will follow; where that fails, nothing."""
        if not self.package.exists():
            return
        self.begun = True
        try:
            self._link()
        except OSError:
            self.drop()

    def drop(self) -> None:
        """Take back what was begun and not published."""
        if self.begun:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.begun = False

    def fill(self, plan: Plan) -> None:
        """Links to everything that stays, foreign files too, and the new files, all durable."""
        if self.begun and not self._stands():
            self.drop()
        if not self.begun:
            self._link()
        gone = [step.path for step in (*plan.writes, *plan.deletes)]
        for path in gone:
            with suppress(FileNotFoundError):
                os.unlink(self.folder / path)
        for below in {os.path.dirname(path) for path in gone} - {""}:
            with suppress(OSError):  # it holds something
                os.rmdir(self.folder / below)
        self._write({os.path.join(self.folder, step.path): step.text for step in plan.writes})
        for folder, _, _ in os.walk(self.folder):
            sync_folder(folder)

    def _link(self) -> None:
        self.folder.mkdir()
        if self.package.exists():
            self._link_all(str(self.package), str(self.folder))

    def _link_all(self, source: str, target: str) -> None:
        """Links in ``target`` to every file of ``source``; empty folders are not taken along."""
        self._seen[source] = os.stat(source).st_mtime_ns
        with os.scandir(source) as entries:
            for entry in entries:
                self._take(entry, f"{target}/{entry.name}")

    def _take(self, entry: os.DirEntry[str], place: str) -> None:
        if not entry.is_dir(follow_symlinks=False):
            self._link_file(entry.path, place)
        elif entry.name != "__pycache__":
            os.mkdir(place)
            self._link_all(entry.path, place)
            with suppress(OSError):  # it holds something
                os.rmdir(place)

    def _link_file(self, source: str, target: str) -> None:
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:  # a file system without hard links
            if self.begun:  # an early copy would miss what is written in place until the end
                raise
            shutil.copy2(source, target, follow_symlinks=False)

    def _stands(self) -> bool:
        """Whether no file came, went or was replaced since; one written in place is the same."""
        with suppress(OSError):
            return all(os.stat(path).st_mtime_ns == seen for path, seen in self._seen.items())
        return False

    def _write(self, files: dict[str, str]) -> None:
        for folder in {os.path.dirname(path) for path in files}:
            os.makedirs(folder, exist_ok=True)
        for path, text in files.items():
            with open(path, "xb") as file:
                file.write(text.encode("utf-8", "surrogatepass"))
        make_durable(files)


def make_durable(paths: Collection[str]) -> None:
    """Wait for the disk: for many files at a time, which takes as long as for one."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(_make_durable, paths))


def _make_durable(path: str) -> None:
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path | str) -> None:
    """Make renames durable where the platform lets a folder be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
