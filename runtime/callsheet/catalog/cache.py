"""Keeps the last catalogue of each host on disk."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from typing import Any

from callsheet.catalog.catalogue import FIELDS, Catalogue
from callsheet.spec import Advertised


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

    def store(self, catalogue: Catalogue) -> None:
        """Replace the file of this host; a cache that cannot be written is no error."""
        data = {
            "fetched": catalogue.fetched,
            "tags": catalogue.tags,
            "notes": catalogue.notes,
            "server": catalogue.server,
            "actions": [{f: getattr(a, f) for f in FIELDS} for a in catalogue.actions],
        }
        part = ""
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            handle, part = tempfile.mkstemp(suffix=".part", dir=self.folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file)
            os.replace(part, self.path(catalogue.host))
        except OSError:
            if part:
                with suppress(OSError):
                    os.unlink(part)


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
    return Catalogue(host, float(data["fetched"]), actions, tags, notes, server=str(data["server"]))
