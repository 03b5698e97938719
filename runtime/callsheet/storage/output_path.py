"""Resolve ``--out`` from a file, a folder or a template, and decide what it may overwrite."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from typing import NamedTuple

from callsheet.errors import UsageError
from callsheet.masking import masked
from callsheet.system import PLAIN, WITHOUT_WAITING
from callsheet.text import clip

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
PLACEHOLDERS = ("action", "task_id", "index", "ext")
_LATE = r"\{(task_id|index|ext)\}"
_DESCRIPTOR = r"/dev/(stdout|stderr|fd/\d+)|/proc/self/fd/\d+"
_BLOCK = 4096  # bytes
KNOWN = frozenset(EXTENSIONS.values()) | {".jpeg", ".m4a", ".mkv", ".txt", ".svg", ".m4v"}


class Destination(NamedTuple):
    """Where an output path led when it was checked, whatever becomes of that name afterwards.

    ``path`` is a file, a folder (ends in ``/``) or a template (see ``target_path``). A stream
    (device, FIFO, descriptor) is written through and never replaced.
    """

    path: str
    is_stream: bool = False

    @property
    def is_folder(self) -> bool:
        """Tell whether the user named a folder, so that the names in it are ours to choose."""
        return self.path.endswith(("/", os.sep))

    @property
    def takes_all(self) -> bool:
        """Tell whether there is a name for every medium, not for one alone."""
        return "{index}" in self.path or self.is_folder


def check_out(out: str, *, action: str, force: bool = False, manifest: bool = False) -> Destination:
    """Decide where ``out`` leads, and create its folder; nothing was sent yet.

    Raises ``UsageError`` for what cannot be written.
    """
    destination = resolve(out)
    if destination.is_stream:
        return destination
    target = target_path(destination.path, action=action, task_id="task")
    is_known = not destination.is_folder and not re.search(_LATE, destination.path)
    check_target(target, force=force, is_known=is_known)
    if manifest:
        check_target(target + ".json", force=force, is_known=is_known)
    return destination


def resolve(out: str) -> Destination:
    """Return where ``out`` leads now: to a folder that is no link, to a stream, or to a file.

    Raises ``UsageError`` for a stream that cannot be written.
    """
    try:
        mode, is_link = os.stat(out).st_mode, os.path.islink(out)
    except (OSError, ValueError):
        return Destination(out)
    if is_stream(out, mode):
        _check_stream(out, mode)
        return Destination(out, is_stream=True)
    is_folder = stat.S_ISDIR(mode) and not is_link and not out.endswith("/")
    return Destination(out + "/" if is_folder else out)


def is_stream(path: str, mode: int) -> bool:
    """Tell whether ``path``, which leads to something of this mode, is written through."""
    return re.fullmatch(_DESCRIPTOR, path) is not None or stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _check_stream(path: str, mode: int) -> None:
    """Refuse a stream that cannot be written; a FIFO is not opened, its reader would see an end."""
    try:
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if not stat.S_ISFIFO(mode):
            os.close(os.open(path, os.O_WRONLY | WITHOUT_WAITING))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", flag="--out") from None


def check_target(path: str, *, force: bool, is_known: bool = True) -> None:
    """Create the folder and refuse a target that cannot be written, before anything is sent.

    Raises ``UsageError`` for an existing file unless ``force``, always for what is no file, and
    for a folder in which no file can be made: a hidden one is written there and removed. Where
    the name is not known yet, the folder is all there is to check.
    """
    try:
        with suppress(FileNotFoundError):
            os.lstat(path)  # a name that is too long, or below a file
        folder = os.path.dirname(path) or "."
        os.makedirs(folder, exist_ok=True)
        _try_to_write(folder)
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{clip(path, 300)} cannot be written: {why}", flag="--out") from None
    if is_known and os.path.lexists(path):
        _refuse_existing(path, os.lstat(path).st_mode, force=force)


def _refuse_existing(path: str, mode: int, *, force: bool) -> None:
    if os.path.isdir(path):
        raise UsageError(f"{path} is a folder", hint="end it with / to save into it", flag="--out")
    if stat.S_ISLNK(mode):
        hint = f"a link is neither followed nor replaced: name {os.path.realpath(path)}"
        raise UsageError(f"{path} is a link", hint=hint, flag="--out")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} exists and is not a file", flag="--out")
    if not force:
        raise UsageError(f"{path} exists", hint="--force replaces it", flag="--out")


def _try_to_write(folder: str) -> None:
    """Write a hidden file into a folder and remove it; raises ``OSError``, on a full disk too."""
    path = os.path.join(folder, f".callsheet-{os.urandom(6).hex()}")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | PLAIN, 0o600)
    try:
        os.write(handle, bytes(_BLOCK))
    finally:
        os.close(handle)
        os.unlink(path)


def target_path(
    out: str, *, action: str, task_id: str = "", index: int = 1, extension: str = ""
) -> str:
    """Return the file that ``--out`` means: a path, a folder (ends in ``/``) or a template.

    ``{action} {task_id} {index} {ext}`` are filled with safe words; no name comes from a server.
    """
    if out.endswith(("/", os.sep)):
        number = "-{task_id}-{index}" if task_id else "" if index == 1 else "-{index}"
        out = os.path.join(out, "{action}" + number + ".{ext}")
    words = {
        "action": _word(action),
        "task_id": _word(task_id) or "task",
        "index": str(index),
        "ext": extension.lstrip(".") or "bin",
    }
    return re.sub(r"\{(action|task_id|index|ext)\}", lambda m: words[m[1]], out)


def extension_of(url: str, content_type: str = "") -> str:
    """Return a known extension for a link, by its content type or its path; empty for others."""
    from urllib.parse import urlsplit

    if url[:5].lower() == "data:":
        return EXTENSIONS.get(url[5:80].partition(",")[0].partition(";")[0].lower(), "")
    by_type = EXTENSIONS.get(content_type.partition(";")[0].strip().lower(), "")
    by_path = os.path.splitext(urlsplit(url).path)[1].lower()
    return by_type or (by_path if by_path in KNOWN else "")


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", masked(text)).strip("-")[:80]
