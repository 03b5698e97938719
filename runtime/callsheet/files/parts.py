"""Files on disk: a part file that becomes the final name only when complete and checked."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, NamedTuple

from callsheet.engine import trail
from callsheet.engine.trail import Tracker, Trail
from callsheet.errors import DownloadError
from callsheet.files import containers, landing
from callsheet.files.behind import Behind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VALIDATOR = re.compile("[!-~]{1,1024}")
"""What may go back into a header; a server may send other bytes as well."""
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
CHUNK = 1 << 20


class SavedFile(NamedTuple):
    """A finished file: ``path`` as asked for, its size in bytes and its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


class Part:
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
        self._tracker = Tracker(clock)
        self.path = trail.part_path(target)

    def resume(self, link: str) -> None:
        """Go on with what an earlier process left of this file, if it left any."""
        self.identity = self.identity or link
        if self._file is not None or not os.path.lexists(self.path):
            return
        with self._disk:
            file = self._open(keep=True)
            left = Trail.read(self.path)
            known = left is not None and left.identity == self.identity
            if left is None or not known or left.size > os.fstat(file.fileno()).st_size:
                Trail.remove(self.path)
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
            landing.publish(self.path, self.target, force=self.force)
            self._close()
            Trail.remove(self.path)
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
            Trail.remove(self.path)
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
        left = Trail(self.identity, self._validator, size, self._expected)
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
            self._file = landing.held(self.path)
            if self._file is None:
                self.path = trail.part_path(self.target, f"{os.getpid()}.{id(self):x}")
                self._file = landing.made(self.path)
            if not keep:
                Trail.remove(self.path)
                self._file.truncate(0)
        return self._file

    def _restart(self) -> None:
        self._stop()
        if self._file is not None:
            with self._disk:
                Trail.remove(self.path)
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
