"""Keep which rows of a batch were sent, by which process, and what became of them."""

from __future__ import annotations

import json
import time
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from callsheet.storage.ledger import Ledger


OVER = frozenset(("saved", "done", "failed", "refused"))
"""The states of a row after which nothing is left to do for it."""
_MOST_AT_ONCE = 5000  # rows of one transaction
ENQUEUE = """
INSERT INTO batch_rows (batch, key, n, stamp) VALUES (?, ?, ?, ?)
ON CONFLICT (batch, key) DO UPDATE SET n = excluded.n, stamp = excluded.stamp
"""
ROWS = """
SELECT r.key, r.n, r.attempt, r.state, r.ref, r.holder, j.state AS job_state, j.holder AS job_holder
FROM batch_rows AS r LEFT JOIN jobs AS j ON j.ref = r.ref WHERE r.batch = ?
"""


class Batch(NamedTuple):
    """A batch of one host: what it is made of, and the digest (``stamp``) of rows last checked."""

    id: int
    origin: str
    name: str
    created: float
    updated: float
    plan: dict[str, Any]
    stamp: str


class JournalRow(NamedTuple):
    """A row as the journal has it.

    ``state`` is ``new``, ``open`` (sent, or about to be), ``running`` (no longer waited for),
    ``unsaved``, ``unknown``, or one of ``OVER``. ``job_state`` is that of its request in the
    ledger, ``unknown`` too where the process that sent it ended; empty where there is none.
    """

    key: str
    n: int
    attempt: int
    state: str
    ref: str
    job_state: str


