"""Read and write the rows of a stored catalogue."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, overload

from callsheet.catalog.snapshot import Catalogue, IndexedActions, schema_digest
from callsheet.masking import masked
from callsheet.spec import Advertised

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, ItemsView, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from callsheet.catalog.fetch import EntryUpdate

_AT_ONCE = 500  # rows in memory
_HEAD = ("fetched", "notes", "server", "whole", "read_as", "missing", "partial")
_FACTS = ("tags", "stated", "confirmed")
_ROWS = "SELECT id, about, digest, command, role, family, paid, summary, typed FROM actions "
_OUTLINES = "SELECT id, about FROM actions "
_COMMANDS = "SELECT command, id, summary FROM actions WHERE command > ? AND command < ? ORDER BY 1"
_FACTS_OF_KIND = "SELECT name, fact FROM facts WHERE kind = ? "
_LAST = "\U0010ffff"
_UNNAME = """
UPDATE actions SET command = NULL, role = NULL, family = NULL, paid = NULL, summary = NULL
WHERE command IS NOT NULL
"""
_NAME = "UPDATE actions SET command = ?, role = ?, family = ?, paid = ?, summary = ? WHERE id = ?"
_FIRST_AFTER_SPACE = "!"


class RowCache(Protocol):
    """The files in which rows are stored; see ``CatalogueCache``."""

    def read(self, host: str, query: str, parameters: Iterable[Any] = ()) -> list[Any]:
        """Return the rows of a query."""

    def reading(self, host: str) -> AbstractContextManager[None]:
        """End what reads a damaged file."""

    def change(self, host: str, change: Callable[[sqlite3.Connection], object]) -> None:
        """Change what is stored in one transaction."""


class NamedRow(NamedTuple):
    """What is stored of an action beside its schemas.

    ``command`` are its words joined by spaces, "" without any; ``family`` is JSON. Both are None,
    as ``role``, ``paid`` and ``summary`` are, for an action that the configuration leaves out.
    ``typed`` is None until the schema was read.
    """

    id: str
    about: str
    digest: str
    command: str | None
    role: str | None
    family: str | None
    paid: int | None
    summary: str | None
    typed: int | None


class StoredActions(IndexedActions):
    """The actions in the cache; ``named_by`` is what their names follow from.

    ``revision`` changes with every one of them and with their names.
    """

    def __init__(self, cache: RowCache, host: str, named_by: str, revision: str) -> None:
        self.cache, self.host, self.named_by, self.revision = cache, host, named_by, revision

    def __len__(self) -> int:
        return sum(count for (count,) in self._read("SELECT count(*) FROM actions"))

    def __iter__(self) -> Iterator[Advertised]:
        ids = self.ids()
        for start in range(0, len(ids), _AT_ONCE):
            yield from self.select(ids[start : start + _AT_ONCE]).values()

    @overload
    def __getitem__(self, index: int) -> Advertised: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Advertised]: ...
    def __getitem__(self, index: int | slice) -> Advertised | Sequence[Advertised]:
        if isinstance(index, slice):
            return tuple(self.select(self.ids()[index]).values())
        return self.select((self.ids()[index],)).popitem()[1]

    def ids(self) -> tuple[str, ...]:
        """Return all ids."""
        return tuple(name for (name,) in self._read("SELECT id FROM actions ORDER BY id"))

    def select(self, ids: Iterable[str]) -> dict[str, Advertised]:
        """Read the actions with these ids; return those that there are, ordered by id."""
        wanted = list(ids)
        query = "SELECT id, about, input, output FROM actions JOIN schemas USING (id) WHERE id IN "
        entries: dict[str, Advertised] = {}
        with self.cache.reading(self.host):
            for start in range(0, len(wanted), _AT_ONCE):
                part = wanted[start : start + _AT_ONCE]
                places = f"({', '.join('?' * len(part))}) ORDER BY id"
                for name, about, *schemas in self._read(query + places, part):
                    entries[name] = _parse_entry(name, about, *schemas)
        return entries

    def outline(self, action_id: str) -> Advertised | None:
        """Return the action with this id without its schemas, if it is there."""
        return next(iter(self._outlines("WHERE id = ?", action_id)), None)

    def outlines(self) -> list[Advertised]:
        """Return all actions without their schemas."""
        return self._outlines("ORDER BY id")

    def _outlines(self, condition: str, *parameters: str) -> list[Advertised]:
        outlines: list[Advertised] = []
        with self.cache.reading(self.host):
            outlines += [
                _parse_entry(*row) for row in self._read(_OUTLINES + condition, parameters)
            ]
        return outlines

    def digest_of(self, action_id: str) -> str | None:
        """Return the digest of an action's input schema; "" without one, None if not listed."""
        row = self.row(action_id)
        return row.digest if row is not None else None

    def row(self, action_id: str) -> NamedRow | None:
        """Return what is stored of an action beside its schemas."""
        return next(iter(self._rows("WHERE id = ?", action_id)), None)

    def row_at(self, path: tuple[str, ...]) -> NamedRow | None:
        """Return the row of the action with this command."""
        return next(iter(self._rows("WHERE command = ? AND command != ''", " ".join(path))), None)

    def rows(self) -> list[NamedRow]:
        """Return the rows of all actions that the configuration does not leave out."""
        return self._rows("WHERE command IS NOT NULL ORDER BY id")

    def commands_below(self, path: tuple[str, ...]) -> list[tuple[str, str, str]]:
        """Return command, id and summary of the actions whose commands begin with these words."""
        above = " ".join(path)
        limits = (f"{above} ", above + _FIRST_AFTER_SPACE) if path else ("", _LAST)
        return self._read(_COMMANDS, limits)

    def store_names(self, key: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Store names as ``write_names`` does."""
        self.cache.change(self.host, lambda db: write_names(db, key, self.revision, rows))

    def store_typed(self, typed: Mapping[str, bool]) -> None:
        """Store which actions have a schema that can be used."""
        self.cache.change(self.host, lambda db: write_typed(db, typed))

    def _rows(self, condition: str, *parameters: str) -> list[NamedRow]:
        return [NamedRow(*row) for row in self._read(_ROWS + condition, parameters)]

    def _read(self, query: str, parameters: Iterable[Any] = ()) -> list[Any]:
        return self.cache.read(self.host, query, parameters)


class StoredFacts(Mapping[str, Any]):
    """What a stored catalogue has of one kind by path or id, such as its validators."""

    def __init__(self, cache: RowCache, host: str, kind: str) -> None:
        self._cache, self._host, self._kind = cache, host, kind

    def __getitem__(self, name: str) -> Any:
        return dict(self._facts("AND name = ?", name))[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._facts()))

    def __len__(self) -> int:
        return len(self._facts())

    def items(self) -> ItemsView[str, Any]:
        """Return all of them, read at once."""
        return dict(self._facts()).items()

    def _facts(self, condition: str = "", *parameters: str) -> list[tuple[str, Any]]:
        query = _FACTS_OF_KIND + condition
        facts: list[tuple[str, Any]] = []
        with self._cache.reading(self._host):
            rows = self._cache.read(self._host, query, (self._kind, *parameters))
            facts += [(name, json.loads(fact)) for name, fact in rows]
        return facts


def open_catalogue(
    cache: RowCache, host: str, document: Any, named_by: str, revision: str
) -> Catalogue:
    """Return a stored catalogue, whose rows are read when they are used.

    Raises ``TypeError``, ``KeyError`` or ``ValueError`` for a head of any other shape.
    """
    texts = [*document["notes"], document["server"], document["read_as"], document["missing"]]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not a stored catalogue")
    return Catalogue(
        host,
        float(document["fetched"]),
        StoredActions(cache, host, named_by, revision),
        notes=tuple(document["notes"]),
        server=document["server"],
        apart=StoredFacts(cache, host, "apart"),
        whole=float(document["whole"]),
        read_as=document["read_as"],
        missing=document["missing"],
        tags=StoredFacts(cache, host, "tags"),
        stated=StoredFacts(cache, host, "stated"),
        confirmed=StoredFacts(cache, host, "confirmed"),
        partial=bool(document["partial"]),
    )


def _parse_entry(name: str, about: str, schema: str = "null", output: str = "null") -> Advertised:
    """Read one row; raise ``TypeError`` or ``ValueError`` for one of another shape."""
    title, description, marks = json.loads(about)
    if not (isinstance(title, str) and isinstance(description, str) and isinstance(marks, dict)):
        raise TypeError("not a stored action")
    return Advertised(name, title, description, _parse(schema), _parse(output), marks)


def _parse(schema: str) -> Any:
    """Parse the text of one schema."""
    return json.loads(schema)


def write_head(db: sqlite3.Connection, catalogue: Catalogue) -> None:
    """Write when a catalogue was fetched and what it says beside its actions, if that changed."""
    fields = {name: getattr(catalogue, name) for name in _HEAD}
    text = masked(json.dumps(fields))
    db.execute("UPDATE head SET document = ? WHERE document != ?", (text, text))


def confirm(db: sqlite3.Connection, catalogue: Catalogue) -> None:
    """Write when a stored catalogue was confirmed; nothing where it was removed meanwhile."""
    if db.execute("SELECT 1 FROM head WHERE document != ''").fetchone():
        write_head(db, catalogue)


def write_catalogue(db: sqlite3.Connection, catalogue: Catalogue) -> None:
    """Replace what is stored of a host; a row that is the same is not written."""
    write_head(db, catalogue)
    stored = {
        name: tuple(row) for name, *row in db.execute("SELECT id, about, content FROM actions")
    }
    listed: set[str] = set()
    changed = False
    for action in catalogue.actions:
        name = masked(action.id)
        if name not in listed:
            listed.add(name)
            changed |= _write_action(db, name, action, stored.get(name))
    gone = [(name,) for name in stored if name not in listed]
    _remove_actions(db, gone)
    if changed or gone:
        _mark_as_new(db)
    facts = {
        (kind, masked(name)): masked(json.dumps(fact))
        for kind in _FACTS
        for name, fact in getattr(catalogue, kind).items()
    } | {("apart", masked(name)): "true" for name in catalogue.apart}
    _write_facts(db, facts)


def write_entry(db: sqlite3.Connection, update: EntryUpdate) -> None:
    """Write what a host answered about one action.

    Where its list was read, and no whole catalogue is stored, the list is stored too.
    """
    document = json.loads(db.execute("SELECT document FROM head").fetchone()[0] or "null")
    if update.listing is not None and (document is None or document["partial"]):
        write_catalogue(db, update.listing)
        return
    name = masked(update.action_id)
    query = "SELECT about, content FROM actions WHERE id = ?"
    stored = db.execute(query, (name,)).fetchone()
    if update.entry is None:
        _remove_actions(db, [(name,)])
        changed = stored is not None
    else:
        changed = _write_action(db, name, update.entry, stored)
    if changed:
        _mark_as_new(db)
    facts: list[tuple[str, str, Any]] = [("tags", *pair) for pair in update.tags.items()]
    facts += [("confirmed", name, update.confirmed), ("stated", name, dict(update.stated))]
    rows = [(kind, masked(about), masked(json.dumps(fact))) for kind, about, fact in facts]
    db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", rows)
    if document is not None and update.fetched is not None:
        text = json.dumps({**document, "fetched": update.fetched})
        db.execute("UPDATE head SET document = ?", (text,))


def write_names(
    db: sqlite3.Connection, key: str, revision: str, rows: Iterable[tuple[Any, ...]]
) -> None:
    """Write command, role, family, cost and summary of each action; each row ends in the id.

    ``key`` stands for what they follow from, with the actions as they were at ``revision``: where
    another process has changed them since, nothing is written.
    """
    if db.execute("SELECT revision FROM head").fetchone()[0] == revision:
        db.execute(_UNNAME)
        safe = [tuple(masked(v) if isinstance(v, str) else v for v in row) for row in rows]
        db.executemany(_NAME, safe)
        db.execute("UPDATE head SET named_by = ?", (key,))


def write_typed(db: sqlite3.Connection, typed: Mapping[str, bool]) -> None:
    """Write which actions have a schema that can be used."""
    rows = [(is_typed, name) for name, is_typed in typed.items()]
    db.executemany("UPDATE actions SET typed = ? WHERE id = ?", rows)


def _write_action(
    db: sqlite3.Connection, name: str, action: Advertised, stored: tuple[str, str] | None
) -> bool:
    """Write one action where it is not ``stored`` like this; return whether it was written."""
    about = masked(json.dumps([action.title, action.description, action.hints]))
    schemas = [masked(json.dumps(schema)) for schema in (action.input, action.output)]
    content = _digest_of(schemas)
    if stored == (about, content):
        return False
    if stored is None or stored[1] != content:
        db.execute("INSERT OR REPLACE INTO schemas VALUES (?, ?, ?)", (name, *schemas))
        db.execute(
            "INSERT INTO actions (id, about, digest, content) VALUES (?1, ?2, ?3, ?4) "
            "ON CONFLICT (id) DO UPDATE SET about = ?2, digest = ?3, content = ?4, typed = NULL",
            (name, about, schema_digest(action), content),
        )
    else:
        db.execute("UPDATE actions SET about = ? WHERE id = ?", (about, name))
    return True


def _digest_of(texts: Iterable[str]) -> str:
    import hashlib

    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _remove_actions(db: sqlite3.Connection, ids: Sequence[tuple[str]]) -> None:
    db.executemany("DELETE FROM actions WHERE id = ?", ids)
    db.executemany("DELETE FROM schemas WHERE id = ?", ids)


def _mark_as_new(db: sqlite3.Connection) -> None:
    """Make what follows from the actions be worked out anew."""
    db.execute("UPDATE head SET named_by = '', revision = ?", (os.urandom(8).hex(),))


def _write_facts(db: sqlite3.Connection, facts: Mapping[tuple[str, str], str]) -> None:
    """Replace all facts, by kind and name; those that are the same are not written."""
    rows = db.execute("SELECT kind, name, fact FROM facts")
    stored = {(kind, name): fact for kind, name, fact in rows}
    changed = [(*key, fact) for key, fact in facts.items() if stored.get(key) != fact]
    db.executemany("DELETE FROM facts WHERE kind = ? AND name = ?", stored.keys() - facts.keys())
    db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", changed)
