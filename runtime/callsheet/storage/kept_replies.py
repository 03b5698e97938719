"""Keep raw replies and binary bodies under ``STATE/replies`` (0600), and prune them."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from callsheet.errors import DownloadError
from callsheet.magic import HEAD, SHORTEST, TYPES, container_of
from callsheet.masking import masked, masked_bytes
from callsheet.storage import containers
from callsheet.storage.atomic_file import replace_file
from callsheet.storage.output_path import CONTAINER_EXTENSIONS, EXTENSIONS
from callsheet.system import PLAIN, free_bytes, read_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from callsheet.storage.partial_file import PartialFile, SavedFile


REPLIES = "replies"
LIMIT = 200 * 1024 * 1024
CHUNK = 1 << 20
RESERVE = 8 << 20
"""Bytes that a reply leaves free on the disk: the ledger needs some too."""
_UNSAFE = r"[^A-Za-z0-9._-]"
_LONGEST_NAME = 80
UNFINISHED, UNTYPED, WHY = ".partial", ".bin", ".why"
MEDIUM_EXTENSIONS = {*EXTENSIONS.values(), *CONTAINER_EXTENSIONS.values(), UNTYPED}
DAY = 86_400.0
"""Seconds after which a part belongs to a process that ended."""


class SpooledBody:
    """A reply's body in a file: its size in bytes, its SHA-256 in hex and what it holds.

    ``container`` is the kind of file by its first bytes (``mp4``), or ``""``; ``media_type`` is
    the server's content type without parameters. ``is_medium`` is false for text that was too
    large for the memory. ``path`` follows the file to where it is saved.
    """

    def __init__(
        self,
        path: str,
        size: int,
        sha256: str,
        media_type: str,
        container: str,
        *,
        is_medium: bool = True,
    ) -> None:
        self.path, self.size, self.sha256 = path, size, sha256
        self.media_type, self.container, self.is_medium = media_type, container, is_medium

    @property
    def link(self) -> str:
        """Return the file as a link, which only this client makes."""
        from urllib.parse import quote

        return "file://" + quote(os.path.abspath(self.path))

    def describe(self) -> dict[str, object]:
        """Return what is printed in the place of a JSON reply."""
        return {"mediaType": self.media_type, "bytes": self.size, "localPath": self.path}

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the body; raise ``DownloadError`` where the file is gone."""
        try:
            with open(self.path, "rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise DownloadError(f"{self.path} cannot be read: {error.strerror}") from None

    def copy_to(self, part: PartialFile) -> None:
        """Write the body into a part file; raise ``DownloadError`` where it changed on the disk."""
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
            part.write(chunk)
        if digest.hexdigest() != self.sha256:
            raise DownloadError(f"{self.path} changed since it was received")

    def move_to(self, saved: SavedFile) -> None:
        """Remove the copy in the state folder, and let ``path`` be that of the saved file."""
        if os.path.basename(os.path.dirname(self.path)) == REPLIES:
            with suppress(OSError):
                os.unlink(self.path)
        self.path = saved.path


def _require_room(path: str, size: int = 0) -> None:
    """Raise ``OSError`` where a disk has less than ``size`` bytes free and what others need."""
    if free_bytes(path) < size + RESERVE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Spool:
    """Write the body of a reply into ``STATE/replies`` as it comes; raise ``OSError``.

    ``size`` are the bytes that will come, where that is known: they have to be free.
    """

    def __init__(self, state_dir: str, name: str, size: int = 0) -> None:
        folder = os.path.join(state_dir or ".", REPLIES)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _require_room(folder, size)
        self._path = os.path.join(folder, _file_name(name))
        self._part = f"{self._path}.{os.urandom(6).hex()}.part"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | PLAIN
        self._file = os.fdopen(os.open(self._part, flags, 0o600), "r+b", buffering=0)
        self._hash = hashlib.sha256()
        self.size = self._checked = 0

    def write(self, chunk: bytes) -> None:
        """Append bytes to the file."""
        if self.size - self._checked >= RESERVE // 4:
            self._checked = self.size
            _require_room(self._part)
        view = memoryview(chunk)
        while view:
            view = view[self._file.write(view) or 0 :]
        self._hash.update(chunk)
        self.size += len(chunk)

    def is_whole(self) -> bool:
        """Tell whether the file ends where the structure of its container says."""
        return self.size >= SHORTEST and containers.is_whole(self._file, self.size)

    def finish(self, media_type: str, *, is_medium: bool) -> SpooledBody:
        """Give the file its name, durably: with the extension of its kind for a medium."""
        container = container_of(read_at(self._file.fileno(), HEAD, 0))
        extension = _extension(container, media_type) if is_medium else ""
        path = self._path + extension
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._part, path)
        with suppress(OSError):
            os.unlink(self._path + UNFINISHED)
        digest = self._hash.hexdigest()
        return SpooledBody(path, self.size, digest, media_type, container, is_medium=is_medium)

    def abandon(self) -> str:
        """Keep what came of a body that ended early; return its path, or ``""`` for nothing."""
        self._file.close()
        path = self._path + UNFINISHED
        with suppress(OSError):
            if self.size:
                os.replace(self._part, path)
                return path
            os.unlink(self._part)
        return ""


