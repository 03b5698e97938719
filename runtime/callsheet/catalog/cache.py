"""Keeps the last catalogue of each host on disk."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from typing import Any, NamedTuple

from callsheet.canon import digest
from callsheet.catalog.catalogue import FIELDS, Catalogue
from callsheet.spec import Advertised

_INDEX = ".index"
_NO_SCHEMA = "-" * 64


class Index(NamedTuple):
    """When a catalogue was fetched, and the digest of each action's input schema."""

    fetched: float
    text: bytes

    def digest_of(self, action_id: str) -> str | None:
        """The digest; empty where no schema was readable, ``None`` where the id is not listed."""
        place = self.text.find(f" {json.dumps(action_id)}\n".encode())
        found = self.text[place - 64 : place].decode("ascii", "replace") if place >= 64 else None
        return "" if found == _NO_SCHEMA else found


class CatalogueCache:
    """The last catalogue of each host, one file a host; a damaged file counts as none."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, host: str) -> str:
        """The file for a host."""
        name = re.sub(r"[^a-z0-9.-]+", "_", host.partition("://")[2].lower())[:60]
        mark = hashlib.sha256(host.encode()).hexdigest()[:12]
        return os.path.join(self.folder, f"{name}-{mark}.json")

    def load(self, host: str) -> Catalogue | None:
        """What was last fetched from the host, if it was ever."""
        try:
            with open(self.path(host), encoding="utf-8") as file:
                data = json.load(file)
            return _stored(host, data)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def index(self, host: str) -> Index | None:
        """The digests of what was last fetched, without reading the rest of it."""
        try:
            with open(self.path(host) + _INDEX, "rb") as file:
                text = file.read()
            return Index(float(text[: text.index(b"\n")]), text)
        except (OSError, ValueError):
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
            "actions": [{f: getattr(a, f) for f in FIELDS} for a in catalogue.actions],
        }
        path = self.path(catalogue.host)
        self._replace(path, json.dumps(data))  # `dump` would not use the fast encoder
        rows = (f"{_digest(one)} {json.dumps(one.id)}\n" for one in catalogue.actions)
        self._replace(path + _INDEX, f"{catalogue.fetched!r}\n{''.join(rows)}")

    def _replace(self, path: str, text: str) -> None:
        import tempfile

        part = ""
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            handle, part = tempfile.mkstemp(suffix=".part", dir=self.folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(part, path)
        except OSError:
            if part:
                with suppress(OSError):
                    os.unlink(part)


def _digest(action: Advertised) -> str:
    return _NO_SCHEMA if action.input is None else digest(action.input)


def _stored(host: str, data: Any) -> Catalogue:
    """A catalogue as it was stored; raises for anything of another shape."""
    actions = tuple(Advertised(**action) for action in data["actions"])
    notes, tags = tuple(data["notes"]), data["tags"]
    texts = [*notes, *tags, *(text for a in actions for text in (a.id, a.title, a.description))]
    texts += [text for held in tags.values() for pair in held.items() for text in pair]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not a stored catalogue")
    if not all(isinstance(action.marks, dict) for action in actions):
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
