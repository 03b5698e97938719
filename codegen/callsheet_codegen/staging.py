"""Write the new folder and exchange it with the old one."""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from callsheet.errors import UsageError
from callsheet.system import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from callsheet_codegen.ir import Plan


_AT_CWD = -100  # AT_FDCWD: paths start in the working directory
_SWAP = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


def swap_directories(first: Path, second: Path) -> bool:
    """Exchange two folders of one file system; false where the system cannot."""
    swap = _system_swap()
    return swap is not None and swap(os.fsencode(first), os.fsencode(second)) == 0


def _system_swap() -> Callable[[bytes, bytes], int] | None:
    """Return the system's function that swaps two paths (0: done); ``None`` where it has none."""
    import ctypes

    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            swap = library.renamex_np
            return lambda first, second: int(swap(first, second, ctypes.c_uint(_SWAP)))
        rename = library.renameat2
    except (AttributeError, OSError, TypeError):
        return None
    return lambda a, b: int(rename(_AT_CWD, a, _AT_CWD, b, ctypes.c_uint(_SWAP)))


def link_error(path: Path) -> UsageError:
    """Return the error for a folder of the tree that is a symbolic link."""
    return UsageError(
        f"{path} is a symbolic link, and nothing is written through one",
        hint="put the folder itself there, or name the place that it leads to with --out",
    )


_MAX_FSYNCS = 16
_COMPILED = "__pycache__"


def leftover_stages(package: Path) -> list[Path]:
    """List the staging folders that killed runs left in the parent of a package."""
    return list(package.parent.glob(f".{package.name}.*.new"))


class StagingDir:
    """The new folder of one package; it may be prepared before the plan is ready."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self.folder = package.with_name(f".{package.name}.{os.urandom(4).hex()}.new")
        self.prepared = False
        self._mtimes: dict[str, int] = {}

    def prepare(self) -> None:
        """Link every file of the package before the plan is there; discard all if that fails.

        Does nothing where there is no package folder yet.
        """
        if not self.package.exists():
            return
        self.prepared = True
        try:
            self._link()
        except OSError:
            self.discard()

    def discard(self) -> None:
        """Remove the folder, if it was prepared and not published."""
        if self.prepared:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.prepared = False

    def apply(self, plan: Plan) -> None:
        """Make the folder what the plan says, durably; unchanged and foreign files are links.

        Links anew where files came or went since ``prepare``, and removes empty folders. Raises
        ``UsageError`` where a symbolic link leads out of the folder, ``OSError`` as it comes.
        """
        if self.prepared and not self._is_current():
            self.discard()
        if not self.prepared:
            self._link()
        changed = [step.path for step in (*plan.writes, *plan.deletes)]
        self._refuse_links(changed)
        for path in changed:
            with suppress(FileNotFoundError):
                os.unlink(self.folder / path)
        self._write({os.path.join(self.folder, step.path): step.text for step in plan.writes})
        for folder, _, _ in os.walk(self.folder, topdown=False):
            with suppress(OSError):  # it holds something
                os.rmdir(folder)
            sync_folder(folder)

    def _link(self) -> None:
        """Link every file of the package, but for what Python compiled."""
        if not self.package.exists():
            self.folder.mkdir()
            return
        folders = [folder for folder, _, _ in os.walk(self.package) if _COMPILED not in folder]
        self._mtimes = {folder: os.stat(folder).st_mtime_ns for folder in folders}
        shutil.copytree(
            self.package,
            self.folder,
            symlinks=True,
            ignore=shutil.ignore_patterns(_COMPILED),
            copy_function=self._link_file,
        )

    def _link_file(self, source: str, target: str) -> None:
        """Link a file, or copy it where the file system has no links and the plan is there."""
        try:
            os.link(source, target, follow_symlinks=False)
        except (OSError, NotImplementedError):  # a file system without hard links
            if self.prepared:  # an early copy would miss what is written in place until the end
                raise
            shutil.copy2(source, target, follow_symlinks=False)

    def _refuse_links(self, paths: Iterable[str]) -> None:
        """Raise ``UsageError`` where a link would lead what is written out of the folder."""
        real = os.path.realpath(self.folder)
        for folder in {os.path.dirname(path) for path in paths}:
            if os.path.realpath(self.folder / folder) != os.path.normpath(f"{real}/{folder}"):
                raise link_error(self.package / folder)

    def _is_current(self) -> bool:
        """Tell whether no file came, went or was replaced since; links follow writes in place."""
        with suppress(OSError):
            return all(os.stat(path).st_mtime_ns == mtime for path, mtime in self._mtimes.items())
        return False

    def _write(self, files: dict[str, str]) -> None:
        """Write new files (path → text) durably, with their folders; raises for one that exists."""
        for folder in {os.path.dirname(path) for path in files}:
            os.makedirs(folder, exist_ok=True)
        for path, text in files.items():
            with open(path, "xb") as file:
                file.write(text.encode("utf-8", "surrogatepass"))
        with ThreadPoolExecutor(_MAX_FSYNCS) as pool:  # many at a time take as long as one
            list(pool.map(_make_durable, files))


def _make_durable(path: str) -> None:
    with open(path, "r+b") as file:
        os.fsync(file.fileno())
