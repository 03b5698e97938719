"""Resolve the output path from a file, a folder or a template."""

from __future__ import annotations

import os
import re

from callsheet.errors import UsageError

EXTENSIONS = {
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/avif": ".avif",
    "image/svg+xml": ".svg",
    "audio/mpeg": ".mp3",
    "audio/mp3": ".mp3",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/wave": ".wav",
    "audio/ogg": ".ogg",
    "audio/opus": ".opus",
    "audio/flac": ".flac",
    "audio/x-flac": ".flac",
    "audio/aac": ".aac",
    "audio/mp4": ".m4a",
    "audio/pcm": ".pcm",
    "audio/l16": ".pcm",
    "audio/basic": ".au",
    "audio/webm": ".webm",
    "model/gltf-binary": ".glb",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
}
CONTAINER_EXTENSIONS = {
    **{kind: f".{kind}" for kind in ("mp4", "webm", "avi", "png", "gif", "webp", "avif")},
    **{kind: f".{kind}" for kind in ("mp3", "wav", "ogg", "flac", "pdf", "zip", "glb")},
    "jpeg": ".jpg",
    "tiff": ".tif",
}
WORDS = ("action", "task_id", "index", "ext")
KNOWN = frozenset(EXTENSIONS.values()) | {".jpeg", ".m4a", ".mkv", ".txt", ".svg", ".m4v"}


def check_target(path: str, *, force: bool) -> None:
    """Make the folder and refuse a target that could not be written; nothing was sent yet.

    Raises ``UsageError`` for an existing file unless ``force``, and for a folder always.
    """
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise UsageError(f"{path} is a folder", hint="end it with / to save into it", flag="--out")
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{folder} cannot be created: {why}", flag="--out") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{folder} is not writable", flag="--out")
    if os.path.lexists(path) and not force:
        raise UsageError(f"{path} exists", hint="--force replaces it", flag="--out")


def target_path(
    out: str, *, action: str, task_id: str = "", index: int = 1, extension: str = ""
) -> str:
    """Return the file that ``--out`` means: a path, a folder (ends in ``/``) or a template.

    ``{action} {task_id} {index} {ext}`` are filled with safe words; no name comes from a server.
    """
    if _is_folder(out):
        number = "-{task_id}-{index}" if task_id else "" if index == 1 else "-{index}"
        out = os.path.join(out, "{action}" + number + ".{ext}")
    words = {
        "action": _word(action),
        "task_id": _word(task_id) or "task",
        "index": str(index),
        "ext": extension.lstrip(".") or "bin",
    }
    return re.sub(r"\{(action|task_id|index|ext)\}", lambda m: words[m[1]], out)


def takes_all(out: str) -> bool:
    """Tell whether a template or a folder has a name for every medium, not for one alone."""
    return "{index}" in out or _is_folder(out)


def _is_folder(out: str) -> bool:
    """Tell whether ``--out`` means a folder: by its last slash, or as a folder that is no link."""
    return out.endswith(("/", os.sep)) or (os.path.isdir(out) and not os.path.islink(out))


def extension_of(url: str, content_type: str = "") -> str:
    """Return a known extension for a link, by its content type or its path; empty for others."""
    from urllib.parse import urlsplit

    if url[:5].lower() == "data:":
        return EXTENSIONS.get(url[5:80].partition(",")[0].partition(";")[0].lower(), "")
    by_type = EXTENSIONS.get(content_type.partition(";")[0].strip().lower(), "")
    by_path = os.path.splitext(urlsplit(url).path)[1].lower()
    return by_type or (by_path if by_path in KNOWN else "")


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:80]