def _extension(container: str, media_type: str) -> str:
    by_type = EXTENSIONS.get(media_type, "")
    if container and containers.expected_kind("x" + by_type) == container:
        return by_type
    return CONTAINER_EXTENSIONS.get(container, "") or by_type or UNTYPED


def stored_medium(state_dir: str, name: str) -> SpooledBody | None:
    """Return the medium that was stored as the reply to a call, or ``None``."""
    base = os.path.join(state_dir or ".", REPLIES, _file_name(name))
    for extension in sorted(MEDIUM_EXTENSIONS):
        try:
            handle = os.open(base + extension, os.O_RDONLY | PLAIN)
        except OSError:
            continue
        with os.fdopen(handle, "rb") as file:
            container = container_of(file.read(HEAD))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(handle).st_size
        return SpooledBody(base + extension, size, digest, TYPES.get(container, ""), container)
    return None


def keep_reply(state_dir: str, name: str, body: bytes, why: Sequence[str] = ()) -> str:
    """Write a reply, its keys masked, to ``STATE/replies/NAME`` (0600) and return the path.

    The lines of ``why``, how it was read, go to ``NAME.why``.
    ``name`` is a client reference or a task id; what cannot stand in a file name is replaced.
    Return ``""`` where the file cannot be written: an answer is never lost over its copy.
    """
    folder = os.path.join(state_dir or ".", REPLIES)
    path = os.path.join(folder, _file_name(name))
    try:
        replace_file(path, masked_bytes(body))
        if why:
            replace_file(path + WHY, masked("".join(f"{line}\n" for line in why)))
    except OSError:
        return ""
    return path


def _file_name(name: str) -> str:
    name = masked(name)
    plain = re.sub(_UNSAFE, "_", name)[:_LONGEST_NAME]
    if plain == name and plain.strip("."):
        return plain
    return f"{plain[:40].strip('.')}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


class Pruned(NamedTuple):
    """What ``prune`` removed, and what it left; sizes in bytes.

    ``unsaved`` counts the files left that hold the result of a job which was not saved.
    """

    removed: int
    freed: int
    files: int
    bytes: int
    unsaved: int


class _Kept(NamedTuple):
    """A file under ``STATE/replies``, in the order in which files are given up."""

    is_unsaved_medium: bool
    is_unsaved: bool
    changed: float
    path: str
    size: int


def prune(
    state_dir: str,
    saved: Collection[str],
    *,
    limit: int = LIMIT,
    newest: str = "",
    all_results: bool = False,
) -> Pruned:
    """Remove kept replies until ``limit`` bytes are left: those of saved jobs, then the oldest.

    ``saved`` are the references and task ids of saved jobs; the file at ``newest`` stays. The
    only copy of a medium stays too, unless ``all_results``: it was paid for.
    """
    names = {_file_name(name) for name in saved}
    entries = sorted(_entries(os.path.join(state_dir or ".", REPLIES), names))
    total = sum(entry.size for entry in entries)
    freed = 0
    remaining: list[_Kept] = []
    for entry in entries:
        stays = entry.path == newest or (entry.is_unsaved_medium and not all_results)
        if stays or total - freed <= limit or not _unlink(entry.path):
            remaining.append(entry)
        else:
            freed += entry.size
    unsaved = sum(entry.is_unsaved_medium for entry in remaining)
    removed = len(entries) - len(remaining)
    return Pruned(removed, freed, len(remaining), total - freed, unsaved)


def _unlink(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False
    return True


def _entries(folder: str, saved: Collection[str]) -> Iterator[_Kept]:
    try:
        listing = list(os.scandir(folder))
    except OSError:
        return
    for entry in listing:
        with suppress(OSError):
            state = entry.stat(follow_symlinks=False)
            is_open = entry.name.endswith(".part") and time.time() - state.st_mtime < DAY
            if entry.is_file(follow_symlinks=False) and not is_open:
                stem, extension = os.path.splitext(entry.name)
                is_saved = entry.name in saved or stem in saved
                is_medium = extension == UNFINISHED or extension in MEDIUM_EXTENSIONS
                yield _Kept(
                    is_medium and not is_saved, not is_saved, state.st_mtime, entry.path,
                    state.st_size,
                )  # fmt: skip