class BatchJournal:
    """The batches of one ledger; all processes of a user share them.

    ``run`` tells the runs of one process apart. Methods raise ``UsageError`` where the file cannot
    be used.
    """

    def __init__(
        self, ledger: Ledger, run: str = "", *, clock: Callable[[], float] = time.time
    ) -> None:
        self._file, self._lock, self._clock = ledger.file, ledger.process_lock(), clock
        self._run = run

    @property
    def holder(self) -> str:
        """Return the name under which this run claims rows."""
        return f"{self._lock.name()}/{self._run}"

    def open(self, origin: str, name: str, plan: Mapping[str, Any]) -> Batch:
        """Return the batch of this name, made now where there is none; its plan is replaced."""
        now, text = self._clock(), json.dumps(plan)
        with self._file.writing() as db:
            db.execute(
                """INSERT INTO batches (origin, name, created, updated, plan)
                VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin, name)
                DO UPDATE SET updated = excluded.updated, plan = excluded.plan""",
                (origin, name, now, now, text),
            )
        batch = self.find(origin, name)
        if batch is None:
            raise AssertionError("the batch was stored")
        return batch

    def find(self, origin: str, name: str) -> Batch | None:
        """Return the batch of this name on a host."""
        return next((batch for batch in self.batches(origin) if batch.name == name), None)

    def batches(self, origin: str) -> list[Batch]:
        """Return the batches of a host, the one that was run last first."""
        sql = """SELECT id, origin, name, created, updated, plan, stamp FROM batches
          WHERE origin = ? ORDER BY updated DESC"""
        rows = self._file.look_up(sql, origin)
        return [Batch(*row)._replace(plan=json.loads(row["plan"])) for row in rows]

    def enqueue(self, batch: Batch, stamp: str, rows: Iterable[tuple[str, int]]) -> int:
        """Note the keys and numbers of all rows, which were checked; return how many there are.

        A row that was there before keeps its state.
        """
        count, stream = 0, iter(rows)
        while chunk := [(batch.id, key, n, stamp) for key, n in islice(stream, _MOST_AT_ONCE)]:
            with self._file.writing() as db:
                db.executemany(ENQUEUE, chunk)
            count += len(chunk)
        with self._file.writing() as db:
            db.execute("UPDATE batches SET stamp = ? WHERE id = ?", (stamp, batch.id))
        return count

    def sent_keys(self, batch: Batch, keys: Sequence[str]) -> set[str]:
        """Return those of the keys whose rows were claimed before."""
        sql = "SELECT 1 FROM batch_rows WHERE batch = ? AND key = ? AND state != 'new'"
        with self._file.open() as db:
            return {key for key in keys if db.execute(sql, (batch.id, key)).fetchone()}

    def pending(
        self, batch: Batch, after: int, *, saves: bool, limit: int = _MOST_AT_ONCE
    ) -> list[tuple[int, str]]:
        """Return number and key of rows after a number that are not over, in their order.

        With ``saves`` a row that is done and not saved is not over.
        """
        over = sorted(OVER - {"done"} if saves else OVER)
        marks = ", ".join("?" * len(over))
        sql = f"""SELECT n, key FROM batch_rows WHERE batch = ? AND stamp = ? AND n > ?
          AND state NOT IN ({marks}) ORDER BY n LIMIT ?"""  # noqa: S608 - constants
        with self._file.open() as db:
            return [
                (row[0], row[1])
                for row in db.execute(sql, (batch.id, batch.stamp, after, *over, limit)).fetchall()
            ]

    def claim(
        self,
        batch: Batch,
        keys: Sequence[str],
        reference: Callable[[str, int], str],
        *,
        saves: bool,
    ) -> list[JournalRow]:
        """Claim rows that no live run has, and that are not over; return these.

        ``reference`` gives the client reference of a key and an attempt; ``saves`` as above.
        """
        over = OVER - {"done"} if saves else OVER
        claimed = []
        with self._file.writing() as db:
            alive = _Alive(self._lock.is_alive, {self._lock.name(): True})
            for key in keys:
                raw = db.execute(ROWS + " AND r.key = ?", (batch.id, key)).fetchone()
                if raw is None or raw["state"] in over:
                    continue
                if alive(raw["holder"]):
                    continue
                row = _read_row(raw, alive, self._lock.name())
                if row.job_state == "intent":
                    continue
                ref = row.ref or reference(key, row.attempt)
                db.execute(
                    "UPDATE batch_rows SET holder = ?, ref = ?, state = CASE state WHEN 'new' "
                    "THEN 'open' ELSE state END WHERE batch = ? AND key = ?",
                    (self.holder, ref, batch.id, key),
                )
                claimed.append(row._replace(ref=ref))
        return claimed

    def renew(
        self, batch: Batch, row: JournalRow, reference: Callable[[str, int], str]
    ) -> JournalRow:
        """Give a claimed row its next attempt, with the reference of that; return it."""
        attempt = row.attempt + 1
        ref = reference(row.key, attempt)
        with self._file.writing() as db:
            db.execute(
                """UPDATE batch_rows SET attempt = ?, ref = ?, state = 'open'
                WHERE batch = ? AND key = ?""",
                (attempt, ref, batch.id, row.key),
            )
        return row._replace(attempt=attempt, ref=ref, state="open", job_state="")

    def retry(self, batch: Batch, states: Sequence[str]) -> int:
        """Give rows in these states, that nobody works on, a new attempt; return how many."""
        marks = ", ".join("?" * len(states))
        with self._file.writing() as db:
            rows = db.execute(
                f"SELECT key, holder FROM batch_rows WHERE batch = ? AND state IN ({marks})",  # noqa: S608 - constants
                (batch.id, *states),
            ).fetchall()
            alive = _Alive(self._lock.is_alive, {})
            free = [(batch.id, row["key"]) for row in rows if not alive(row["holder"])]
            db.executemany(
                """UPDATE batch_rows SET attempt = attempt + 1, state = 'new', ref = NULL
                WHERE batch = ? AND key = ?""",
                free,
            )
        return len(free)

    def settle(self, batch: Batch, states: Iterable[tuple[str, str]]) -> None:
        """Record the states of claimed rows, and give the rows up."""
        with self._file.writing() as db:
            db.executemany(
                "UPDATE batch_rows SET state = ?, holder = NULL WHERE batch = ? AND key = ?",
                [(state, batch.id, key) for key, state in states],
            )

    def release(self, batch: Batch) -> None:
        """Give up every row that this run has claimed."""
        with self._file.writing() as db:
            db.execute(
                "UPDATE batch_rows SET holder = NULL WHERE batch = ? AND holder = ?",
                (batch.id, self.holder),
            )

    def rows(self, batch: Batch, *states: str) -> list[JournalRow]:
        """Return the rows of the last checked file in these states (of all: none given)."""
        alive = _Alive(self._lock.is_alive, {})
        marks = ", ".join("?" * len(states))
        which = f" AND r.state IN ({marks})" if states else ""
        sql = f"{ROWS} AND r.stamp = ?{which} ORDER BY r.n"
        with self._file.open() as db:
            raws = db.execute(sql, (batch.id, batch.stamp, *states)).fetchall()
        return [_read_row(raw, alive, "") for raw in raws]

    def count(self, batch: Batch) -> Counter[str]:
        """Count the rows of the last checked file by their state."""
        sql = """SELECT state, count(*) FROM batch_rows WHERE batch = ? AND stamp = ?
          GROUP BY state"""
        return Counter({row[0]: row[1] for row in self._file.look_up(sql, batch.id, batch.stamp)})

    def cost(self, batch: Batch) -> float | None:
        """Return what the rows cost, as the host told it, else as it was expected.

        None where neither is known of any row. Requests that were not accepted count for nothing.
        """
        sql = """SELECT sum(CASE WHEN typeof(j.cost) IN ('real', 'integer') THEN j.cost
          ELSE j.estimate END) FROM batch_rows AS r JOIN jobs AS j ON j.ref = r.ref
          WHERE r.batch = ? AND j.state NOT IN ('unsent', 'refused')"""
        return next((row[0] for row in self._file.look_up(sql, batch.id)), None)


