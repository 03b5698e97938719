"""Replace small files atomically, one process at a time, and name finished ones."""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING

from callsheet.errors import UsageError
from callsheet.system import PLAIN, lock, open_lock, sync_folder
from callsheet.text import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SAY_AFTER, PATIENCE = 2.0, 30.0
"""Seconds after which a wait for a lock is reported, and after which it ends."""
_PAUSE = 0.05  # seconds between two looks at a locked folder
_LONGEST_STEM, _LONGEST_EXTENSION = 200, 16  # bytes; characters


class Busy(UsageError):
    """Another program held a lock for all of the time that was given: nothing was done."""

    code = "locked"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is locked by another program, which did not release it in time",
            hint=f"let that program finish, or end it (`fuser {path}` may name it); then try again",
        )


def attempts(
    path: str,
    *,
    step: float,
    say: Callable[[str], object],
    patience: float = PATIENCE,
    sleep: Callable[[float], object] = lambda _: None,
    waited: float = 0.0,
) -> Iterator[None]:
    """Yield once for each try to lock ``path``; raise ``Busy`` after ``patience`` seconds.

    Each try takes ``step`` seconds: by itself, or by ``sleep`` after it; ``waited`` seconds were
    spent before. Counted are the tries, so that no clock that jumps ends the wait.
    """
    is_told = False
    while waited < patience:
        if waited >= SAY_AFTER and not is_told:
            is_told = True
            say(f"waiting for {path}: another program has locked it")
        yield
        sleep(step)
        waited += step
    raise Busy(path)


@contextmanager
def locked_folder(
    folder: str,
    say: Callable[[str], object] = warn,
    sleep: Callable[[float], object] = time.sleep,
    patience: float = PATIENCE,
) -> Iterator[None]:
    """Lock a folder against every other process that locks it; create it where it is missing.

    ``say`` gets a line where that takes time. Raises ``OSError``, and ``Busy`` where it stays
    locked.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle = open_lock(folder)
    try:
        for _ in attempts(folder, step=_PAUSE, say=say, sleep=sleep, patience=patience):
            with suppress(BlockingIOError):
                lock(handle)
                break
        yield
    finally:
        os.close(handle)


def replace_file(path: str, content: str | bytes, *, durable: bool = False) -> None:
    """Write ``content`` so that every reader sees the old file or the new one, never a part.

    The file belongs to its owner alone (0600), and so do folders that are missing (0700). With
    ``durable`` the bytes are on the disk before the file takes its name. Raises ``OSError``.
    """
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    part = f"{path}.{os.urandom(6).hex()}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | PLAIN
    handle = os.open(part, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(handle)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise


def publish(path: str, target: str, *, force: bool) -> tuple[str, str]:
    """Rename ``path`` to ``target`` or, where that fails, to a free name beside it, durably.

    Return the name, and why it is another one or ``""``. Only a plain file is replaced, and only
    with ``force``. Raises the ``OSError`` of the target where no name beside it can be had.
    """
    failed: OSError | None = None
    for name in chain([target], _free_names(target)):
        try:
            _rename(path, name, force=force and name == target)
        except OSError as error:
            failed = failed or error
        else:
            break
    else:
        raise failed or OSError(target)
    sync_folder(os.path.dirname(name) or ".")
    return name, "" if failed is None else _reason(target, failed)


def _reason(target: str, error: OSError) -> str:
    if isinstance(error, FileExistsError | IsADirectoryError):
        return f"{target} exists by now"
    return f"{target} cannot be written: {error.strerror}"


def _free_names(target: str) -> Iterator[str]:
    """Yield other names beside ``target``, short enough for any disk; the last ones are random."""
    folder, name = os.path.split(target)
    stem, extension = os.path.splitext(name)
    stem = os.fsencode(stem)[:_LONGEST_STEM].decode(errors="ignore")
    extension = extension[:_LONGEST_EXTENSION]
    for suffix in (*range(2, 100), *(os.urandom(8).hex() for _ in range(10))):
        yield os.path.join(folder, f"{stem}-{suffix}{extension}")


def _rename(path: str, name: str, *, force: bool) -> None:
    """Rename a file unless the name exists; with ``force`` a plain file is replaced."""
    if force and os.path.lexists(name):
        if not stat.S_ISREG(os.lstat(name).st_mode):
            raise FileExistsError(name)
        os.replace(path, name)
        return
    try:
        os.link(path, name, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # no hard links: take the name, then fill it
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | PLAIN, 0o666))
        os.replace(path, name)
    else:
        os.unlink(path)
