"""Call what Windows does not have, or does in another way: locks, owners, positions, folders."""

from __future__ import annotations

import os
from typing import Any

IS_POSIX = hasattr(os, "fork")
"""False where an open file cannot be renamed or removed, a folder cannot be opened, and neither
owner nor mode says who may read a file."""
PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""Flags to open a file: its bytes as they are, through no symbolic link."""
WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""Flags to open what may be a FIFO or a terminal."""
_LOCKED_BYTE = 0x7FFF_FFF0  # beyond what is read: there a lock keeps others from reading
_LOCK_NAME = ".lock"


def lock(handle: int, *, waits: bool = False) -> None:
    """Lock an open file until it is closed; raise ``BlockingIOError`` where another has locked it.

    With ``waits`` it waits for the other one.
    """
    if IS_POSIX:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        return
    from importlib import import_module

    msvcrt: Any = import_module("msvcrt")
    position = os.lseek(handle, 0, os.SEEK_CUR)
    os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
    try:
        mode = msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK
        msvcrt.locking(handle, mode, 1)
    except OSError as error:
        raise BlockingIOError(error.errno, error.strerror) from error
    finally:
        os.lseek(handle, position, os.SEEK_SET)


def open_lock(folder: str) -> int:
    """Open what ``lock`` locks for a whole folder: itself, or a file in it; raise ``OSError``."""
    if IS_POSIX:
        return os.open(folder, os.O_RDONLY)
    return os.open(os.path.join(folder, _LOCK_NAME), os.O_RDWR | os.O_CREAT | PLAIN, 0o600)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Make what was renamed in a folder durable, where the system lets it be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_own(status: os.stat_result) -> bool:
    """Tell whether this user owns a file, as far as the system tells."""
    return not IS_POSIX or status.st_uid == os.geteuid()


def may_others(status: os.stat_result, bits: int) -> bool:
    """Tell whether a file has any of these bits of mode, as far as they mean anything."""
    return IS_POSIX and bool(status.st_mode & bits)


def free_bytes(path: str) -> int:
    """Return how many bytes the disk of a file or folder has free; raise ``OSError``."""
    if IS_POSIX:
        disk = os.statvfs(path)
        return disk.f_bavail * disk.f_frsize
    import shutil

    return shutil.disk_usage(os.path.dirname(path) or ".").free


def read_at(handle: int, size: int, offset: int) -> bytes:
    """Read up to ``size`` bytes at ``offset``."""
    if hasattr(os, "pread"):
        return os.pread(handle, size, offset)
    position = os.lseek(handle, 0, os.SEEK_CUR)
    os.lseek(handle, offset, os.SEEK_SET)
    try:
        return os.read(handle, size)
    finally:
        os.lseek(handle, position, os.SEEK_SET)


def write_at(handle: int, chunk: bytes, offset: int) -> None:
    """Write a chunk at ``offset``, however many calls the system takes for it."""
    view = memoryview(chunk)
    while view:
        if hasattr(os, "pwrite"):
            written = os.pwrite(handle, view, offset)
        else:
            os.lseek(handle, offset, os.SEEK_SET)
            written = os.write(handle, view)
        view, offset = view[written:], offset + written
