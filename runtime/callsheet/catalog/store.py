"""Cache a catalogue on disk, with an index of its rows."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.masking import masked

if TYPE_CHECKING:
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.spec import Advertised


_FORMAT = 2
"""The version of what is stored: the first put masks into replies, where a short key was a word."""
_INDEX = ".index"
_ROWS = ".rows"
_NO_SCHEMA = "-" * 64
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_LONGEST = 160


class Index(NamedTuple):
    """When a catalogue was fetched, from what, and the digest of each action's input schema.

    ``billable`` are the ids of the actions that the host says cost money.
    """

    fetched: float
    server: str
    billable: frozenset[str]
    text: bytes

    def digest_of(self, action_id: str) -> str | None:
        """Return the digest of an action's input schema; "" without one, None if not listed."""
        head = self.text.index(b"\n")
        index = self.text.find(f" {json.dumps(action_id)}\n".encode(), head)
        digest = self.text[index - 64 : index].decode("ascii", "replace") if index > head else None
        return "" if digest == _NO_SCHEMA else digest


class CatalogueCache:
    """The last catalogue of each host, one file a host; a damaged file counts as none."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._indexes: dict[str, Index | None] = {}

    def path(self, host: str) -> str:
        """Return the path of the file with a host's catalogue, where there may be none yet."""
        scheme, _, address = host.partition("://")
        escaped = (char if char in _PLAIN else f"_{ord(char):x}_" for char in address)
        name = f"{scheme}-{''.join(escaped)}"
        if len(name) > _LONGEST:
            import hashlib

            name = f"{name[:60]}_{hashlib.sha256(host.encode()).hexdigest()}"
        return os.path.join(self.folder, f"{name}.json")

    def load(self, host: str) -> Catalogue | None:
        """Load what was last fetched from the host; None where nothing readable is stored."""
        try:
            with open(self.path(host), encoding="utf-8") as file:
                document = json.load(file)
            catalogue = _parse(host, document)
            index = self.index(host)
            if index is None:
                return catalogue
            # A catalogue that was found unchanged is not written again; its index is.
            return catalogue._replace(fetched=index.fetched)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def index(self, host: str) -> Index | None:
        """Return the index of what was last fetched, read once; None where there is none."""
        if host not in self._indexes:
            self._indexes[host] = self._read(host)
        return self._indexes[host]

    def _read(self, host: str) -> Index | None:
        """Read the index file of a host; None if it is missing, damaged or of another version."""
        try:
            with open(self.path(host) + _INDEX, "rb") as file:
                text = file.read()
            fetched, server, billable, form = json.loads(text[: text.index(b"\n")])
            index = Index(float(fetched), str(server), frozenset(billable), text)
            return index if form == _FORMAT else None
        except (OSError, ValueError, TypeError):
            return None

    def store(self, catalogue: Catalogue) -> None:
        """Replace the files of this host, with keys in use masked; ignore files it cannot write."""
        document = {
            "form": _FORMAT,
            "fetched": catalogue.fetched,
            "tags": catalogue.tags,
            "notes": catalogue.notes,
            "server": catalogue.server,
            "apart": catalogue.apart,
            "whole": catalogue.whole,
            "read_as": catalogue.read_as,
            "missing": catalogue.missing,
            "stated": catalogue.stated,
            "confirmed": catalogue.confirmed,
            "actions": [action._asdict() for action in catalogue.actions],
        }
        path = self.path(catalogue.host)
        self._replace(path, json.dumps(document))  # `dump` would not use the fast encoder
        rows = (f"{_digest(action)} {json.dumps(action.id)}\n" for action in catalogue.actions)
        self._write_index(catalogue, "".join(rows))

    def touch(self, catalogue: Catalogue) -> None:
        """Record in the index when a stored catalogue was last confirmed as unchanged."""
        index = self.index(catalogue.host)
        if index is None:
            self.store(catalogue)
        else:
            rows = index.text.partition(b"\n")[2].decode()
            self._write_index(catalogue, rows)

    def rows(self, host: str, made_from: str) -> list[dict[str, Any]] | None:
        """Return the rows of ``store_rows``; ``None`` if the catalogue or ``made_from`` changed."""
        try:
            with open(self.path(host) + _ROWS, encoding="utf-8") as file:
                key, rows = json.load(file)
            return [dict(row) for row in rows] if key == self._rows_key(host, made_from) else None
        except (OSError, ValueError, TypeError):
            return None

    def store_rows(self, host: str, made_from: str, rows: list[dict[str, Any]]) -> None:
        """Store the rows of a printed list; ``made_from`` stands for all else they depend on."""
        with suppress(OSError):  # without a catalogue there is nothing to list
            key = self._rows_key(host, made_from)
            self._replace(self.path(host) + _ROWS, json.dumps([key, rows]))

    def _rows_key(self, host: str, made_from: str) -> list[Any]:
        """Return the key of stored rows: ``made_from``, and the catalogue file's time and size.

        Rows with another key are not used. Raises ``OSError`` without a stored catalogue.
        """
        catalogue = os.stat(self.path(host))
        return [made_from, catalogue.st_mtime_ns, catalogue.st_size, _FORMAT]

    def _write_index(self, catalogue: Catalogue, rows: str) -> None:
        billable = [a.id for a in catalogue.actions if a.hints.get("billable") is True]
        head = json.dumps([catalogue.fetched, catalogue.server, billable, _FORMAT])
        self._replace(self.path(catalogue.host) + _INDEX, f"{head}\n{rows}")
        self._indexes.clear()

    def _replace(self, path: str, text: str) -> None:
        """Replace a file, with keys in use masked; do nothing where it cannot be written."""
        from callsheet.storage.atomic_file import replace_file

        with suppress(OSError):
            replace_file(path, masked(text))


def _digest(action: Advertised) -> str:
    """Return the digest of an input schema, or dashes without one."""
    from callsheet.jsonio import digest

    return _NO_SCHEMA if action.input is None else digest(action.input)


def _parse(host: str, document: Any) -> Catalogue:
    """Parse a stored catalogue.

    Raises ``TypeError``, ``KeyError``, ``ValueError`` or ``AttributeError`` for any other shape.
    """
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.spec import Advertised

    if document["form"] != _FORMAT:
        raise TypeError("stored by another reading")
    actions = tuple(Advertised(**action) for action in document["actions"])
    notes, tags = tuple(document["notes"]), document["tags"]
    texts = [*notes, *tags, *(text for a in actions for text in (a.id, a.title, a.description))]
    texts += [text for validators in tags.values() for pair in validators.items() for text in pair]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not a stored catalogue")
    if not all(isinstance(action.hints, dict) for action in actions):
        raise TypeError("not a stored catalogue")
    return Catalogue(
        host,
        float(document["fetched"]),
        actions,
        tags,
        notes,
        server=str(document["server"]),
        apart=tuple(map(str, document.get("apart", ()))),
        whole=float(document.get("whole", 0.0)),
        read_as=str(document.get("read_as", "")),
        missing=str(document.get("missing", "")),
        stated={name: dict(marks) for name, marks in document["stated"].items()},
        confirmed={name: float(moment) for name, moment in document["confirmed"].items()},
    )
