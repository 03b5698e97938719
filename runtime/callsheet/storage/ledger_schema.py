"""Open and migrate the ledger database; read, store and report single values of its rows."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from contextlib import contextmanager, suppress
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.errors import UsageError
from callsheet.forking import ForkAware
from callsheet.spec import Family
from callsheet.storage.atomic_file import attempts, locked_folder
from callsheet.system import PLAIN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence


T = TypeVar("T")
BUSY_TIMEOUT, PATIENCE = 2.0, 30.0
"""Seconds that SQLite itself waits for another writer, and that it is tried again at most."""
_LARGEST_REPORT = 2000  # characters of one value of a row that could not be written
_LOG_PAGES = 200  # of 4 KB: the next to open the file reads the log
STEPS = (
    """
CREATE TABLE jobs (
  ref TEXT PRIMARY KEY, state TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
  host TEXT NOT NULL, action TEXT NOT NULL, body TEXT, body_digest TEXT, schema_digest TEXT,
  family TEXT, media TEXT, task_ids TEXT NOT NULL DEFAULT '[]', said TEXT, cost REAL,
  reply TEXT, error TEXT
);
CREATE INDEX jobs_by_time ON jobs (created);
CREATE TABLE files (
  ref TEXT NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
  saved REAL NOT NULL
);
CREATE TABLE origins (origin TEXT PRIMARY KEY, idempotency INTEGER NOT NULL);
""",
    """
ALTER TABLE jobs ADD COLUMN seconds REAL;
ALTER TABLE jobs ADD COLUMN target TEXT;
CREATE INDEX jobs_by_action ON jobs (action, host, created);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX files_by_ref ON files (ref);
""",
    "ALTER TABLE jobs ADD COLUMN holder TEXT",
    "ALTER TABLE jobs ADD COLUMN sent TEXT; ALTER TABLE origins ADD COLUMN seen REAL",
    "ALTER TABLE jobs ADD COLUMN first_reply TEXT",
    "ALTER TABLE jobs ADD COLUMN estimate REAL; ALTER TABLE jobs ADD COLUMN unit TEXT",
    """
CREATE TABLE batches (
  id INTEGER PRIMARY KEY, origin TEXT NOT NULL, name TEXT NOT NULL, created REAL NOT NULL,
  updated REAL NOT NULL, plan TEXT NOT NULL, stamp TEXT NOT NULL DEFAULT '',
  UNIQUE (origin, name)
);
CREATE TABLE batch_rows (
  batch INTEGER NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL, stamp TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 1, state TEXT NOT NULL DEFAULT 'new', ref TEXT, holder TEXT,
  PRIMARY KEY (batch, key)
) WITHOUT ROWID;
CREATE INDEX batch_rows_by_n ON batch_rows (batch, stamp, n);
CREATE TABLE send_rates (
  origin TEXT PRIMARY KEY, slots REAL NOT NULL, resumes REAL NOT NULL, updated REAL NOT NULL
);
CREATE TABLE senders (
  origin TEXT NOT NULL, holder TEXT NOT NULL, open INTEGER NOT NULL, PRIMARY KEY (origin, holder)
)
""",
    "ALTER TABLE jobs ADD COLUMN cost_unit TEXT",
)
"""The statements that lead from each version of the file (``user_version``) to the next."""

LISTED = "state != 'asked'"  # a question about a job, whose answer proved that it was one
INSERT_INTENT = """
INSERT INTO jobs (ref, state, created, updated, host, action, body, body_digest, schema_digest,
  family, media, target, sent, holder, estimate, unit) VALUES (:ref, 'intent', :now, :now, :host,
  :action, :body, :body_digest, :schema_digest, :family, :media, :target, :sent, :holder,
  :estimate, :unit)
ON CONFLICT (ref) DO NOTHING
"""
RENEW_INTENT = """
UPDATE jobs SET state = 'intent', updated = :now, host = :host, action = :action, body = :body,
  body_digest = :body_digest, schema_digest = :schema_digest, family = :family, media = :media,
  target = :target, sent = :sent, holder = :holder, estimate = :estimate, unit = :unit,
  error = NULL WHERE ref = :ref
