"""Keep raw replies on disk, whole, for their owner alone."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress

FOLDER = "replies"
_UNSAFE = r"[^A-Za-z0-9._-]"
_LONGEST_NAME = 80


def keep_reply(state_dir: str, name: str, body: bytes) -> str:
    """Write a reply to ``STATE/replies/NAME`` (0600) and return the path.

    ``name`` is a client reference or a task id; what cannot stand in a file name is replaced.
    Return ``""`` where the file cannot be written: an answer is never lost over its copy.
    """
    folder = os.path.join(state_dir or ".", FOLDER)
    path = os.path.join(folder, _file_name(name))
    part = f"{path}.{os.getpid()}.part"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):
            os.unlink(part)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            os.unlink(part)
        return ""
    return path


def _file_name(name: str) -> str:
    plain = re.sub(_UNSAFE, "_", name)[:_LONGEST_NAME]
    if plain == name and plain.strip("."):
        return plain
    return f"{plain[:40].strip('.')}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
