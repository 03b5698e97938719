"""Write a partial file that can be resumed, and publish it atomically."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import DownloadError, WrongKind
from callsheet.forking import ForkAware
from callsheet.magic import HEAD, SHORTEST
from callsheet.masking import masked
from callsheet.storage import containers
from callsheet.storage.atomic_file import publish
from callsheet.storage.output_path import is_stream
from callsheet.system import IS_POSIX, PLAIN, WITHOUT_WAITING, is_own, lock, read_at, write_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


LOCK_TRIES = 10


def open_locked(path: str) -> IO[bytes] | None:
    """Open the part at ``path``, or create it, and lock it until it is closed.

    Return None where another program has locked it, or where it is no plain file of this user.
    Raise ``OSError``, for a symbolic link too.
    """
    for _ in range(LOCK_TRIES):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | PLAIN | WITHOUT_WAITING, 0o666)
        is_ours = _lock(handle, path)
        if is_ours:
            return os.fdopen(handle, "r+b", buffering=0)
        os.close(handle)
        if is_ours is None:
            return None
    return None


def create(path: str) -> IO[bytes]:
    """Create a new part at ``path``; raise ``OSError`` where the name exists."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | PLAIN
    return os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)


def _lock(handle: int, path: str) -> bool | None:
    """Return True when the file is ours, False when its name moved on, None when it is taken."""
    try:
        lock(handle)
    except OSError:
        return None
    opened = os.fstat(handle)
    if not stat.S_ISREG(opened.st_mode) or not is_own(opened):
        return None
    try:
        named = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino):
        return False
    if opened.st_nlink > 1:  # a finished file, whose program ended before it dropped this name
        os.unlink(path)
        return False
    return True


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
        """Read the resume point of a part; None where there is none that this user wrote."""
        try:
            handle = os.open(resume_path(part), os.O_RDONLY | PLAIN | WITHOUT_WAITING)
            with os.fdopen(handle, "rb") as file:
                is_ours = is_own(os.fstat(handle))
                document = json.loads(file.read(LARGEST)) if is_ours else None
        except (OSError, ValueError, RecursionError):
            return None
        return _parse_resume_point(document)

    def write(self, part: str) -> None:
        """Write the resume point of a part whose bytes are on the disk; raise ``OSError``."""
        path = resume_path(part)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | PLAIN
        with os.fdopen(os.open(path + ".new", flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(self._asdict(), file)
        os.replace(path + ".new", path)

    @staticmethod
    def remove(part: str) -> None:
        """Remove the resume point of a part, if it has one."""
        with suppress(OSError):
            os.unlink(resume_path(part))


class ResumePolicy:
    """When the next resume point of a part is due; ``clock`` measures and never jumps."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.restart(None)

    def restart(self, last: ResumePoint | None) -> None:
        """Count from this resume point, or from none."""
        self._last, self._at = last, self._clock()

    def is_due(self, size: int) -> bool:
        """Tell whether it is time for a resume point at ``size`` bytes."""
        return is_due(size, self._last, self._clock() - self._at)


def _parse_resume_point(document: Any) -> ResumePoint | None:
    if not isinstance(document, dict) or set(document) != set(ResumePoint._fields):
        return None
    point = ResumePoint(**document)
    are_texts = isinstance(point.identity, str) and isinstance(point.validator, str)
    has_length = type(point.expected) is int or point.expected is None
    is_sound = are_texts and has_length and point.identity and point.validator.isprintable()
    return point if is_sound and type(point.size) is int and point.size > 0 else None


def part_path(target: str, suffix: str = "") -> str:
    """Return the hidden name beside ``target``: the same in every process without a suffix."""
    folder, name = os.path.split(target)
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    suffix = f".{suffix}" if suffix else ""
    return os.path.join(folder, f".{name[:40]}.{digest}{suffix}.part")


def resume_path(part: str) -> str:
    """Return the path of a part's resume point."""
    return part.removesuffix(".part") + ".trail"


def is_due(size: int, last: ResumePoint | None, ago: float) -> bool:
    """Tell whether enough has come since the last resume point, ``ago`` seconds before.

    Much has to have come, and not at once: a resume point waits for the disk, and what took
    less than ``PAUSE`` is soon fetched again.
    """
    if last is None:
        return size >= FIRST
    return ago >= PAUSE and size - last.size >= min(MOST, max(FIRST, last.size))


VALIDATOR = re.compile("[!-~]{1,1024}")
"""What may go back into a header; a server may send other bytes as well."""
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
CHUNK = 1 << 20


class SavedFile(NamedTuple):
    """A finished file: ``path`` where it lies, its size in bytes and its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


class PartialFile(ForkAware):
    """A download on its way to ``target``: a hidden file beside it, resumed by range.

    A later process goes on with what an interrupted one left, where the resume point (a small
    file beside the part) says that it is the same file. ``identity`` names the file across
    processes; without one the link does. Only one holds a part at a time: another process
    that wants the same name gets a part of its own. ``moved`` says why a file has got another name
    than ``target``; without ``asks_rest`` the next request is for the whole file.
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
        self.target, self.force, self.identity = target, force, masked(identity)
        self._disk = _DiskErrors(target)
        self.size = 0
        self.complete = False
        self.moved = ""
        self.asks_rest = True
        self._expected: int | None = None
        self._validator = ""
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._policy = ResumePolicy(clock)
        self.path = part_path(target)
        self.watch_forks()

    def after_fork(self, *, is_child: bool) -> None:
        """Leave the file to the parent: its lock would last as long as the child."""
        if is_child:
            self._close()

    def resume(self, link: str) -> None:
        """Take over what an earlier process fetched of this file, if it left any."""
        self.identity = self.identity or masked(link)
        if self._file is not None or not os.path.lexists(self.path):
            return
        with self._disk:
            file = self._open(keep=True)
            point = ResumePoint.read(self.path)
            is_same = point is not None and point.identity == self.identity
            if point is None or not is_same or point.size > os.fstat(file.fileno()).st_size:
                ResumePoint.remove(self.path)
                file.truncate(0)
                return
            file.truncate(point.size)
            for chunk in _chunks(file):
                self._hash.update(chunk)
        self.size, self._expected, self._validator = point.size, point.expected, point.validator
        self._policy.restart(point)

    def headers(self) -> dict[str, str]:
        """Return the headers of the next GET: a range, if the file is still the same one."""
        headers = {"Accept-Encoding": "identity"}
        if self.size and self._validator and self.asks_rest:
            headers |= {"Range": f"bytes={self.size}-", "If-Range": self._validator}
        return headers

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """Check the head of a reply; return True when its body belongs into this file.

        Raise ``DownloadError`` for a page in place of the file.
        """
        if status == 416:
            self.complete = bool(self.size) and self._expected == self.size
            if not self.complete:
                self._restart()
            return False
        if status not in {200, 206}:
            return False
        _refuse_page(headers, self.target)
        is_plain = headers.get("content-encoding", "identity").lower() == "identity"
        tag = headers.get("etag", "")
        if status == 206:
            start, total = _range(headers.get("content-range", ""))
            is_other = total not in {None, self._expected} and self._expected is not None
            if start != self.size or not is_plain or is_other or (tag and tag != self._validator):
                self._restart()
                return False
            self._expected = total if total is not None else self._expected
            return True
        self._restart()
        self._expected = _number(headers.get("content-length")) if is_plain else None
        # A part of an encoded body cannot be asked for by the bytes that were decoded.
        self._validator = tag if is_plain and _is_strong(tag) else ""
        return True

    def write(self, chunk: bytes) -> None:
        """Append the next bytes, hash them, and save a resume point when one is due."""
        with self._disk:
            write_at(self._open().fileno(), chunk, self.size)
            self._hash.update(chunk)
            self.size += len(chunk)
            if self._validator and self.size != self._expected and self._policy.is_due(self.size):
                self._save_resume_point()

    def end(self) -> None:
        """Set ``complete`` when the body has the length that was announced.

        Where none was, the file's own structure tells whether it is whole.
        """
        if self._expected is not None:
            self.complete = self.size == self._expected
            return
        with self._disk:
            is_long = self.size >= SHORTEST or not containers.expected_kind(self.target)
            self.complete = is_long and containers.is_whole(self._open(), self.size)

    def require_kind(self, expected: frozenset[str] = frozenset()) -> str:
        """Return the container that the file holds; raise as ``containers.require_kind`` does."""
        with self._disk:
            head = read_at(self._open().fileno(), HEAD, 0)
        return containers.require_kind(self.target, head, expected)

    def commit(self) -> SavedFile:
        """Make the part durable and give it its name, or a free one beside it; see ``moved``."""
        with self._disk:
            if not self._has_name():
                self._copy_lost()
            os.fsync(self._open().fileno())
            if not IS_POSIX:
                self._close()
            name, self.moved = publish(self.path, self.target, force=self.force)
            self._close()
            ResumePoint.remove(self.path)
        return SavedFile(name, self.size, self._hash.hexdigest())

    def _has_name(self) -> bool:
        """Tell whether the part still lies under its name."""
        try:
            return os.path.samestat(os.fstat(self._open().fileno()), os.lstat(self.path))
        except OSError:
            return False

    def _copy_lost(self) -> None:
        """Write the part again where somebody removed its name, or the whole folder."""
        lost, self._file = self._open(), None
        ResumePoint.remove(self.path)
        self.path = self._own_path()
        with lost:
            handle = self._open().fileno()
            for chunk in _chunks(lost):
                write_at(handle, chunk, lost.tell() - len(chunk))

    def suspend(self) -> None:
        """Leave the part to a later process, or remove one that nobody could resume."""
        if self._file is None:
            return
        if not (self.size and self._validator):
            self.discard()
            return
        try:
            with self._disk:
                self._save_resume_point()
            self._close()
        except DownloadError:
            self.discard()

    def discard(self) -> None:
        """Remove what was fetched so far."""
        if self._file is not None:
            if not IS_POSIX:
                self._close()
            with suppress(FileNotFoundError):
                os.unlink(self.path)
            ResumePoint.remove(self.path)
        self._close()

    def _close(self) -> None:
        with suppress(OSError):  # a failed write has raised already
            if self._file is not None:
                self._file.close()
        self._file = None

    def _save_resume_point(self) -> None:
        """Bring all bytes to the disk, then say so in the resume point."""
        point = ResumePoint(self.identity, self._validator, self.size, self._expected)
        os.fsync(self._open().fileno())
        point.write(self.path)
        self._policy.restart(point)

    def _open(self, *, keep: bool = False) -> IO[bytes]:
        """Open and lock the file when it is first needed; empty it unless ``keep``."""
        if self._file is None:
            self._file = self._open_part()
            if not keep:
                ResumePoint.remove(self.path)
                self._file.truncate(0)
        return self._file

    def _open_part(self) -> IO[bytes]:
        """Open the part, or another one where that name cannot be had."""
        os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
        with suppress(OSError):
            if file := open_locked(self.path):
                return file
        self.path = self._own_path()
        return create(self.path)

    def _own_path(self) -> str:
        return part_path(self.target, f"{os.getpid()}.{id(self):x}")

    def _restart(self) -> None:
        if self._file is not None:
            with self._disk:
                ResumePoint.remove(self.path)
                self._file.truncate(0)
        self.size = 0
        self._validator = ""
        self._policy.restart(None)
        self._hash = hashlib.sha256()


class StreamedFile(PartialFile):
    """A download that is written through to a device or a FIFO once it is whole.

    Until then it lies in a nameless temporary file; an interrupted one starts again.
    """

    def resume(self, link: str) -> None:
        """Start anew."""

    def commit(self) -> SavedFile:
        """Copy the file into the stream; raise ``DownloadError`` where nobody reads it."""
        with self._disk, open(_open_stream(self.target), "wb") as stream:
            stream.writelines(_chunks(self._open()))
        self._close()
        return SavedFile(self.target, self.size, self._hash.hexdigest())

    def suspend(self) -> None:
        """Remove what was fetched so far."""
        self._close()

    discard = suspend

    def _save_resume_point(self) -> None:
        """Save nothing: no later process can find the file."""

    def _open_part(self) -> IO[bytes]:
        from tempfile import TemporaryFile

        return TemporaryFile(buffering=0)


READER_PAUSE, READER_TRIES = 0.05, 1200  # seconds; together a minute


def _open_stream(path: str, sleep: Callable[[float], None] = time.sleep) -> int:
    """Open a device, or a FIFO as soon as somebody reads it; raise ``OSError`` after a minute."""
    flags = os.O_WRONLY | os.O_APPEND | WITHOUT_WAITING
    for _ in range(READER_TRIES):
        try:
            handle = os.open(path, flags)
        except OSError as error:
            if error.errno != errno.ENXIO or not stat.S_ISFIFO(os.stat(path).st_mode):
                raise
            sleep(READER_PAUSE)
            continue
        if is_stream(path, os.fstat(handle).st_mode):
            if hasattr(os, "set_blocking"):
                os.set_blocking(handle, True)
            return handle
        os.close(handle)
        raise FileExistsError(errno.EEXIST, "it is a file by now")
    raise OSError(errno.ENXIO, "nobody reads it")


class _DiskErrors:
    """Turns trouble with the disk into a ``DownloadError`` that names the target."""

    def __init__(self, target: str) -> None:
        self.target = target

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            raise DownloadError(
                f"{self.target} cannot be written: {error.strerror}",
                hint="free some space, then save again" if is_full else "choose another path",
            ) from error


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Read a file from its start."""
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


def _refuse_page(headers: Mapping[str, str], target: str) -> None:
    is_page = "html" in headers.get("content-type", "").lower()
    if is_page and not target.lower().endswith((".html", ".htm", ".xhtml")):
        raise WrongKind("the link leads to an HTML page, not to a file")


def _is_strong(tag: str) -> bool:
    return not tag.startswith("W/") and VALIDATOR.fullmatch(tag) is not None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _range(text: str) -> tuple[int, int | None]:
    match = RANGE.fullmatch(text.strip())
    return (int(match[1]), _number(match[3])) if match else (-1, None)
