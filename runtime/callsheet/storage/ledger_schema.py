"""Open and migrate the ledger database, and turn SQLite errors into usage errors."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from callsheet.errors import UsageError
from callsheet.storage.atomic_file import locked_folder

if TYPE_CHECKING:
    import sqlite3
    import threading

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
)
"""The statements that lead from each version of the file (``user_version``) to the next."""


def connect(path: str) -> sqlite3.Connection:
    """Open the database; create or migrate it where necessary."""
    import sqlite3  # not before a ledger is used: most commands never touch it

    folder = os.path.dirname(path)
    with locked_folder(folder):  # SQLite does not wait for others when it turns a file to WAL
        # A descriptor of an existing file is never opened here: closing it would drop the
        # locks that another connection of this process holds on the file.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        db = sqlite3.connect(path, timeout=30, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            _migrate(db)
        except BaseException:
            db.close()
            raise
    return db


def abandon(db: sqlite3.Connection) -> None:
    """Close without copying the log into the file; every event is on the disk.

    Closing the last connection would copy the log into the file, and wait for the disk three
    times: as long as it took to write all of what one command writes.
    """
    if sys.version_info >= (3, 12):
        import sqlite3

        db.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        db.close()
    else:
        db.row_factory = lambda *_: db  # a circle: it is closed when the system ends the program


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


class Guard:
    """A lock for one thread at a time that turns SQLite errors into a ``UsageError``."""

    def __init__(self, path: str, lock: threading.RLock) -> None:
        self.path, self._lock = path, lock

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._lock.release()
        if error is None:
            return
        import sqlite3

        if isinstance(error, (sqlite3.Error, OSError)):
            raise UsageError(
                f"the ledger {self.path} cannot be used: {error}",
                code="ledger",
                hint="paid calls are not made without it; mend it or name another state folder",
            ) from error
