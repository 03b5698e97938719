"""Write a partial file that can be resumed, and publish it atomically."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import stat
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import DownloadError
from callsheet.storage import containers
from callsheet.storage.behind import Behind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


TRIES = 10


def held(path: str) -> IO[bytes] | None:
    """The part at ``path``, made where it is missing and locked until it is closed.

    None where another program holds it, or where it is no plain file of this user's. Raises
    ``OSError``, for a symbolic link too.
    """
    for _ in range(TRIES):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        took = _take(handle, path)
        if took:
            return os.fdopen(handle, "r+b", buffering=0)
        os.close(handle)
        if took is None:
            return None
    return None


def made(path: str) -> IO[bytes]:
    """A new part at ``path``, which nobody else knows of; raises ``OSError``."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)


def _take(handle: int, path: str) -> bool | None:
    """True when the file is ours alone, false when its name went elsewhere, else none."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    here = os.fstat(handle)
    if not stat.S_ISREG(here.st_mode) or here.st_uid != os.geteuid():
        return None
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
        return False
    if here.st_nlink > 1:  # a finished file, whose program ended before it dropped this name
        os.unlink(path)
        return False
    return True


def publish(path: str, target: str, *, force: bool) -> None:
    """Give a part its name, durably; raises ``DownloadError`` where somebody has the name."""
    if force:
        os.replace(path, target)
    else:
        try:
            _claim(path, target)
        except FileExistsError:
            raise DownloadError(
                f"{target} appeared while the file was fetched; it was left as it is",
                hint="--force replaces it",
            ) from None
    folder = os.open(os.path.dirname(target) or ".", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _claim(path: str, target: str) -> None:
    """Give the part its name unless somebody has it."""
    try:
        os.link(path, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # no hard links on this file system: take the name first, then fill it
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        os.replace(path, target)
    else:
        os.unlink(path)


FIRST, MOST = 2048, 4 * 1024 * 1024
PAUSE = 1.0
LARGEST = 65536


class ResumePoint(NamedTuple):
    """Which file a part belongs to, and how many of its bytes are on the disk for certain.

    ``validator`` is the strong ETag of the file, ``expected`` its whole size where it is known.
    """

    identity: str
    validator: str
    size: int
    expected: int | None

    @classmethod
    def read(cls, part: str) -> ResumePoint | None:
        """The trail of a part; none where there is none that this user wrote."""
        try:
            handle = os.open(trail_path(part), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                ours = os.fstat(handle).st_uid == os.geteuid()
                data = json.loads(file.read(LARGEST)) if ours else None
        except (OSError, ValueError, RecursionError):
            return None
        return _read(data)

    def write(self, part: str) -> None:
        """Write the trail of a part whose bytes are on the disk; raises ``OSError``."""
        path = trail_path(part)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(path + ".new", flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(self._asdict(), file)
        os.replace(path + ".new", path)

    @staticmethod
    def remove(part: str) -> None:
        """Forget how far a part has come."""
        with suppress(OSError):
            os.unlink(trail_path(part))


class ResumePolicy:
    """Lays the trails of one part, one after the other; ``clock`` measures and never jumps."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.follow(None)

    def follow(self, last: ResumePoint | None) -> None:
        """Count from this trail, or from none."""
        self._last, self._at = last, self._clock()

    def is_due(self, size: int) -> bool:
        """Whether it is time for a trail of so many bytes."""
        return is_due(size, self._last, self._clock() - self._at)

    def lay(self, left: ResumePoint, part: str, handle: int) -> None:
        """Bring all bytes of a part to the disk, then say so; raises ``OSError``."""
        os.fsync(handle)
        left.write(part)
        self.follow(left)


def _read(data: Any) -> ResumePoint | None:
    if not isinstance(data, dict) or set(data) != set(ResumePoint._fields):
        return None
    left = ResumePoint(**data)
    texts = isinstance(left.identity, str) and isinstance(left.validator, str)
    whole = type(left.expected) is int or left.expected is None
    sound = texts and whole and left.identity and left.validator.isprintable()
    return left if sound and type(left.size) is int and left.size > 0 else None


