"""The ledger: what was submitted, durably, before it leaves; then what became of it."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from callsheet.files import SavedFile

NAME = "ledger.sqlite3"
SCHEMA = """
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
PRAGMA user_version = 1;
"""
STATES = {"intent": "intent", "accepted": "running", "unsent": "unsent", "refused": "refused"}
INTENT = ("host", "action", "body", "body_digest", "schema_digest", "family", "media")
INSERT_INTENT = """
INSERT INTO jobs (ref, state, created, updated, host, action, body, body_digest, schema_digest,
  family, media) VALUES (:ref, 'intent', :now, :now, :host, :action, :body, :body_digest,
  :schema_digest, :family, :media)
ON CONFLICT (ref) DO UPDATE SET state = 'intent', updated = :now, host = :host, action = :action,
  body = :body, body_digest = :body_digest, schema_digest = :schema_digest, family = :family,
  media = :media, error = NULL
"""
CHANGES = ("said", "cost", "error")


class Ledger:
    """One SQLite file in the state folder, shared by all processes of a user; 0600, no keys.

    Raises ``UsageError`` where the file cannot be used: a paid call is then not made.
    """

    def __init__(self, folder: str, *, clock: Callable[[], float] = time.time) -> None:
        self.path = os.path.join(folder or ".", NAME)
        self._clock = clock
        self._db: sqlite3.Connection | None = None
        self._guarding = _Guard(self.path)

    def record(self, event: str, ref: str, values: Mapping[str, Any]) -> None:
        """Write one event; it is on the disk when this returns."""
        now = self._clock()
        with self._guarding, self._open() as db:
            if event == "intent":
                _refuse_twice(db, ref, values)
                row = {name: _text(values.get(name)) for name in INTENT}
                db.execute(INSERT_INTENT, {"ref": ref, "now": now, **row})
                return
            state = STATES.get(event, event)
            db.execute(
                "UPDATE jobs SET updated = ?, state = CASE WHEN state = 'saved' AND ? = 'done'"
                " THEN state ELSE ? END WHERE ref = ?",
                (now, state, state, ref),
            )
            self._change(db, ref, values)

    def _change(self, db: sqlite3.Connection, ref: str, values: Mapping[str, Any]) -> None:
        if values.get("task_ids"):
            ids = json.dumps(list(values["task_ids"]))
            db.execute("UPDATE jobs SET task_ids = ? WHERE ref = ?", (ids, ref))
        if values.get("reply") is not None:
            db.execute(
                "UPDATE jobs SET reply = ? WHERE ref = ?", (json.dumps(values["reply"]), ref)
            )
        for name in CHANGES:
            if values.get(name) is not None:
                sql = f"UPDATE jobs SET {name} = ? WHERE ref = ?"  # noqa: S608 - a constant name
                db.execute(sql, (values[name], ref))
        for file in values.get("files", ()):
            path = os.path.abspath(file.path)
            db.execute("DELETE FROM files WHERE ref = ? AND path = ?", (ref, path))
            db.execute(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?)",
                (ref, path, file.bytes, file.sha256, self._clock()),
            )
        if values.get("idempotency"):
            db.execute(
                "INSERT OR REPLACE INTO origins SELECT host, 1 FROM jobs WHERE ref = ?", (ref,)
            )

    def saved(self, ref: str, files: Iterable[SavedFile]) -> None:
        """Note the files that a job was saved to."""
        self.record("saved", ref, {"files": tuple(files)})

    def find(self, name: str) -> dict[str, Any] | None:
        """The newest job with this reference (or its first 8 characters or more) or task id."""
        rows = self._rows(
            "ref = ? OR (length(?) >= 8 AND substr(ref, 1, length(?)) = ?)", [name] * 4
        )
        return (
            rows[0]
            if rows
            else next((job for job in self._rows("instr(task_ids, ?)", [json.dumps(name)])), None)
        )

    def jobs(self, *, limit: int = 50) -> list[dict[str, Any]]:
        """The newest jobs first."""
        return self._rows("1", [], limit=limit)

    def forget(self, ref: str) -> None:
        """Drop a job and the notes of its files; the files stay."""
        with self._guarding, self._open() as db:
            db.execute("DELETE FROM files WHERE ref = ?", (ref,))
            db.execute("DELETE FROM jobs WHERE ref = ?", (ref,))

    def honours_key(self, host: str) -> bool:
        """Whether an earlier answer of this host showed that it honours an idempotency key."""
        if not os.path.exists(self.path):
            return False
        with self._guarding, self._open() as db:
            found = db.execute("SELECT 1 FROM origins WHERE origin = ? AND idempotency", (host,))
            return found.fetchone() is not None

    def close(self) -> None:
        """Close the file; it opens again when needed."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _rows(self, where: str, values: list[Any], *, limit: int = -1) -> list[dict[str, Any]]:
        if not os.path.exists(self.path):
            return []
        with self._guarding, self._open() as db:
            order = "ORDER BY created DESC LIMIT ?"
            sql = f"SELECT * FROM jobs WHERE {where} {order}"  # noqa: S608 - constants
            jobs = [dict(row) for row in db.execute(sql, [*values, limit])]
            for job in jobs:
                for name in ("task_ids", "family", "media", "reply"):
                    job[name] = json.loads(job[name]) if job[name] else None
                found = db.execute(
                    "SELECT path, bytes, sha256 FROM files WHERE ref = ?", (job["ref"],)
                )
                job["files"] = [dict(row) for row in found]
        return jobs

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            folder = os.path.dirname(self.path)
            os.makedirs(folder, mode=0o700, exist_ok=True)
            with _alone(folder):
                self._db = self._connect()
        return self._db

    def _connect(self) -> sqlite3.Connection:
        # A descriptor of an existing file is never opened here: closing it would drop the
        # locks that another connection of this process holds on the file.
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        db = sqlite3.connect(self.path, timeout=30, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            self._migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _migrate(self, db: sqlite3.Connection) -> None:
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            db.execute("BEGIN IMMEDIATE")
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in SCHEMA.split(";"):
                    db.execute(statement)
            db.commit()


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """One process at a time: SQLite does not wait for others when it turns a file to WAL."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class _Guard:
    """One thread at a time; trouble with the file becomes a ``UsageError`` that names it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._lock.release()
        if isinstance(error, (sqlite3.Error, OSError)):
            raise UsageError(
                f"the ledger {self.path} cannot be used: {error}",
                code="ledger",
                hint="paid calls are not made without it; mend it or name another state folder",
            ) from error


def _refuse_twice(db: sqlite3.Connection, ref: str, values: Mapping[str, Any]) -> None:
    """Refuse a reference that a request has left with, unless the server honours it."""
    row = db.execute("SELECT * FROM jobs WHERE ref = ?", (ref,)).fetchone()
    if row is None or row["state"] in {"unsent", "refused"}:
        return
    same = all(row[name] == values.get(name) for name in ("host", "action", "body_digest"))
    if not (same and values.get("repeat")):
        raise UsageError(
            f"the reference {ref} was used for {row['action']} already ({row['state']})",
            hint="take another one for another request"
            if not same
            else "sending it again could cost again: the server is not known to honour the key",
        )


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value)
