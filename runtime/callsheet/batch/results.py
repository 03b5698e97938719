"""Append the results of rows to a file of JSON lines, durably and in the order of their ends."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import UsageError
from callsheet.masking import masked
from callsheet.system import PLAIN
from callsheet.text import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.storage.partial_file import SavedFile


_TAIL = 8 << 20  # bytes at the end of the file in which an unfinished run may have left its lines


class RowResult(NamedTuple):
    """What became of one row.

    ``state`` is ``saved``, ``done`` (over, and nothing was to be saved), ``failed``, ``refused``
    (not accepted), ``unsaved`` (done, and its file could not be had), ``unknown``, ``running``
    (no longer waited for) or ``unsent``. ``output`` is the reply to an action that makes no file.
    ``error`` has ``code`` and ``message``.
    """

    n: int
    key: str
    state: str
    action: str
    ref: str
    task_id: str | None = None
    url: str | None = None
    files: tuple[SavedFile, ...] = ()
    cost: float | None = None
    error: dict[str, Any] | None = None
    output: Any = None
    is_new: bool = True

    @property
    def file(self) -> str | None:
        """Return the path of the first file."""
        return self.files[0].path if self.files else None

    def to_json(self) -> dict[str, Any]:
        """Return the object that stands on a line of the results."""
        first = self.files[0] if self.files else None
        document: dict[str, Any] = {
            "key": self.key,
            "n": self.n,
            "state": self.state,
            "action": self.action,
            "taskId": self.task_id,
            "file": first.path if first else None,
            "sha256": first.sha256 if first else None,
            "url": self.url,
            "cost": self.cost,
            "error": self.error,
            "reference": self.ref or None,
        }
        if len(self.files) > 1:
            document["files"] = [file._asdict() for file in self.files]
        if self.output is not None:
            document["output"] = self.output
        return document


class ResultFile:
    """The file of a batch's results, none where it has no path; several processes may append to it.

    Raises ``UsageError`` where it cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._handle: int | None = None
        self._before: set[tuple[str, str]] | None = None

    def open(self) -> None:
        """Open the file; end a line that a crash cut off."""
        if not self.path:
            return
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | PLAIN
            self._handle = os.open(self.path, flags, 0o666)
            if self._tail(1) not in {b"", b"\n"}:
                os.write(self._handle, b"\n")
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None

    def append(self, results: Iterable[RowResult]) -> None:
        """Append a line for each result, all on the disk when this returns.

        A result of an earlier run, whose line may have been written just before that ended, is
        left out where its line is there.
        """
        if self._handle is None:
            return
        lines = [result for result in results if result.is_new or not self._has(result)]
        text = "".join(masked(dumps(result.to_json())) + "\n" for result in lines)
        left = text.encode("utf-8", "replace")
        while left:
            left = left[os.write(self._handle, left) :]
        os.fsync(self._handle)

    def _has(self, result: RowResult) -> bool:
        if self._before is None:
            self._before = set(self._read_tail())
        return (result.ref, result.state) in self._before

    def _read_tail(self) -> Iterable[tuple[str, str]]:
        for line in self._tail(_TAIL).splitlines():
            try:
                document = json.loads(line)
                yield document["reference"], document["state"]
            except (ValueError, TypeError, KeyError):
                continue

    def _tail(self, size: int) -> bytes:
        """Return the last bytes of the file."""
        with open(self.path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read()

    def close(self) -> None:
        """Close the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