def part_path(target: str, word: str = "") -> str:
    """The hidden name beside ``target``; the same in every process, unless a word is added."""
    folder, name = os.path.split(target)
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    word = f".{word}" if word else ""
    return os.path.join(folder, f".{name[:40]}.{digest}{word}.part")


def trail_path(part: str) -> str:
    """The name of a part's trail."""
    return part.removesuffix(".part") + ".trail"


def is_due(size: int, last: ResumePoint | None, ago: float) -> bool:
    """Whether losing what has come since the last trail, ``ago`` seconds before, would be a pity.

    Much has to have come, and not at once: a trail waits for the disk, and what took less than
    ``PAUSE`` is soon fetched again.
    """
    if last is None:
        return size >= FIRST
    return ago >= PAUSE and size - last.size >= min(MOST, max(FIRST, last.size))


VALIDATOR = re.compile("[!-~]{1,1024}")
"""What may go back into a header; a server may send other bytes as well."""
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
CHUNK = 1 << 20


class SavedFile(NamedTuple):
    """A finished file: ``path`` as asked for, its size in bytes and its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


class PartialFile:
    """A download on its way to ``target``: a hidden file beside it, resumed by range.

    A later process goes on with what an interrupted one left, where a trail (a small file
    beside the part) says that it is the same file. ``identity`` names the file across
    processes; without one the link does. Only one holds a part at a time: another process
    that wants the same name gets a part of its own.
    Raises ``DownloadError`` for a full disk or an unwritable folder, with the name of what
    was meant to be written.
    """

    def __init__(
        self,
        target: str,
        *,
        force: bool = False,
        identity: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target, self.force, self.identity = target, force, identity
        self._disk = _Disk(target)
        self.size = 0
        self.complete = False
        self._expected: int | None = None
        self._validator = ""
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._behind: Behind | None = None
        self._tracker = ResumePolicy(clock)
        self.path = part_path(target)

    def resume(self, link: str) -> None:
        """Go on with what an earlier process left of this file, if it left any."""
        self.identity = self.identity or link
        if self._file is not None or not os.path.lexists(self.path):
            return
        with self._disk:
            file = self._open(keep=True)
            left = ResumePoint.read(self.path)
            known = left is not None and left.identity == self.identity
            if left is None or not known or left.size > os.fstat(file.fileno()).st_size:
                ResumePoint.remove(self.path)
                file.truncate(0)
                return
            file.truncate(left.size)
            file.seek(0)
            while chunk := file.read(CHUNK):
                self._hash.update(chunk)
        self.size, self._expected, self._validator = left.size, left.expected, left.validator
        self._tracker.follow(left)

    def headers(self) -> dict[str, str]:
        """Headers for the next GET: the rest of the file, if it is still the same one."""
        headers = {"Accept-Encoding": "identity"}
        if self.size and self._validator:
            headers |= {"Range": f"bytes={self.size}-", "If-Range": self._validator}
        return headers

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """Look at an answer's head; true when its body belongs into this file.

        Raises ``DownloadError`` for a page that stands where the file should be.
        """
        if status == 416:
            self.complete = bool(self.size) and self._expected == self.size
            if not self.complete:
                self._restart()
            return False
        if status not in {200, 206}:
            return False
        _refuse_page(headers, self.target)
        plain = headers.get("content-encoding", "identity").lower() == "identity"
        tag = headers.get("etag", "")
        if status == 206:
            start, total = _range(headers.get("content-range", ""))
            other = total not in {None, self._expected} and self._expected is not None
            if start != self.size or not plain or other or (tag and tag != self._validator):
                self._restart()
                return False
            self._expected = total if total is not None else self._expected
            return True
        self._restart()
        self._expected = _number(headers.get("content-length")) if plain else None
        # A part of an encoded body cannot be asked for by the bytes that were decoded.
        self._validator = tag if plain and _is_strong(tag) else ""
        return True

    def write(self, chunk: bytes) -> None:
        """Append bytes as they come."""
        with self._disk:
            if self._behind is None:
                handle = self._open().fileno()
                self._behind = Behind(handle, self.size, self._hash, self._landed)
            self._behind.write(chunk)
        self.size += len(chunk)

    def end(self) -> None:
        """The body ended; complete when it has the length that was announced.

        Where none was, the file's own structure says whether it is whole.
        """
        if self._expected is not None:
            self.complete = self.size == self._expected
            return
        with self._disk:
            file = self._settled()
            begun = self.size >= containers.SHORTEST or not containers.expected_kind(self.target)
            self.complete = begun and containers.is_whole(file, self.size)

    def require_kind(self, expected: frozenset[str] = frozenset()) -> str:
        """Return the container that the file holds; raise as ``containers.require_kind`` does."""
        with self._disk:
            head = os.pread(self._settled().fileno(), containers.HEAD, 0)
        return containers.require_kind(self.target, head, expected)

    def commit(self) -> SavedFile:
        """Make the part durable and give it its name; raises when the name was taken meanwhile."""
        with self._disk:
            file = self._settled()
            os.fsync(file.fileno())
            saved = SavedFile(self.target, self.size, self._hash.hexdigest())
            publish(self.path, self.target, force=self.force)
            self._close()
            ResumePoint.remove(self.path)
        return saved

    def keep(self) -> None:
        """Leave what was fetched to a later process, or remove what no one could go on with."""
        if self._file is None:
            return
        if not (self.size and self._validator):
            self.discard()
            return
        try:
            with self._disk:
                self._settled()
                self._lay(self.size)
            self._close()
        except DownloadError:
            self.discard()

    def discard(self) -> None:
        """Remove what was fetched so far."""
        self._stop()
        if self._file is not None:
            with suppress(FileNotFoundError):
                os.unlink(self.path)
            ResumePoint.remove(self.path)
        self._close()

    def _close(self) -> None:
        with suppress(OSError):  # what could not be written was told before
            if self._file is not None:
                self._file.close()
        self._file = None

    def _landed(self, size: int) -> None:
        """So much is in the file: leave a trail where it is time, unless that is all there is."""
        if self._validator and size != self._expected and self._tracker.is_due(size):
            self._lay(size)

    def _lay(self, size: int) -> None:
        left = ResumePoint(self.identity, self._validator, size, self._expected)
        self._tracker.lay(left, self.path, self._open().fileno())

    def _settled(self) -> IO[bytes]:
        """The file with all that was written to it."""
        if self._behind is not None:
            self._behind.settle()
            self._behind = None
        return self._open()

    def _stop(self) -> None:
        """End what is written behind, when nobody wants it any more."""
        if self._behind is not None:
            self._behind.stop()
            self._behind = None

    def _open(self, *, keep: bool = False) -> IO[bytes]:
        """The file, taken hold of when it is first needed; emptied unless it is to be kept."""
        if self._file is None:
            self._file = held(self.path)
            if self._file is None:
                self.path = part_path(self.target, f"{os.getpid()}.{id(self):x}")
                self._file = made(self.path)
            if not keep:
                ResumePoint.remove(self.path)
                self._file.truncate(0)
        return self._file

    def _restart(self) -> None:
        self._stop()
        if self._file is not None:
            with self._disk:
                ResumePoint.remove(self.path)
                self._file.truncate(0)
        self.size = 0
        self._validator = ""
        self._tracker.follow(None)
        self._hash = hashlib.sha256()


class _Disk:
    """Turns trouble with the disk into a ``DownloadError`` that names the target."""

    def __init__(self, target: str) -> None:
        self.target = target

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            raise DownloadError(
                f"{self.target} cannot be written: {error.strerror}",
                hint="free some space, then save again" if full else "choose another --out",
            ) from error


def _refuse_page(headers: Mapping[str, str], target: str) -> None:
    page = "html" in headers.get("content-type", "").lower()
    if page and not target.lower().endswith((".html", ".htm", ".xhtml")):
        raise DownloadError("the link leads to an HTML page, not to a file")


def _is_strong(tag: str) -> bool:
    return not tag.startswith("W/") and VALIDATOR.fullmatch(tag) is not None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _range(text: str) -> tuple[int, int | None]:
    match = RANGE.fullmatch(text.strip())
    return (int(match[1]), _number(match[3])) if match else (-1, None)
