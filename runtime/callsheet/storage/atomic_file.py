"""Replace small files atomically, one process at a time."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from callsheet.errors import UsageError
from callsheet.text import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SAY_AFTER, PATIENCE = 2.0, 30.0
"""Seconds after which a wait for a lock is told, and after which it ends."""
_PAUSE = 0.05  # seconds between two looks at a locked folder


class Busy(UsageError):
    """Another program held a lock for all of the time that was given: nothing was done."""

    code = "locked"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is locked by another program, and stayed so",
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
    import fcntl

    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        for _ in attempts(folder, step=_PAUSE, say=say, sleep=sleep, patience=patience):
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
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
