"""Cache the catalogue of each host in SQLite: a row an action, its schemas on their own."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager, suppress
from stat import S_ISREG
from typing import TYPE_CHECKING, Any

from callsheet.catalog.stored import confirm, open_catalogue, write_catalogue, write_entry
from callsheet.forking import ForkAware
from callsheet.stored import state_of
from callsheet.system import PLAIN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator

    from callsheet.catalog.fetch import EntryUpdate
    from callsheet.catalog.snapshot import Catalogue

_FORMAT = 3
"""The version of what is stored: another one counts as none, and is replaced."""
_TABLES = """
CREATE TABLE head (document TEXT, named_by TEXT, revision TEXT);
CREATE TABLE actions (
  id TEXT PRIMARY KEY, about TEXT, digest TEXT, content TEXT,
  command TEXT, role TEXT, family TEXT, paid INTEGER, summary TEXT, typed INTEGER
) WITHOUT ROWID;
CREATE TABLE schemas (id TEXT PRIMARY KEY, input TEXT, output TEXT);
CREATE TABLE facts (
  kind TEXT, name TEXT, fact TEXT, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE INDEX commands ON actions (command);
INSERT INTO head VALUES ('', '', '');
PRAGMA user_version = 3
"""
"""``about`` is what the list says of an action, ``content`` a digest of its row in ``schemas``.

The columns from ``command`` on follow from the configuration that ``named_by`` stands for.
``facts`` are what a catalogue has by path or id.
"""
_FORMER = (".json", ".json.index", ".json.rows")
_STORED_HEAD = "SELECT document, named_by, revision FROM head WHERE document != ''"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_LONGEST = 160
_OTHERS_MAY_WRITE = 0o022
_RECENT, _FEW = 64, 8  # queries whose rows are remembered, and the most rows of one
_PATIENCE = 5.0  # seconds that a lock of another process is waited for


class CatalogueCache(ForkAware):
    """The last catalogue of each host, one file a host; a damaged file counts as none.

    Where a file cannot be written, what should stand in it is stored in memory, for this process.
    No file stays open, so that nothing has to be closed.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._catalogues: dict[str, Catalogue | None] = {}
        self._in_memory: dict[str, sqlite3.Connection] = {}
        self._recent: dict[tuple[Any, ...], list[Any]] = {}
        self._lock = threading.RLock()
        self.watch_forks()

    def before_fork(self) -> None:
        """Let what is under way in another thread come to its end: its file would stay open."""
        self._lock.acquire()

    def after_fork(self, *, is_child: bool) -> None:
        """Let the threads of the parent go on; in the child there is one."""
        if is_child:
            self._lock = threading.RLock()
        else:
            self._lock.release()

    def path(self, host: str) -> str:
        """Return the path of the file with a host's catalogue, where there may be none yet."""
        scheme, _, address = host.partition("://")
        escaped = (char if char in _PLAIN else f"_{ord(char):x}_" for char in address)
        name = f"{scheme}-{''.join(escaped)}"
        if len(name) > _LONGEST:
            import hashlib

            name = f"{name[:60]}_{hashlib.sha256(host.encode()).hexdigest()}"
        return os.path.join(self.folder, f"{name}.sqlite3")

    def load(self, host: str) -> Catalogue | None:
        """Return what was last fetched from the host, read when it is used.

        None where nothing readable is stored.
        """
        if host not in self._catalogues:
            self._catalogues[host] = self._load(host)
        return self._catalogues[host]

    def _load(self, host: str) -> Catalogue | None:
        if host not in self._in_memory and not os.path.lexists(self.path(host)):
            return None  # SQLite takes a while to be imported
        with self.reading(host):
            for document, named_by, revision in self.read(host, _STORED_HEAD):
                return open_catalogue(self, host, json.loads(document), named_by, revision)
        return None

    def read(self, host: str, query: str, parameters: Iterable[Any] = ()) -> list[Any]:
        """Return the rows of a query; none where nothing readable is stored.

        What was just read is not read again while the file is the same.
        """
        state = state_of(self.path(host)) if host not in self._in_memory else ""
        key = (state, query, *parameters)
        if state and key in self._recent:
            return list(self._recent[key])
        with self.reading(host), self._open(host) as db:
            rows = db.execute(query, key[2:]).fetchall()
            if len(self._recent) >= _RECENT:
                self._recent.clear()
            if state and len(rows) <= _FEW:
                self._recent[key] = rows
            return list(rows)
        return []

    @contextmanager
    def reading(self, host: str) -> Iterator[None]:
        """End what reads a file that is missing or damaged, and remove a damaged one."""
        import sqlite3

        try:
            yield
        except FileNotFoundError:
            pass
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                self._remove(host)
        except (sqlite3.Error, OSError, ValueError, KeyError, TypeError, RecursionError):
            self._remove(host)

    def store(self, catalogue: Catalogue) -> None:
        """Store a catalogue, with keys in use masked; write the rows that changed and no other."""
        self.change(catalogue.host, lambda db: write_catalogue(db, catalogue))

    def touch(self, catalogue: Catalogue) -> None:
        """Record when a stored catalogue was last confirmed as unchanged."""
        self.change(catalogue.host, lambda db: confirm(db, catalogue))

    def update(self, host: str, update: EntryUpdate) -> None:
        """Store what a host answered about one action."""
        self.change(host, lambda db: write_entry(db, update))

    def change(self, host: str, change: Callable[[sqlite3.Connection], object]) -> None:
        """Change what is stored for a host in one transaction; in memory where that fails.

        A file that is damaged is replaced.
        """
        import sqlite3

        self._catalogues.pop(host, None)
        for _ in range(2):
            try:
                with self._open(host, create=True) as db:
                    self._recent.clear()
                    _transact(db, change)
                return
            except sqlite3.OperationalError as error:
                if _is_busy(error):
                    break
                self._remove(host)
            except sqlite3.DatabaseError:
                self._remove(host)
            except OSError:
                break
        with self._lock:
            self._in_memory[host] = db = self._copy_to_memory(host)
            _transact(db, change)

    def _copy_to_memory(self, host: str) -> sqlite3.Connection:
        """Return a copy of what is stored, empty where that cannot be read."""
        memory = _connect(":memory:")
        with self.reading(host), self._open(host) as db:
            db.backup(memory)
            return memory
        _prepare(memory)
        return memory

    @contextmanager
    def _open(self, host: str, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """Open the file of a host for this thread.

        Raises ``FileNotFoundError`` where there is none and it is not to be made, another
        ``OSError`` where it cannot be made, and what SQLite raises for a damaged one.
        """
        with self._lock:
            db = self._in_memory.get(host)
            if db is not None:
                yield db
                return
            path = self.path(host)
            if create:
                self._create(path)
            is_plain = _is_ours(os.lstat(path))
            db = _connect(path if is_plain else ":memory:")
            try:
                _prepare(db, is_plain=is_plain)
                yield db
            finally:
                db.close()

    def _create(self, path: str) -> None:
        """Create an empty file for its owner alone, unless there is one; remove former files."""
        with suppress(FileExistsError):
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | PLAIN
            os.close(os.open(path, flags, 0o600))
            for name in os.listdir(self.folder):
                if name.startswith("http") and name.endswith(_FORMER):
                    os.unlink(os.path.join(self.folder, name))

    def _remove(self, host: str) -> None:
        """Remove a file that cannot be used, and what was read of it."""
        self._catalogues.pop(host, None)
        for end in ("", "-journal"):
            with suppress(OSError):
                os.unlink(self.path(host) + end)


def _is_ours(status: os.stat_result) -> bool:
    """Tell whether a file is a plain one that nobody else owns or may write.

    What stands in it says which actions cost nothing, and may be sent again.
    """
    is_ours = not hasattr(os, "geteuid") or (
        status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE
    )
    return S_ISREG(status.st_mode) and is_ours


def _connect(path: str) -> sqlite3.Connection:
    """Connect to a database whose transactions begin and end where we say so."""
    import sqlite3

    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _prepare(db: sqlite3.Connection, *, is_plain: bool = True) -> None:
    """Make the tables in an empty file; raise ``sqlite3.DatabaseError`` for one that is not ours.

    Nothing waits for the disk: what is lost is fetched again.
    """
    import sqlite3

    version = db.execute("PRAGMA user_version").fetchone()[0] if is_plain else -1
    if version not in {0, _FORMAT}:
        raise sqlite3.DatabaseError("another format")
    db.execute("PRAGMA synchronous = OFF")
    if version == 0:
        if db.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise sqlite3.DatabaseError("of another program")
        _transact(db, lambda db: [db.execute(statement) for statement in _TABLES.split(";")])


def _transact(db: sqlite3.Connection, change: Callable[[sqlite3.Connection], object]) -> None:
    """Make a change as a whole or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        change(db)
    except BaseException:
        db.rollback()
        raise
    db.execute("COMMIT")


def _is_busy(error: sqlite3.OperationalError) -> bool:
    """Tell whether another process has locked the file, which is then as good as before."""
    import sqlite3

    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