"""
SPENT = """
SELECT coalesce(sum(CASE WHEN typeof(cost) IN ('real', 'integer')
    AND (cost_unit IS NULL OR :unit IS NULL OR cost_unit = :unit) THEN cost ELSE estimate END), 0)
  FROM jobs WHERE host = :host AND created >= :since AND ref != :ref
  AND state NOT IN ('unsent', 'refused', 'asked') AND NOT (state = 'failed' AND :failed_is_free)
  AND (coalesce(unit, cost_unit) IS NULL OR :unit IS NULL OR :unit IN (unit, cost_unit))
"""
"""What was spent: as the server told it in this unit, else as it was expected to be charged."""
HONOURED = """
INSERT INTO origins SELECT host, 1, :now FROM jobs WHERE ref = :ref
ON CONFLICT (origin) DO UPDATE SET idempotency = 1, seen = :now
"""
ACCEPTED_BEFORE = """
rowid IN (SELECT old.rowid FROM jobs AS old JOIN jobs AS new ON new.ref = ?
  AND old.host = new.host AND old.action = new.action AND old.rowid < new.rowid
  WHERE old.state IN ('running', 'done', 'failed', 'saved') AND old.task_ids != '[]'
  ORDER BY old.rowid DESC LIMIT ?)
"""


def connect(path: str, say: Callable[[str], object]) -> sqlite3.Connection:
    """Open the database; create or migrate it where necessary.

    ``say`` gets a line when another process holds the lock. Raises ``UsageError``, and what
    SQLite does.
    """
    import sqlite3  # not before a ledger is used: most commands never touch it

    folder = os.path.dirname(path)
    with locked_folder(folder, say):  # SQLite does not wait for others when it turns a file to WAL
        # A descriptor of an existing file is never opened here: closing it would drop the
        # locks that another connection of this process holds on the file.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | PLAIN, 0o600))
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            db.text_factory = lambda raw: raw.decode("utf-8", "replace")
            db.create_function("holds", -1, _holds)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            _migrate(db)
        except BaseException:
            db.close()
            raise
    return db


def _holds(*columns: str | None) -> bool:
    from callsheet.storage.job_texts import holds

    words, body, *others = columns
    return holds(words or "", body, *others)


def _migrate(db: sqlite3.Connection) -> None:
    """Run the missing migrations, each in a transaction."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(STEPS):
        raise UsageError(
            f"the ledger is of a newer version: format {version}, not {len(STEPS)}",
            code="ledger",
            hint="upgrade this program, or name another state folder",
        )
    for number, step in enumerate(STEPS[version:], version + 1):
        db.execute("BEGIN IMMEDIATE")
        for statement in step.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
        db.commit()


JSON_COLUMNS = {"task_ids": list, "media": list, "sent": list, "family": dict, "first_reply": dict}
_NUMBERS = frozenset(("created", "updated", "cost", "seconds", "estimate"))
_INSTEAD = {"created": 0.0, "updated": 0.0, "state": "unknown", "host": "", "action": ""}


def read_columns(row: sqlite3.Row, names: Sequence[str]) -> dict[str, Any]:
    """Read columns of ``jobs``; one that is damaged is empty, and ``error`` names it."""
    columns: dict[str, Any] = {}
    damaged = []
    for name in names:
        try:
            columns[name] = _read_column(name, row[name])
        except (ValueError, TypeError, RecursionError):
            columns[name] = _INSTEAD.get(name)
            damaged.append(name)
    columns["task_ids"] = columns["task_ids"] or []
    if damaged:
        known = f"; {columns['error']}" if columns["error"] else ""
        columns["error"] = f"the row is damaged: {', '.join(damaged)} cannot be read{known}"
    return columns


def _read_column(name: str, raw: Any) -> Any:
    if raw is None:
        return None
    if name in _NUMBERS:
        if not isfinite(raw):
            raise ValueError(name)
        return raw
    if not isinstance(raw, str):
        raise TypeError(name)
    if name not in JSON_COLUMNS and name != "reply":
        return raw
    value = json.loads(raw) if raw else None
    expected = JSON_COLUMNS.get(name)
    if value is not None and expected is not None and not isinstance(value, expected):
        raise TypeError(name)
    if name == "family" and value is not None:
        Family(**value)
    if expected is list and not all(isinstance(text, str) for text in value or ()):
        raise TypeError(name)
    return value


