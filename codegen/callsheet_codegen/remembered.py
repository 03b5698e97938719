"""Makes models only where none are remembered for the same request and the same tools."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from callsheet.canon import canonical
from callsheet_codegen.models import Made, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet_codegen.models import Modeller


class Remembering:
    """A modeller in front of another one. What was refused is not kept: it is tried again."""

    def __init__(self, modeller: Modeller, folder: str, tools: str) -> None:
        self._modeller, self._folder, self._tools = modeller, folder, tools

    def __call__(self, requests: Mapping[str, Request]) -> Mapping[str, Made]:
        """Every module that could be made, in the order of the requests."""
        paths = {name: self._path(request) for name, request in requests.items()}
        known = {name: made for name, path in paths.items() if (made := _load(path)) is not None}
        missing = {name: one for name, one in requests.items() if name not in known}
        return _Remembered(paths, known, self._modeller(missing) if missing else {})

    def _path(self, request: Request) -> str:
        text = canonical([self._tools, {name: list(root) for name, root in request.roots.items()}])
        mark = hashlib.sha256(text.encode("ascii")).hexdigest()
        return os.path.join(self._folder, mark[:2], f"{mark[2:40]}.json")


class _Remembered(Mapping[str, Made]):
    """What is known, and what is being made; that is kept when it is looked at."""

    def __init__(
        self, paths: Mapping[str, str], known: Mapping[str, Made], made: Mapping[str, Made]
    ) -> None:
        self._paths, self._known, self._made = paths, known, made

    def __getitem__(self, name: str) -> Made:
        if name in self._known:
            return self._known[name]
        one = self._made[name]
        if not one.refused:
            _store(self._paths[name], one)
        return one

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._paths if name in self._known or name in self._made)

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
