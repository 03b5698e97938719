"""Search the ledger: by what a person remembers of a job, and by the start of its name."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import is_fresh
from callsheet.errors import UsageError
from callsheet.storage.ledger_entry import LedgerEntry
from callsheet.storage.ledger_schema import ACCEPTED_BEFORE, LISTED, Database
from callsheet.storage.process_lock import ProcessLock
from callsheet.text import listing, one_line

if TYPE_CHECKING:
    from collections.abc import Callable


NAME = "ledger.sqlite3"
UNKNOWN = "state IN ('unknown', 'intent')"
_UNSETTLED = ("unknown", "intent")
UNSAVED = "state = 'running' OR (state = 'done' AND family IS NOT NULL)"

_HOLDS = """holds(?, body, action, ref, task_ids, target,
  (SELECT group_concat(path, char(10)) FROM files WHERE files.ref = jobs.ref))"""


class JobFilter(NamedTuple):
    """What a person remembers of jobs; an empty field allows any.

    ``search`` holds words that all occur in the input, the action, the ids or the files of a job,
    in any case of letters; ``since`` is the earliest start in seconds since the epoch; ``action``
    is a part of its id.
    """

    search: str = ""
    since: float = 0.0
    state: str = ""
    action: str = ""
    host: str = ""

    def condition(self, states: tuple[str, ...]) -> tuple[str, list[Any]]:
        """Return the condition in SQL and its parameters; ``states`` are those in the file."""
        any_of = ", ".join("?" * len(states))
        parts: list[tuple[str, list[Any]]] = [
            (LISTED, []),
            ("created >= ?" if self.since else "", [self.since]),
            (f"state IN ({any_of})" if self.state else "", list(states)),
            ("instr(lower(action), ?)" if self.action else "", [self.action.lower()]),
            ("host = ?" if self.host else "", [self.host]),
            (_HOLDS if self.search.strip() else "", [self.search]),
        ]
        used = [part for part in parts if part[0]]
        return " AND ".join(sql for sql, _ in used), [value for _, row in used for value in row]


class LedgerQueries:
    """What may be asked of the ledger; ``Ledger`` adds what is written."""

    def __init__(
        self, folder: str, clock: Callable[[], float], say: Callable[[str], object]
    ) -> None:
        self.folder = folder or "."
        self.path = os.path.join(self.folder, NAME)
        self._clock = clock
        self._file = Database(self.path, say)
        self._alive: ProcessLock | None = None

    def find(self, name: str, *, host: str = "") -> LedgerEntry | None:
        """Return the job with this reference or task id: of ``host`` first, then the newest."""
        jobs = self._entries("ref = ? OR instr(task_ids, ?)", [name, json.dumps(name)])
        jobs = [job for job in jobs if name in (job.ref, *job.task_ids)]
        return next((job for job in jobs if job.host == host), jobs[0] if jobs else None)

    def entry(self, ref: str) -> LedgerEntry | None:
        """Return the job with exactly this reference."""
        return next(iter(self._entries("ref = ?", [ref])), None)

    @property
    def file(self) -> Database:
        """Return the database, in which other tables stand beside the jobs."""
        return self._file

    def resolve(self, name: str, *, host: str = "") -> LedgerEntry | None:
        """Return the job that a person means by ``name``; ``None`` where there is no such job.

        ``@1`` is the newest of the list. Else a whole reference or task id goes before the start
        of one, and jobs of ``host`` before others. Requests that the same task id answered are
        one job. Raises ``UsageError`` where several jobs fit.
        """
        if place := re.fullmatch(r"@([1-9][0-9]{0,5})", name):
            newest = self._entries(LISTED, [], limit=int(place[1]))
            return newest[-1] if len(newest) == int(place[1]) else None
        jobs = self._named(name)
        jobs = [job for job in jobs if job.host == host] or jobs
        others = [job for job in jobs if not _is_same(job, jobs[0])]
        if others:
            raise _ambiguous(name, [jobs[0], *others])
        return jobs[0] if jobs else None

    def _named(self, name: str) -> list[LedgerEntry]:
        """Return the jobs with this reference or task id, else those of which one begins so."""
        quoted = json.dumps(name)
        whole = self._entries(f"{LISTED} AND (ref = ? OR instr(task_ids, ?))", [name, quoted])
        jobs = [job for job in whole if name in (job.ref, *job.task_ids)]
        if jobs or not name:
            return jobs
        begun = f"{LISTED} AND (substr(ref, 1, length(?)) = ? OR instr(task_ids, ?))"
        return [
            job
            for job in self._entries(begun, [name, name, quoted[:-1]])
            if any(text.startswith(name) for text in (job.ref, *job.task_ids))
        ]

    def jobs(self, *, limit: int = 50, only: JobFilter | None = None) -> list[LedgerEntry]:
        """Return the last jobs, the newest first; without mere questions about jobs.

        ``only`` narrows them; a state that is asked for is that of ``state_of``. With a ``limit``
        of -1 all are returned.
        """
        if only is None:
            return self._entries(LISTED, [], limit=limit)
        is_open = only.state in _UNSETTLED  # the file does not say which of the two it is
        condition, parameters = only.condition(_UNSETTLED if is_open else (only.state,))
        jobs = self._entries(condition, parameters, limit=-1 if is_open else limit)
        jobs = [job for job in jobs if only.state in {"", self.state_of(job)}]
        return jobs if limit < 0 else jobs[:limit]

    def proved_at(self, host: str, action: str) -> float:
        """Return when an answer last proved that an action only asks a question; 0 for never."""
        sql = "SELECT max(updated) FROM jobs WHERE host = ? AND action = ? AND state = 'asked'"
        return max((row[0] or 0.0 for row in self._file.look_up(sql, host, action)), default=0.0)

    def unknown_or_unsaved(self, *, host: str = "") -> list[LedgerEntry]:
        """List jobs with an unknown outcome, then those that are not saved; newest first each.

        An intent whose process ended while the request was out is unknown too.
        """
        of_host, parameters = (" AND host = ?", [host]) if host else ("", [])
        candidates = self._entries(f"({UNKNOWN}){of_host}", parameters)
        unknown = [entry for entry in candidates if self.is_unknown(entry)]
        return unknown + self._entries(f"({UNSAVED}){of_host}", parameters)

    def accepted_before(self, ref: str, *, limit: int = 3) -> list[LedgerEntry]:
        """Return jobs of the same action that were accepted before, by the order of the rows."""
        return self._entries(ACCEPTED_BEFORE, [ref, limit])

    def is_unknown(self, entry: LedgerEntry) -> bool:
        """Tell whether the outcome of a job is unknown; an intent is, once its process ended."""
        if entry.state == "intent":
            return not self.process_lock().is_alive(entry.holder)
        return entry.state == "unknown"

    def state_of(self, entry: LedgerEntry) -> str:
        """Return the state of a job as it is shown: ``unknown`` where its outcome is."""
        return "unknown" if self.is_unknown(entry) else entry.state

    def durations(self, host: str, *actions: str, limit: int = 20) -> tuple[float, ...]:
        """Return how many seconds the last jobs of these actions took, the newest first."""
        any_of = ", ".join("?" * len(actions))
        sql = f"""SELECT seconds FROM jobs WHERE action IN ({any_of}) AND host = ?
          AND typeof(seconds) IN ('real', 'integer') ORDER BY created DESC LIMIT ?"""  # noqa: S608 - constants
        return tuple(row["seconds"] for row in self._file.look_up(sql, *actions, host, limit))

    def honours_key(self, host: str) -> bool:
        """Tell whether an answer of this host in the last hour showed that it honours the key."""
        sql = """SELECT seen FROM origins WHERE origin = ? AND idempotency
          AND typeof(seen) IN ('real', 'integer')"""
        return any(is_fresh(row["seen"], self._clock()) for row in self._file.look_up(sql, host))

    def _entries(
        self, condition: str, parameters: list[Any], *, limit: int = -1
    ) -> list[LedgerEntry]:
        if not os.path.exists(self.path):
            return []
        with self._file.open() as db:
            order = "ORDER BY created DESC LIMIT ?"
            sql = f"SELECT * FROM jobs WHERE {condition} {order}"  # noqa: S608 - constants
            files = "SELECT path, bytes, sha256 FROM files WHERE ref = ?"
            return [
                LedgerEntry.parse(row, db.execute(files, (row["ref"],)))
                for row in db.execute(sql, [*parameters, limit]).fetchall()
            ]

    def process_lock(self) -> ProcessLock:
        """Return the lock by which others see that this process is alive."""
        if self._alive is None:
            self._alive = ProcessLock(os.path.dirname(self.path))
        return self._alive


def _is_same(job: LedgerEntry, other: LedgerEntry) -> bool:
    is_shared = not set(job.task_ids).isdisjoint(other.task_ids)
    return job.ref == other.ref or (job.host == other.host and is_shared)


def _ambiguous(name: str, jobs: list[LedgerEntry]) -> UsageError:
    words = [f"{job.ref[:8]} ({job.action} on {job.host})" for job in jobs]
    return UsageError(
        f"{one_line(name, 100)} fits {len(jobs)} jobs: {listing(words)}",
        hint="name one by its reference, the first word of each; or name its --host",
    )
