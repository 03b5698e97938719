"""Replace small files atomically, one process at a time."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def locked_folder(folder: str) -> Iterator[None]:
    """Lock a folder against every other process that locks it; create it where it is missing.

    Raises ``OSError``.
    """
    import fcntl

    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
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