class Database(ForkAware):
    """The connection of one process to the file; one thread at a time may use it.

    ``say`` gets a line when a lock has to be waited for. Errors of SQLite become ``UsageError``.
    """

    def __init__(self, path: str, say: Callable[[str], object]) -> None:
        self.path, self._say = path, say
        self.lock = threading.RLock()
        self.db: sqlite3.Connection | None = None
        self._stat: os.stat_result | None = None
        self.watch_forks()

    def before_fork(self) -> None:
        """Close the file: rows are lost where SQLite has a connection open in two processes."""
        import sqlite3

        self.lock.acquire()
        with suppress(sqlite3.Error, OSError):
            if self.db is not None and not self._is_same_file():
                self._disown()
            self.close()
        self.db = None

    def after_fork(self, *, is_child: bool) -> None:
        """Let the threads of the parent go on; in the child there is one."""
        if is_child:
            self.lock = threading.RLock()
        else:
            self.lock.release()

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to this thread, for one transaction."""
        with self.lock, self._translated(), self._connection() as db:
            yield db

    @contextmanager
    def writing(self, patience: float = PATIENCE) -> Iterator[sqlite3.Connection]:
        """Begin a transaction that no other writer can come between.

        Raises ``Busy`` where another process writes for more than ``patience`` seconds.
        """
        with self.open() as db:
            self._when_free(lambda: db.execute("BEGIN IMMEDIATE"), patience)
            yield db

    def look_up(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        """Return rows that only advise; none where the file cannot be read.

        They are asked for while a paid job is under way, and must not end it.
        """
        if not os.path.exists(self.path):
            return []
        with suppress(UsageError), self.open() as db:
            return db.execute(sql, parameters).fetchall()
        return []

    def abandon(self) -> None:
        """Close without copying the log into the file; every event is on the disk.

        Closing the last connection would copy the log into the file, and wait for the disk three
        times: as long as it took to write all of what one command writes.
        """
        db, self.db = self.db, None
        if db is None:
            return
        if sys.version_info >= (3, 12):
            import sqlite3

            db.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
            db.close()
        else:
            db.row_factory = lambda *_: db  # a circle: it is closed when the process ends

    def close(self) -> None:
        """Close the file; it opens again when needed."""
        if self.db is not None:
            self.db.close()
            self.db = None

    def _connection(self) -> sqlite3.Connection:
        """Return the connection; a new one where the file was removed or replaced."""
        if self.db is not None and not self._is_same_file():
            self._disown()
        if self.db is None:
            self.db = self._when_free(lambda: connect(self.path, self._say), PATIENCE)
            self._stat = os.stat(self.path)
        return self.db

    def _disown(self) -> None:
        """Let the connection of a removed file be: closing it would remove the log of a new file.

        SQLite removes the log by its name, before Python 3.12 in any case.
        """
        if sys.version_info < (3, 12):
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.db))
        self.abandon()

    def _is_same_file(self) -> bool:
        """Tell whether the path still leads to this file; raise ``OSError`` where it was emptied.

        SQLite would write on what it remembers of the file, and nobody could read it.
        """
        try:
            stat = os.stat(self.path)
        except FileNotFoundError:
            return False
        if not stat.st_size:
            raise OSError(errno.EIO, "another program emptied it")
        return self._stat is not None and os.path.samestat(self._stat, stat)

    def _when_free(self, action: Callable[[], T], patience: float) -> T:
        """Do what needs a lock of the file, once it is free; raise ``Busy`` where it stays so."""
        import sqlite3

        tries: Iterator[None] | None = None
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                code = error.sqlite_errorcode & 0xFF
                if code not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                    raise
            if tries is None:
                step = BUSY_TIMEOUT  # the first one is over
                tries = attempts(
                    self.path, step=step, say=self._say, patience=patience, waited=step
                )
            next(tries)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import sqlite3

        try:
            yield
        except (sqlite3.Error, OSError, OverflowError) as error:
            raise UsageError(
                f"the ledger {self.path} cannot be used: {error}",
                code="ledger",
                hint="paid calls are not made without it; repair it or name another state folder",
            ) from error


def brief_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row as JSON data for a person: nothing empty, no value too long."""
    brief = {name: value for name, value in row.items() if value not in (None, (), [], "")}
    brief["created"] = brief.pop("now", None)
    files = [file._asdict() for file in row.get("files", ())]
    brief |= {"files": files} if files else {}
    return {
        name: value if len(json.dumps(value)) <= _LARGEST_REPORT else "(too long to be shown)"
        for name, value in brief.items()
    }