class _Alive:
    """Remembers which processes are alive, for the length of one transaction."""

    def __init__(self, ask: Callable[[str], bool], known: dict[str, bool]) -> None:
        self._ask, self._known = ask, known

    def __call__(self, holder: str | None) -> bool:
        name = (holder or "").partition("/")[0]
        if not name:
            return False
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]


def _read_row(raw: sqlite3.Row, alive: _Alive, own: str) -> JournalRow:
    """Read a row; an intent is unknown once its process, or the run of this one, has ended."""
    job_state = raw["job_state"] or ""
    if job_state == "intent" and (raw["job_holder"] == own or not alive(raw["job_holder"])):
        job_state = "unknown"
    columns = (raw["key"], raw["n"], raw["attempt"], raw["state"], raw["ref"] or "")
    return JournalRow(*columns, job_state)


class SendRate(NamedTuple):
    """How many jobs a host may have open at once, and the time of day from which it may be asked.

    ``others`` are the jobs that other live processes have open there.
    """

    slots: float
    resumes: float
    updated: float
    others: int


class SendRates:
    """What all processes of a user know of how much a host takes."""

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float] = time.time) -> None:
        self._file, self._lock, self._clock = ledger.file, ledger.process_lock(), clock

    def exchange(
        self, origin: str, holder: str, own: int, rate: SendRate | None
    ) -> SendRate | None:
        """Store how many jobs this run has open, and the rate where given; return what is stored.

        Return None where nobody has stored a rate. Counts of processes that ended are removed.
        """
        with self._file.writing() as db:
            if rate is not None:
                db.execute(
                    """INSERT INTO send_rates VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE
                    SET slots = excluded.slots, resumes = max(resumes, excluded.resumes),
                    updated = excluded.updated""",
                    (origin, rate.slots, rate.resumes, self._clock()),
                )
            db.execute("INSERT OR REPLACE INTO senders VALUES (?, ?, ?)", (origin, holder, own))
            others, alive = 0, _Alive(self._lock.is_alive, {self._lock.name(): True})
            senders = db.execute("SELECT holder, open FROM senders WHERE origin = ?", (origin,))
            for row in senders.fetchall():
                if not alive(row["holder"]):
                    db.execute("DELETE FROM senders WHERE holder = ?", (row["holder"],))
                elif row["holder"] != holder:
                    others += row["open"]
            sql = "SELECT slots, resumes, updated FROM send_rates WHERE origin = ?"
            stored = db.execute(sql, (origin,)).fetchone()
        return None if stored is None else SendRate(stored[0], stored[1], stored[2], others)

    def leave(self, holder: str) -> None:
        """Remove the count of a run that ends."""
        with self._file.writing() as db:
            db.execute("DELETE FROM senders WHERE holder = ?", (holder,))
