"""Replace small files atomically."""

from __future__ import annotations

import os
from contextlib import suppress


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
