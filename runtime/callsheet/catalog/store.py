"""Cache a catalogue on disk, with an index of its rows."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.spec import Advertised


_INDEX = ".index"
_ROWS = ".rows"
_NO_SCHEMA = "-" * 64
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_LONGEST = 160


class Index(NamedTuple):
    """When a catalogue was fetched, from what, and the digest of each action's input schema."""

    fetched: float
    server: str
    text: bytes

    def digest_of(self, action_id: str) -> str | None:
        """The digest; empty where no schema was readable, ``None`` where the id is not listed."""
        head = self.text.index(b"\n")
        place = self.text.find(f" {json.dumps(action_id)}\n".encode(), head)
        found = self.text[place - 64 : place].decode("ascii", "replace") if place > head else None
        return "" if found == _NO_SCHEMA else found


class CatalogueCache:
    """The last catalogue of each host, one file a host; a damaged file counts as none."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._indexes: dict[str, Index | None] = {}

    def path(self, host: str) -> str:
        """The file for a host."""
        scheme, _, place = host.partition("://")
        plain = (one if one in _PLAIN else f"_{ord(one):x}_" for one in place)
        name = f"{scheme}-{''.join(plain)}"
        if len(name) > _LONGEST:
            import hashlib

            name = f"{name[:60]}_{hashlib.sha256(host.encode()).hexdigest()}"
        return os.path.join(self.folder, f"{name}.json")

    def load(self, host: str) -> Catalogue | None:
        """What was last fetched from the host, if it was ever."""
        try:
            with open(self.path(host), encoding="utf-8") as file:
                data = json.load(file)
            found = _stored(host, data)
            index = self.index(host)
            # One that was still the same when it was asked for again is not written again.
            return found._replace(fetched=max(index.fetched, found.fetched)) if index else found
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def index(self, host: str) -> Index | None:
        """The digests of what was last fetched, without reading the rest of it."""
        if host not in self._indexes:
            self._indexes[host] = self._read(host)
        return self._indexes[host]

    def _read(self, host: str) -> Index | None:
        try:
            with open(self.path(host) + _INDEX, "rb") as file:
                text = file.read()
            fetched, server = json.loads(text[: text.index(b"\n")])
            return Index(float(fetched), str(server), text)
        except (OSError, ValueError, TypeError):
            return None

    def store(self, catalogue: Catalogue) -> None:
        """Replace the files of this host; a cache that cannot be written is no error."""
        data = {
            "fetched": catalogue.fetched,
            "tags": catalogue.tags,
            "notes": catalogue.notes,
            "server": catalogue.server,
            "apart": catalogue.apart,
            "whole": catalogue.whole,
            "read_as": catalogue.read_as,
            "actions": [one._asdict() for one in catalogue.actions],
        }
        path = self.path(catalogue.host)
        self._replace(path, json.dumps(data))  # `dump` would not use the fast encoder
        rows = (f"{_digest(one)} {json.dumps(one.id)}\n" for one in catalogue.actions)
        self._keep(catalogue, "".join(rows))

    def touch(self, catalogue: Catalogue) -> None:
        """Note when a catalogue that lies here already was last found to be as it is."""
        index = self.index(catalogue.host)
        if index is None:
            self.store(catalogue)
        else:
            rows = index.text.partition(b"\n")[2].decode()
            self._keep(catalogue, rows)

    def rows(self, host: str, made_from: str) -> list[dict[str, Any]] | None:
        """Return the rows last stored for this catalogue; ``None`` where they are out of date."""
        try:
            with open(self.path(host) + _ROWS, encoding="utf-8") as file:
                key, rows = json.load(file)
            return [dict(row) for row in rows] if key == self._rows_key(host, made_from) else None
        except (OSError, ValueError, TypeError):
            return None

    def store_rows(self, host: str, made_from: str, rows: list[dict[str, Any]]) -> None:
        """Store the rows of a printed list; ``made_from`` is what they depend on besides."""
        with suppress(OSError):  # without a catalogue there is nothing to list
            key = self._rows_key(host, made_from)
            self._replace(self.path(host) + _ROWS, json.dumps([key, rows]))

    def _rows_key(self, host: str, made_from: str) -> list[Any]:
        catalogue = os.stat(self.path(host))
        return [made_from, catalogue.st_mtime_ns, catalogue.st_size]

    def _keep(self, catalogue: Catalogue, rows: str) -> None:
        head = json.dumps([catalogue.fetched, catalogue.server])
        self._replace(self.path(catalogue.host) + _INDEX, f"{head}\n{rows}")
        self._indexes.clear()

    def _replace(self, path: str, text: str) -> None:
        from callsheet.storage.atomic_file import replace_file

        with suppress(OSError):
            replace_file(path, text)


def _digest(action: Advertised) -> str:
    from callsheet.jsonio import digest

    return _NO_SCHEMA if action.input is None else digest(action.input)


def _stored(host: str, data: Any) -> Catalogue:
    """A catalogue as it was stored; raises for anything of another shape."""
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.spec import Advertised

    actions = tuple(Advertised(**action) for action in data["actions"])
    notes, tags = tuple(data["notes"]), data["tags"]
    texts = [*notes, *tags, *(text for a in actions for text in (a.id, a.title, a.description))]
    texts += [text for held in tags.values() for pair in held.items() for text in pair]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not a stored catalogue")
    if not all(isinstance(action.hints, dict) for action in actions):
        raise TypeError("not a stored catalogue")
    return Catalogue(
        host,
        float(data["fetched"]),
        actions,
        tags,
        notes,
        server=str(data["server"]),
        apart=tuple(map(str, data.get("apart", ()))),
        whole=float(data.get("whole", 0.0)),
        read_as=str(data.get("read_as", "")),
    )
