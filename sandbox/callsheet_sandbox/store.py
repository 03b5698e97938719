"""Keep tasks, charges, credits, replies and the request log in one SQLite file."""

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from callsheet_sandbox.templates import Json

_TABLES = """
CREATE TABLE IF NOT EXISTS tasks (
  realm TEXT, id TEXT PRIMARY KEY, upstream TEXT, action TEXT, media TEXT, scene TEXT,
  prompt TEXT, provider TEXT, model TEXT, body TEXT, created REAL, seconds REAL,
  reference TEXT, asked INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS charges (
  seq INTEGER PRIMARY KEY, realm TEXT, reference TEXT, action TEXT, cost INTEGER, task TEXT);
CREATE TABLE IF NOT EXISTS credits (realm TEXT PRIMARY KEY, remaining INTEGER);
CREATE TABLE IF NOT EXISTS replies (
  realm TEXT, reference TEXT, request TEXT, body TEXT,
  PRIMARY KEY (realm, reference));
CREATE TABLE IF NOT EXISTS searches (seq INTEGER PRIMARY KEY, realm TEXT, query TEXT, at REAL);
CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY, realm TEXT, entry TEXT, status INTEGER);
"""
_RESETS = (
    "DELETE FROM tasks WHERE ?1 IS NULL OR realm = ?1",
    "DELETE FROM charges WHERE ?1 IS NULL OR realm = ?1",
    "DELETE FROM credits WHERE ?1 IS NULL OR realm = ?1",
    "DELETE FROM replies WHERE ?1 IS NULL OR realm = ?1",
    "DELETE FROM searches WHERE ?1 IS NULL OR realm = ?1",
    "DELETE FROM log WHERE ?1 IS NULL OR realm = ?1",
)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One job as stored: times in seconds since the epoch, `body` as JSON text."""

    realm: str
    id: str
    upstream: str
    action: str
    media: str
    scene: str | None
    prompt: str
    provider: str | None
    model: str | None
    body: str
    created: float
    seconds: float
    reference: str
    asked: int = 0


class Store:
    """All state of the sandbox; every method is one short transaction and thread-safe."""

    def __init__(self, path: Path, credit: int) -> None:
        self._credit = credit
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # Losing the last second of a sandbox's state in a power cut costs nobody anything.
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {_TABLES}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _run(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Json, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def reset(self, realm: str | None = None) -> None:
        """Forget everything of one realm, or of all."""
        for sql in _RESETS:
            self._run(sql, (realm,))

    def credits(self, realm: str) -> int:
        """Return the credits left."""
        rows = self._run("SELECT remaining FROM credits WHERE realm = ?", (realm,))
        return int(rows[0][0]) if rows else self._credit

    def set_credits(self, realm: str, remaining: int) -> None:
        """Set the credits left."""
        self._run("INSERT OR REPLACE INTO credits VALUES (?, ?)", (realm, remaining))

    def charge(
        self, realm: str, *, reference: str, action: str, cost: int, task: str | None
    ) -> bool:
        """Take `cost` credits and note the charge; False, and nothing done, if they fall short."""
        with self._lock:
            remaining = self.credits(realm)
            if remaining < cost:
                return False
            self.set_credits(realm, remaining - cost)
            self._run(
                "INSERT INTO charges (realm, reference, action, cost, task) VALUES (?, ?, ?, ?, ?)",
                (realm, reference, action, cost, task),
            )
            return True

    def charges(self, realm: str) -> list[dict[str, Json]]:
        """Return the charges in order: reference, action, cost, taskId."""
        rows = self._run(
            "SELECT reference, action, cost, task FROM charges WHERE realm = ? ORDER BY seq",
            (realm,),
        )
        return [
            dict(zip(("reference", "action", "cost", "taskId"), row, strict=True)) for row in rows
        ]

    def add_task(self, row: TaskRow) -> None:
        """Store a new job."""
        self._run("INSERT INTO tasks VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", astuple(row))

    def task(self, realm: str, task_id: str) -> TaskRow | None:
        """Return a job by the id that a query asks with."""
        rows = self._run("SELECT * FROM tasks WHERE realm = ? AND id = ?", (realm, task_id))
        return TaskRow(*rows[0]) if rows else None

    def tasks(self, realm: str, reference: str | None) -> list[TaskRow]:
        """Return the jobs of a realm, newest first, of one client reference if given."""
        rows = self._run(
            "SELECT * FROM tasks WHERE realm = ?1 AND (?2 IS NULL OR reference = ?2)"
            " ORDER BY created DESC",
            (realm, reference),
        )
        return [TaskRow(*row) for row in rows]

    def uncharged(self, realm: str, now: float) -> list[TaskRow]:
        """Return the jobs of a realm that have ended and were not charged, oldest first."""
        rows = self._run(
            "SELECT * FROM tasks WHERE realm = ?1 AND created + seconds <= ?2 AND id NOT IN"
            " (SELECT task FROM charges WHERE realm = ?1 AND task IS NOT NULL) ORDER BY created",
            (realm, now),
        )
        return [TaskRow(*row) for row in rows]

    def count_query(self, task_id: str) -> None:
        """Note that a job was asked about once more."""
        self._run("UPDATE tasks SET asked = asked + 1 WHERE id = ?", (task_id,))

    def reply(self, realm: str, reference: str) -> tuple[str, Json] | None:
        """Return what a reference was used for: the request's digest and the reply, if known."""
        rows = self._run(
            "SELECT request, body FROM replies WHERE realm = ? AND reference = ?",
            (realm, reference),
        )
        if not rows:
            return None
        request, body = rows[0]
        return request, None if body is None else json.loads(body)

    def keep_reply(self, realm: str, reference: str, *, request: str, body: Json = None) -> None:
        """Keep the reply (None: not known yet) to the request of this digest."""
        self._run(
            "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?)",
            (realm, reference, request, None if body is None else json.dumps(body)),
        )

    def drop_reply(self, realm: str, reference: str) -> None:
        """Forget a reference whose request was refused."""
        self._run("DELETE FROM replies WHERE realm = ? AND reference = ?", (realm, reference))

    def add_search(self, realm: str, query: str, at: float) -> None:
        """Remember a search."""
        self._run("INSERT INTO searches (realm, query, at) VALUES (?, ?, ?)", (realm, query, at))

    def searches(self, realm: str) -> list[tuple[int, str, float]]:
        """Return the searches made, newest first: number, words, time."""
        rows = self._run(
            "SELECT seq, query, at FROM searches WHERE realm = ? ORDER BY seq DESC", (realm,)
        )
        return [(int(seq), str(query), float(at)) for seq, query, at in rows]

    def log(self, realm: str, entry: Mapping[str, Json]) -> int:
        """Note a request that arrived; returns its number for `log_status`."""
        with self._lock:
            text = json.dumps(entry)
            cursor = self._db.execute("INSERT INTO log (realm, entry) VALUES (?, ?)", (realm, text))
            return cursor.lastrowid or 0

    def log_status(self, number: int, status: int) -> None:
        """Note the status with which a request was answered."""
        self._run("UPDATE log SET status = ? WHERE seq = ?", (status, number))

    def requests(self, realm: str) -> list[dict[str, Json]]:
        """Return the requests in order of arrival; status is null while one is not answered."""
        rows = self._run("SELECT entry, status FROM log WHERE realm = ? ORDER BY seq", (realm,))
        return [{**json.loads(entry), "status": status} for entry, status in rows]
