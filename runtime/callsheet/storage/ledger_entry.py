"""Read one row of the ledger: a paid call, its files, and the words by which people know it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.storage.job_texts import find_text, prompt_of
from callsheet.storage.ledger_schema import read_columns

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from callsheet.storage.partial_file import SavedFile


class LedgerEntry(NamedTuple):
    """One paid call as the ledger holds it: the columns of ``jobs``, and the files it was saved to.

    A column that is damaged is empty, and ``error`` names it.
    ``created`` and ``updated`` are seconds since the epoch, ``seconds`` is how long the job took.
    ``body`` is None where bodies are not stored, ``said`` is the server's own word for the state,
    ``holder`` names the process that sent the request, and ``sent`` holds digests of the texts in
    the request. ``first_reply`` answered it: ``@status`` with ``@body`` (JSON) or ``@text``.
    """

    ref: str
    state: str
    created: float
    updated: float
    host: str
    action: str
    body: str | None
    body_digest: str | None
    schema_digest: str | None
    family: dict[str, Any] | None
    media: list[str] | None
    task_ids: list[str]
    said: str | None
    cost: float | None
    reply: Any
    error: str | None
    seconds: float | None
    target: str | None
    holder: str | None
    sent: list[str] | None
    first_reply: dict[str, Any] | None = None
    estimate: float | None = None
    unit: str | None = None
    cost_unit: str | None = None
    files: tuple[SavedFile, ...] = ()

    @classmethod
    def parse(cls, row: sqlite3.Row, files: Iterable[sqlite3.Row]) -> LedgerEntry:
        """Read a row of ``jobs`` and the rows of ``files`` that belong to it."""
        from callsheet.storage.partial_file import SavedFile

        columns = read_columns(row, cls._fields[:-1])
        saved = (SavedFile(*file) for file in files)
        right = (file for file in saved if isinstance(file.path, str))
        return cls(**columns, files=tuple(right))

    @property
    def spent(self) -> tuple[float | None, str]:
        """Return what the job cost and in which unit, as the server told it or it was expected."""
        if self.cost is not None:
            return self.cost, self.cost_unit or self.unit or ""
        return self.estimate, self.unit or ""

    @property
    def prompt(self) -> str:
        """Return the prompt of the stored input, else its first text; empty where none is."""
        return prompt_of(self._input())

    @property
    def model(self) -> str:
        """Return the model that the input names, else the one that a reply names; or ``""``."""
        sources = (self._input(), self.reply, self.first_reply)
        return next((name for source in sources if (name := find_text(source, "model"))), "")

    def _input(self) -> Any:
        try:
            return json.loads(self.body or "null")
        except (ValueError, RecursionError):
            return None

    def to_row(self) -> dict[str, Any]:
        """Return the entry as plain JSON data, its files as ``path``, ``bytes`` and ``sha256``."""
        return {**self._asdict(), "files": [file._asdict() for file in self.files]}
