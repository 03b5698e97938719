"""Keep the ledger of paid calls, and tell whether the process that made one is alive."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from callsheet.errors import LimitReached, ReferenceUsed, UsageError
from callsheet.forking import ForkAware
from callsheet.masking import masked_texts
from callsheet.storage.ledger_schema import (
    HONOURED,
    INSERT_INTENT,
    JSON_COLUMNS,
    PATIENCE,
    RENEW_INTENT,
    SPENT,
    brief_row,
    read_columns,
)
from callsheet.storage.ledger_search import LedgerQueries
from callsheet.text import warn

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from callsheet.storage.kept_replies import Pruned
    from callsheet.storage.partial_file import SavedFile


STATES = {"intent": "intent", "accepted": "running", "unsent": "unsent", "refused": "refused"}
INTENT = (
    *("host", "action", "body", "body_digest", "schema_digest", "family", "media", "target"),
    *("sent", "estimate", "unit"),
)
# A saved job stays saved, whatever a later reply says.
UPDATE_STATE = """
UPDATE jobs SET updated = :now, state = CASE WHEN state = 'saved' AND :state IN
  ('running', 'done', 'failed') THEN state ELSE :state END
"""
CHANGES = (
    *("said", "cost", "cost_unit", "error", "seconds", "task_ids", "family", "reply"),
    "first_reply",
)
_SERVERS_TEXTS = ("said", "error", "task_ids", "reply", "first_reply")
FINAL = frozenset(("unsent", "refused", "failed", "saved"))
# Requests of this process whose rows are made again when they are lost, and characters of a body.
_MOST_OPEN, _LARGEST_BODY = 1000, 100_000
_NEXT_PATIENCE = 1.0  # seconds that a lock is waited for, once waiting was in vain


Event = tuple[str, str, "Mapping[str, Any]"]
"""A word of ``STATES`` or a state, the client reference, and the columns that change."""
Refusal = ReferenceUsed | LimitReached


@cache
def _update(*names: str) -> str:
    """Return the one statement that changes the state and these columns of a job."""
    return UPDATE_STATE + "".join(f", {name} = :{name}" for name in names) + " WHERE ref = :ref"


class Ledger(LedgerQueries, ForkAware):
    """One SQLite file in the state folder, shared by all processes of a user; 0600, no keys.

    Raises ``UsageError`` where the file cannot be used: a paid call is then not made. ``say`` gets
    a line when a lock has to be waited for.
    """

    def __init__(
        self,
        folder: str,
        *,
        clock: Callable[[], float] = time.time,
        say: Callable[[str], object] = warn,
    ) -> None:
        super().__init__(folder, clock, say)
        self._open_rows: dict[str, dict[str, Any]] = {}
        self._unwritten: list[tuple[str, str, Mapping[str, Any]]] = []
        self.fault = ""
        """Why something could not be written, the last time."""
        self.watch_forks()

    def after_fork(self, *, is_child: bool) -> None:
        """Make a child a process of its own; what the parent has to write is the parent's."""
        if is_child:
            self._open_rows, self._unwritten = {}, []
            if self._alive is not None:
                self._alive.leave()

    def record(self, event: str, ref: str, values: Mapping[str, Any]) -> None:
        """Write one event; it is on the disk when this returns."""
        for refusal in self.record_all([(event, ref, values)]):
            if refusal is not None:
                raise refusal

    def record_all(self, events: Sequence[Event]) -> list[Refusal | None]:
        """Write events in one transaction; they are on the disk when this returns.

        Return for each why it was refused, or None. What became of a request is kept in memory
        where the file fails, and written with the next event: see ``unwritten``.
        """
        try:
            with self._writing() as db:
                return [self._write(db, *event) for event in events]
        except UsageError as error:
            for event, ref, values in events:
                if event != "intent":
                    self.fault = error.message
                    with self._file.lock:
                        self._unwritten.append((ref, STATES.get(event, event), values))
            raise

    def _write(
        self, db: sqlite3.Connection, event: str, ref: str, values: Mapping[str, Any]
    ) -> Refusal | None:
        if event != "intent":
            self._change(db, ref, STATES.get(event, event), values)
            return None
        try:
            self._intend(db, ref, values)
        except (ReferenceUsed, LimitReached) as refusal:
            return refusal
        return None

    def unwritten(self) -> list[dict[str, Any]]:
        """Write what could not be written before; return the rows for which that fails again.

        They are plain JSON data, in which long values are cut.
        """
        if self._unwritten:
            with suppress(UsageError), self._writing():
                pass
        rows: dict[str, dict[str, Any]] = {}
        for ref, state, values in self._unwritten:
            row = rows.setdefault(ref, {**self._open_rows.get(ref, {}), "ref": ref})
            row |= {**values, "state": state}
        return [brief_row(row) for row in rows.values()]

    def _intend(self, db: sqlite3.Connection, ref: str, values: Mapping[str, Any]) -> None:
        row: dict[str, Any] = dict.fromkeys(INTENT) | _columns(values, INTENT)
        row |= {"ref": ref, "now": self._clock(), "holder": self.process_lock().name()}
        if values.get("daily_limit") is not None:
            rule = {"failed_is_free": bool(values.get("failed_is_free"))}
            _require_budget(db, row | rule, values["daily_limit"])
        if not db.execute(INSERT_INTENT, row).rowcount:
            _refuse_twice(db, ref, values)
            db.execute(RENEW_INTENT, row)
        is_large = len(row["body"] or "") > _LARGEST_BODY
        self._open_rows[ref] = {**row, "body": None} if is_large else row
        if len(self._open_rows) > _MOST_OPEN:
            del self._open_rows[next(iter(self._open_rows))]

    def _change(
        self, db: sqlite3.Connection, ref: str, state: str, values: Mapping[str, Any]
    ) -> None:
        row = _columns(values, CHANGES)
        row |= masked_texts({name: row[name] for name in _SERVERS_TEXTS if name in row})
        if "refund" in values:
            _give_back(db, ref, row, *values["refund"])
        now = self._clock()
        changed = {"ref": ref, "now": now, "state": state, **row}
        is_there = db.execute(_update(*row), changed).rowcount
        if not is_there and ref in self._open_rows:  # somebody removed the row, or the file
            db.execute(INSERT_INTENT, self._open_rows[ref])
            db.execute(_update(*row), changed)
        if state in FINAL:
            self._open_rows.pop(ref, None)
        for file in values.get("files", ()):
            path = os.path.abspath(file.path)
            db.execute("DELETE FROM files WHERE ref = ? AND path = ?", (ref, path))
            file_row = (ref, path, file.bytes, file.sha256, now)
            db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", file_row)
        if values.get("idempotency"):
            db.execute(HONOURED, {"ref": ref, "now": now})

    def require_budget(self, host: str, action: str, facts: Mapping[str, Any]) -> None:
        """Raise ``LimitReached`` where a call of this price would not be recorded now."""
        if facts.get("daily_limit") is not None:
            row = {"host": host, "action": action, "ref": "", "now": self._clock(), **facts}
            with self._file.open() as db:
                _require_budget(db, row, facts["daily_limit"])

    def saved(self, ref: str, files: Iterable[SavedFile]) -> None:
        """Record the files that a job was saved to."""
        self.record("saved", ref, {"files": tuple(files)})

    def forget(self, ref: str) -> None:
        """Delete a job and the rows of its files; the files stay."""
        self._open_rows.pop(ref, None)
        with self._writing() as db:
            db.execute("DELETE FROM files WHERE ref = ?", (ref,))
            db.execute("DELETE FROM jobs WHERE ref = ?", (ref,))

    def keep_reply(self, name: str, body: bytes, why: Sequence[str] = ()) -> str:
        """Store the whole body of a reply beside the ledger; return its path, or ``""``."""
        from callsheet.storage.kept_replies import keep_reply

        path = keep_reply(self.folder, name, body, why)
        self.prune_replies(path)
        return path

    @property
    def replies(self) -> str:
        """Return the folder of the stored replies."""
        from callsheet.storage.kept_replies import REPLIES

        return os.path.join(self.folder, REPLIES)

    def prune_replies(self, newest: str = "", *, all_results: bool = False) -> Pruned:
        """Remove kept replies above the limit, those of saved jobs first; see ``prune``."""
        from callsheet.storage.kept_replies import prune

        return prune(self.folder, self._saved_names(), newest=newest, all_results=all_results)

    def _saved_names(self) -> set[str]:
        """Return the references and task ids of all saved jobs."""
        rows = self._file.look_up("SELECT ref, task_ids, error FROM jobs WHERE state = 'saved'")
        saved = [read_columns(row, ("ref", "task_ids", "error")) for row in rows]
        return {row["ref"] for row in saved}.union(*(row["task_ids"] for row in saved))

    def damage(self) -> str:
        """Return what SQLite finds wrong with the file; empty for nothing, or for no file."""
        if not os.path.exists(self.path):
            return ""
        with self._file.open() as db:
            messages = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
        return "" if messages == ["ok"] else "; ".join(messages)

    def leave(self) -> None:
        """Leave the file as a process does that ends: nothing is tidied, nothing is lost."""
        self._file.abandon()
        self._release()

    def close(self) -> None:
        """Close the file, which opens again when needed; log the rows that it could not take."""
        for row in self.unwritten():
            warn(f"the ledger {self.path} lacks a paid call: {json.dumps(row)}")
        if self._file.db is not None:
            self._file.close()
        self._release()

    def claim(self, path: str) -> bool:
        """Claim an output path where there is a state folder; False if a live process has it."""
        with suppress(OSError):  # without a state folder no paid call is made
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            return self.process_lock().claim(path)
        return True

    def _release(self) -> None:
        if self._alive is not None:
            self._alive.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open one transaction that no other writer can come between.

        What could not be written before comes first.
        """
        with self._file.lock:
            with self._file.writing(_NEXT_PATIENCE if self._unwritten else PATIENCE) as db:
                for change in self._unwritten:
                    self._change(db, *change)
                yield db
            self._unwritten.clear()


def _require_budget(db: sqlite3.Connection, row: Mapping[str, Any], limit: float) -> None:
    """Raise ``LimitReached`` where a call would carry this day's spending over the limit.

    It is asked within the transaction of the intent: two processes cannot both pass.
    """
    today = time.localtime(row["now"])
    midnight = time.mktime((*today[:3], 0, 0, 0, 0, 0, -1))
    spent = db.execute(SPENT, {**row, "since": midnight}).fetchone()[0]
    if spent + (row["estimate"] or 0) > limit:
        unit = f" {row['unit']}" if row["unit"] else ""
        raise LimitReached(
            f"{row['action']} may cost {row['estimate'] or 0:g}{unit}, {spent:g}{unit} were spent "
            f"today and the limit of a day is {limit:g}{unit}; it was not sent",
            code="budget",
            hint="it ends at midnight; …_DAILY_LIMIT sets another",
        )


def _give_back(
    db: sqlite3.Connection, ref: str, row: dict[str, Any], amount: float | None, unit: str
) -> None:
    """Lower the cost in ``row`` by what a server gave back of it, None for all of it.

    An answer that was recorded before, or that speaks of another unit, changes nothing.
    """
    stored = db.execute("SELECT * FROM jobs WHERE ref = ?", (ref,)).fetchone()
    if amount is None or stored is None:
        row |= {"cost": 0.0} if amount is None else {}
        return
    charge = row.get("cost", stored["cost"])
    charge = stored["estimate"] if charge is None else charge
    charged_in = row.get("cost_unit") or stored["cost_unit"] or stored["unit"]
    is_known = "cost" not in row and stored["state"] == "failed"
    if charge is not None and not is_known and unit in {"", charged_in or unit}:
        row["cost"] = max(0.0, charge - amount)


def _refuse_twice(db: sqlite3.Connection, ref: str, values: Mapping[str, Any]) -> None:
    """Refuse a reference that a request has left with, unless the server honours it."""
    row = db.execute("SELECT * FROM jobs WHERE ref = ?", (ref,)).fetchone()
    if row["state"] in {"unsent", "refused"}:
        return
    is_same = all(row[name] == values.get(name) for name in ("host", "action", "body_digest"))
    if not (is_same and values.get("repeat")):
        raise ReferenceUsed(
            f"the reference {ref} was used for {row['action']} already ({row['state']})",
            hint="take another one for another request"
            if not is_same
            else "sending it again could cost again: the server is not known to honour the key",
        )


def _columns(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the columns of these names that have a value, as SQLite can hold them.

    Half characters and endless numbers are left out, and so is what is nested too deep for JSON.
    """
    columns: dict[str, Any] = {}
    for name in names:
        value = values.get(name)
        if name == "reply" or (name in JSON_COLUMNS and not isinstance(value, str)):
            is_empty = not value if name in {"task_ids", "family"} else value is None
            try:
                value = None if is_empty else json.dumps(value)
            except RecursionError:
                value = None
        elif isinstance(value, str):
            value = value.encode("utf-8", "replace").decode()
        elif isinstance(value, int) and abs(value) >= 1 << 63:
            value = None
        if value is not None:
            columns[name] = value
    return columns
