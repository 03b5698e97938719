"""Files on disk: a part file that becomes the final name only when complete and checked."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from contextlib import suppress
from typing import IO, TYPE_CHECKING, NamedTuple

from callsheet.errors import DownloadError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTENSIONS = {
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/ogg": ".ogg",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
}
KNOWN = frozenset(EXTENSIONS.values()) | {".jpeg", ".m4a", ".mkv", ".txt", ".svg", ".m4v"}
VALIDATOR = re.compile("[!-~]{1,1024}")
"""What may go back into a header; a server may send other bytes as well."""
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class SavedFile(NamedTuple):
    """A finished file: ``path`` as asked for, its size in bytes and its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


class Part:
    """A download on its way to ``target``: a hidden file beside it, resumed by range.

    Raises ``DownloadError`` for a full disk or an unwritable folder, with the name of what
    was meant to be written.
    """

    def __init__(self, target: str, *, force: bool = False) -> None:
        self.target, self.force = target, force
        self.size = 0
        self.complete = False
        self._expected: int | None = None
        self._validator = ""
        self._made = False
        self._file: IO[bytes] | None = None
        folder, name = os.path.split(target)
        self.path = os.path.join(folder, f".{name[:40]}.{os.getpid()}.{id(self):x}.part")

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
        page = "html" in headers.get("content-type", "").lower()
        if page and not self.target.lower().endswith((".html", ".htm", ".xhtml")):
            raise DownloadError("the link leads to an HTML page, not to a file")
        plain = headers.get("content-encoding", "identity").lower() == "identity"
        if status == 206:
            start, total = _range(headers.get("content-range", ""))
            if start != self.size or not plain:
                self._restart()
                return False
            self._expected = total if total is not None else self._expected
        else:
            self._restart()
            self._expected = _number(headers.get("content-length")) if plain else None
        tag = headers.get("etag", "")
        # A part of an encoded body cannot be asked for by the bytes that were decoded.
        strong = plain and not tag.startswith("W/") and VALIDATOR.fullmatch(tag)
        self._validator = tag if strong else ""
        return True

    def write(self, chunk: bytes) -> None:
        """Append bytes as they come."""
        with _disk(self.target):
            self._open().write(chunk)
        self.size += len(chunk)

    def end(self) -> None:
        """The body ended; complete when it has the length that was announced, if any was."""
        self.complete = self._expected is None or self.size == self._expected

    def commit(self) -> SavedFile:
        """Make the part durable and give it its name; raises when the name was taken meanwhile."""
        with _disk(self.target):
            file = self._open()
            file.flush()
            os.fsync(file.fileno())
            file.close()
            self._file = None
            saved = SavedFile(self.target, self.size, _sha256(self.path))
            self._publish()
        return saved

    def discard(self) -> None:
        """Remove what was fetched so far."""
        with suppress(OSError):  # a full disk refuses the last bytes of a file once more
            if self._file is not None:
                self._file.close()
        self._file = None
        if self._made:
            with suppress(FileNotFoundError):
                os.unlink(self.path)

    def _publish(self) -> None:
        if self.force:
            os.replace(self.path, self.target)
        else:
            try:
                self._claim()
            except FileExistsError:
                raise DownloadError(
                    f"{self.target} appeared while the file was fetched; it was left as it is",
                    hint="--force replaces it",
                ) from None
        folder = os.open(os.path.dirname(self.target) or ".", os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _claim(self) -> None:
        """Give the part its name unless somebody has it."""
        try:
            os.link(self.path, self.target, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:  # no hard links on this file system: take the name first, then fill it
            os.close(os.open(self.target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            os.replace(self.path, self.target)
        else:
            os.unlink(self.path)

    def _open(self) -> IO[bytes]:
        if self._file is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            self._file = os.fdopen(os.open(self.path, flags, 0o666), "wb")
            self._made = True
        return self._file

    def _restart(self) -> None:
        if self._file is not None:
            with _disk(self.target):
                self._file.seek(0)
                self._file.truncate()
        self.size = 0
        self._validator = ""


class _disk:  # noqa: N801 - a context manager reads as a verb phrase
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


def check_target(path: str, *, force: bool) -> None:
    """Make the folder and refuse a target that could not be written; nothing was sent yet.

    Raises ``UsageError``.
    """
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise UsageError(f"{path} is a folder", hint="end it with / to save into it", flag="--out")
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{folder} cannot be made: {why}", flag="--out") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{folder} is not writable", flag="--out")
    if os.path.lexists(path) and not force:
        raise UsageError(f"{path} exists", hint="--force replaces it", flag="--out")


def target_path(
    out: str, *, action: str, task_id: str = "", index: int = 1, extension: str = ""
) -> str:
    """The file that ``--out`` means: a path, a folder (ends in ``/``) or a template.

    ``{action} {task_id} {index} {ext}`` are filled with safe words; no name comes from a server.
    """
    if out.endswith(("/", os.sep)) or (os.path.isdir(out) and not os.path.islink(out)):
        out = os.path.join(out, "{action}-{task_id}-{index}.{ext}" if task_id else "{action}.{ext}")
    words = {
        "action": _word(action),
        "task_id": _word(task_id) or "task",
        "index": str(index),
        "ext": extension.lstrip(".") or "bin",
    }
    return re.sub(r"\{(action|task_id|index|ext)\}", lambda m: words[m[1]], out)


def extension_of(url: str, content_type: str = "") -> str:
    """A known extension for a link, by its path or its content type; empty for anything else."""
    from urllib.parse import urlsplit

    by_type = EXTENSIONS.get(content_type.partition(";")[0].strip().lower(), "")
    by_path = os.path.splitext(urlsplit(url).path)[1].lower()
    return by_type or (by_path if by_path in KNOWN else "")


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:80]


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _range(text: str) -> tuple[int, int | None]:
    match = RANGE.fullmatch(text.strip())
    return (int(match[1]), _number(match[3])) if match else (-1, None)


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
