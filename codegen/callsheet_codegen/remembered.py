"""Makes models only where none are remembered for the same request and the same tools."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from callsheet.canon import canonical
from callsheet_codegen.models import Made, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet_codegen.models import Modeller


class Remembering:
    """A modeller in front of another one. What was refused is not kept: it is tried again."""

    def __init__(self, modeller: Modeller, folder: str, tools: str) -> None:
        self._modeller, self._folder, self._tools = modeller, folder, tools

    def __call__(self, requests: Mapping[str, Request]) -> Mapping[str, Made]:
        """Every module that could be made, in the order of the requests."""
        paths = {name: self._path(request) for name, request in requests.items()}
        known = {name: _load(path) for name, path in paths.items()}
        missing = {name: one for name, one in requests.items() if known[name] is None}
        made = self._modeller(missing) if missing else {}
        for name, one in made.items():
            if not one.refused:
                _store(paths[name], one)
        found = {name: known[name] or made.get(name) for name in requests}
        return {name: one for name, one in found.items() if one is not None}

    def _path(self, request: Request) -> str:
        text = canonical([self._tools, {name: list(root) for name, root in request.roots.items()}])
        mark = hashlib.sha256(text.encode("ascii")).hexdigest()
        return os.path.join(self._folder, mark[:2], f"{mark[2:40]}.json")


def _load(path: str) -> Made | None:
    try:
        with open(path, encoding="utf-8") as file:
            held = json.load(file)
        fields = {
            str(cls): {str(n): (str(row[0]), str(row[1]), bool(row[2])) for n, row in rows.items()}
            for cls, rows in held["fields"].items()
        }
        roots = frozenset(map(str, held["roots"]))
        return Made(source=str(held["source"]), fields=fields, roots=roots)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _store(path: str, made: Made) -> None:
    held = {"source": made.source, "fields": made.fields, "roots": sorted(made.roots)}
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handle, part = tempfile.mkstemp(suffix=".part", dir=os.path.dirname(path))
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(held))
        os.replace(part, path)
