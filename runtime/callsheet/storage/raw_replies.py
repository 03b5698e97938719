"""Keep raw replies on disk, whole, for their owner alone."""

from __future__ import annotations

import hashlib
import os
import re

from callsheet.storage.atomic_file import replace_file

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
    try:
        replace_file(path, body)
    except OSError:
        return ""
    return path


def _file_name(name: str) -> str:
    plain = re.sub(_UNSAFE, "_", name)[:_LONGEST_NAME]
    if plain == name and plain.strip("."):
        return plain
    return f"{plain[:40].strip('.')}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
