"""Takes hold of a part, so that no two programs write it, and gives it its final name."""

from __future__ import annotations

import fcntl
import os
import stat
from typing import IO

from callsheet.errors import DownloadError

TRIES = 10


def held(path: str) -> IO[bytes] | None:
    """The part at ``path``, made where it is missing and locked until it is closed.

    None where another program holds it, or where it is no plain file of this user's. Raises
    ``OSError``, for a symbolic link too.
    """
    for _ in range(TRIES):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        took = _take(handle, path)
        if took:
            return os.fdopen(handle, "r+b", buffering=0)
        os.close(handle)
        if took is None:
            return None
    return None


def made(path: str) -> IO[bytes]:
    """A new part at ``path``, which nobody else knows of; raises ``OSError``."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)


def _take(handle: int, path: str) -> bool | None:
    """True when the file is ours alone, false when its name went elsewhere, else none."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    here = os.fstat(handle)
    if not stat.S_ISREG(here.st_mode) or here.st_uid != os.geteuid():
        return None
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
        return False
    if here.st_nlink > 1:  # a finished file, whose program ended before it dropped this name
        os.unlink(path)
        return False
    return True


def publish(path: str, target: str, *, force: bool) -> None:
    """Give a part its name, durably; raises ``DownloadError`` where somebody has the name."""
    if force:
        os.replace(path, target)
    else:
        try:
            _claim(path, target)
        except FileExistsError:
            raise DownloadError(
                f"{target} appeared while the file was fetched; it was left as it is",
                hint="--force replaces it",
            ) from None
    folder = os.open(os.path.dirname(target) or ".", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _claim(path: str, target: str) -> None:
    """Give the part its name unless somebody has it."""
    try:
        os.link(path, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # no hard links on this file system: take the name first, then fill it
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        os.replace(path, target)
    else:
        os.unlink(path)
