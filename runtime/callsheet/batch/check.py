"""Check every row of a batch before the first is sent, and note its key in the journal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.batch.naming import check_template, fill_template, row_digest
from callsheet.batch.rows import Row, RowFault, make_rows
from callsheet.engine.invoke import require_sendable
from callsheet.engine.local_files import require_files
from callsheet.errors import UsageError
from callsheet.jsonio import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet.batch.rows import RowShape, RowSource
    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow
    from callsheet.spec import Action
    from callsheet.storage.batch_journal import Batch, BatchJournal


_MOST_FAULTS, _MOST_FILES = 10, 1000
_TABLE = "CREATE TABLE rows (key TEXT PRIMARY KEY, n INTEGER, line INTEGER) WITHOUT ROWID"
_COUNTS = "CREATE TABLE digests (digest TEXT PRIMARY KEY, count INTEGER) WITHOUT ROWID"
_PATHS = "CREATE TABLE paths (path TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID"
_AGAIN = """
INSERT INTO digests VALUES (?, 1) ON CONFLICT (digest) DO UPDATE SET count = count + 1
RETURNING count
"""


class Plan(NamedTuple):
    """What a batch is made of: its rows, how they become bodies, and where results are saved."""

    name: str
    source: RowSource
    shape: RowShape
    out: str = ""

    def stamp(self, digests: dict[str, str]) -> str:
        """Return the digest of all that a check depends on; ``digests`` are of the schemas."""
        shape = self.shape._replace(read_cell=None)
        return digest([self.source.digest, list(shape), self.out, digests])[:32]


class KeyBook:
    """The keys and paths of the rows of one check, on the disk: they may be many."""

    def __init__(self) -> None:
        import sqlite3

        self._db = sqlite3.connect("")
        self._double = sqlite3.IntegrityError
        for table in (_TABLE, _COUNTS, _PATHS):
            self._db.execute(table)

    def enter(self, row: Row) -> Row:
        """Return the row with its key; raise ``UsageError`` where another row has its id."""
        key = row.id
        if not key:
            content = row_digest(row)[:24]
            count = self._db.execute(_AGAIN, (content,)).fetchone()[0]
            key = f"#{content}" + (f"-{count}" if count > 1 else "")
        try:
            self._db.execute("INSERT INTO rows VALUES (?, ?, ?)", (key, row.n, row.line))
        except self._double:
            line = self._db.execute("SELECT line FROM rows WHERE key = ?", (key,)).fetchone()[0]
            raise UsageError(f"line {line} has the id {key!r} too") from None
        return row._replace(key=key)

    def enter_path(self, path: str, line: int) -> None:
        """Raise ``UsageError`` where another row is saved at the same path."""
        try:
            self._db.execute("INSERT INTO paths VALUES (?, ?)", (path, line))
        except self._double:
            other = self._db.execute("SELECT line FROM paths WHERE path = ?", (path,)).fetchone()[0]
            raise UsageError(
                f"line {other} would be saved to {path} too", hint="put {n} into --out"
            ) from None

    def keys(self) -> Iterator[tuple[str, int]]:
        """Yield the key and the number of each row."""
        yield from self._db.execute("SELECT key, n FROM rows ORDER BY n")

    def close(self) -> None:
        """Remove the tables."""
        self._db.close()


class RowCheck:
    """Checks rows against the schemas of a host and against each other."""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self._engine, self._plan = engine, plan
        self.actions: dict[str, Action] = {}
        self.count = 0
        self.first: list[Row] = []
        self._existing: dict[str, str] = {}
        self._faults: list[str] = []
        self._refused = 0

    def find(self, action_id: str) -> Flow[Action]:
        """Return the action of a row, with this host's terms."""
        if not action_id:
            raise UsageError("no action is named", hint="name it after FILE, or in each row")
        if action_id not in self.actions:
            require_sendable(action_id)
            action = yield from self._engine.host.find(action_id)
            self.actions[action_id] = yield from self._engine.apply_terms(action)
        return self.actions[action_id]

    def run(self, journal: BatchJournal | None, batch: Batch | None) -> Flow[str]:
        """Check every row, then note the keys in the journal, if given; return the stamp.

        Rows that this plan was checked with before are not checked again. Raises ``RowFault``
        for rows that cannot be sent.
        """
        if self._plan.shape.action:
            yield from self.find(self._plan.shape.action)
        stamp = self._plan.stamp(self._digests())
        if batch is not None and journal is not None and batch.stamp == stamp:
            self.count = sum(journal.count(batch).values())
            return stamp
        book = KeyBook()
        try:
            yield from self._read_all(book)
            if journal is not None and batch is not None:
                self._require_free_paths(journal, batch)
                self.count = journal.enqueue(batch, stamp, book.keys())
        finally:
            book.close()
        return stamp

    def _digests(self) -> dict[str, str]:
        return {name: action.digest for name, action in sorted(self.actions.items())}

    def _read_all(self, book: KeyBook) -> Flow[None]:
        for row in make_rows(self._plan.source, self._plan.shape):
            try:
                if isinstance(row, UsageError):
                    raise row
                yield from self._check(row, book)
            except UsageError as error:
                self._refused += 1
                if len(self._faults) < _MOST_FAULTS:
                    head = "" if isinstance(row, UsageError) else self._place(row)
                    self._faults.append(head + error.message)
        if self._faults:
            raise self._fault()
        if not self.count:
            raise UsageError(f"{self._plan.source.name} has no rows")

    def _place(self, row: Row) -> str:
        return f"{self._plan.source.name} line {row.line}: "

    def _fault(self) -> RowFault:
        more = f" (and {self._refused - 1} more rows)" if self._refused > 1 else ""
        fault = RowFault(f"{self._faults[0]}{more}; nothing was sent")
        fault.faults = tuple(self._faults)
        return fault

    def _check(self, row: Row, book: KeyBook) -> Flow[None]:
        action = yield from self.find(row.action)
        require_files(action.params, row.body)
        yield from self._engine.host.validate(action, row.body)
        row = book.enter(row)
        out = row.out or self._plan.out
        if out:
            self._check_path(row, out, book)
        if len(self.first) < _MOST_FAULTS:
            self.first.append(row)
        self.count += 1

    def _check_path(self, row: Row, out: str, book: KeyBook) -> None:
        check_template(out, tuple(row.body))
        path = fill_template(out, row)
        if path.endswith("/") or "{task_id}" in path:
            return
        book.enter_path(path, row.line)
        is_late = "{index}" in path or "{ext}" in path
        if not is_late and len(self._existing) < _MOST_FILES and os.path.lexists(path):
            self._existing[row.key] = path

    def _require_free_paths(self, journal: BatchJournal, batch: Batch) -> None:
        """Raise ``UsageError`` where a row that was never sent would be saved over a file."""
        sent = journal.sent_keys(batch, tuple(self._existing))
        taken = next((path for key, path in self._existing.items() if key not in sent), None)
        if taken is not None:
            raise UsageError(
                f"{taken} exists; nothing was sent", hint="name another --out", flag="--out"
            )


def body_fields(row: Row) -> dict[str, Any]:
    """Return what ``--dry-run`` shows of a row."""
    return {"n": row.n, "key": row.key, "action": row.action, "input": row.body}
