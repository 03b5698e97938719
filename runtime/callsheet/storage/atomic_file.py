"""Replace small files atomically, and keep raw replies."""

from __future__ import annotations

import os
from contextlib import suppress

REPLIES = "replies"
_UNSAFE = r"[^A-Za-z0-9._-]"
_LONGEST_NAME = 80


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


def keep_reply(state_dir: str, name: str, body: bytes) -> str:
    """Write a reply to ``STATE/replies/NAME`` (0600) and return the path.

    ``name`` is a client reference or a task id; what cannot stand in a file name is replaced.
    Return ``""`` where the file cannot be written: an answer is never lost over its copy.
    """
    folder = os.path.join(state_dir or ".", REPLIES)
    path = os.path.join(folder, _file_name(name))
    try:
        replace_file(path, body)
    except OSError:
        return ""
    return path


def _file_name(name: str) -> str:
    import hashlib
    import re

    plain = re.sub(_UNSAFE, "_", name)[:_LONGEST_NAME]
    if plain == name and plain.strip("."):
        return plain
    return f"{plain[:40].strip('.')}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
