"""Load cases from data files, and put values in the place of their placeholders."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from callsheet_sandbox.templates import Json

if TYPE_CHECKING:
    from callsheet_sandbox.media.samples import Media

CATALOGUES = "catalogues.json"
_NAMED = re.compile(r"the catalogue (\w+) of catalogues\.json")
_TEXTS = re.compile(r"@(GOODB64|BIGB64|PNGB64|ID|B|C|P)(?![A-Za-z0-9_])")
_WHOLE = re.compile(r"@(SCHEMA|TEXT|PROPERTIES|REQUIRED|FIELDS|PARAMETERS)(?::(\S+))?")


class Case(NamedTuple):
    """One case, its kind, and the catalogues that it may name."""

    kind: str
    data: Mapping[str, Json]
    catalogues: Mapping[str, Json]

    @property
    def id(self) -> str:
        """Return the name of the case in reports."""
        return str(self.data["id"])

    @property
    def schemas(self) -> dict[str, Json]:
        """Return the input schemas by action: the case's own, else every catalogue's."""
        actions = self.data["server"].get("actions")
        if isinstance(actions, dict):
            return dict(actions)
        if match := _NAMED.fullmatch(actions or ""):
            return dict(self.catalogues[match[1]])
        return {**self.catalogues.get("video", {}), **self.catalogues.get("image", {})}


def load(paths: Iterable[Path], catalogues: Path | None = None) -> list[Case]:
    """Return the cases of files and of folders of files.

    Schemas that a case does not hold are those of ``catalogues.json`` beside it, else of the
    file ``catalogues``.
    """
    files: list[Path] = []
    for path in paths:
        files += sorted(path.glob("*.json")) if path.is_dir() else [path]
    return [case for file in files if file.name != CATALOGUES for case in _read(file, catalogues)]


def _read(file: Path, catalogues: Path | None) -> list[Case]:
    beside = file.parent / CATALOGUES
    source = beside if beside.exists() else catalogues
    schemas = json.loads(source.read_text("utf-8")) if source else {}
    rows = json.loads(file.read_text("utf-8"))
    return [Case(file.stem, row, schemas) for row in rows]


class Filler:
    """Fill in the placeholders of one case."""

    def __init__(self, schemas: Mapping[str, Json], media: "Media", url: str, second: str) -> None:
        self._schemas = schemas
        self._texts = {
            "B": url,
            "C": second,
            "P": url.rpartition(":")[2],
            "GOODB64": base64.b64encode(media.good).decode(),
            "BIGB64": base64.b64encode(media.big).decode(),
            "PNGB64": base64.b64encode(media.png).decode(),
        }

    def fill(self, value: Json, action: str = "") -> Json:
        """Return a copy of the value; ``action`` is the one whose schema document this is."""
        if isinstance(value, dict):
            return {self.text(k, action): self.fill(v, action) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(item, action) for item in value]
        if not isinstance(value, str):
            return value
        if match := _WHOLE.fullmatch(value):
            return _PARTS[match[1]](self._schemas.get(match[2] or action, {}))
        return self.text(value, action)

    def text(self, text: str, action: str = "") -> str:
        """Return a text with addresses and media filled in."""
        values = self._texts | {"ID": action}
        return _TEXTS.sub(lambda match: values[match[1]], text)


def _fields(schema: Mapping[str, Json]) -> list[dict[str, Json]]:
    required = schema.get("required", [])
    properties = schema.get("properties", {})
    return [{"name": n, **p, "required": n in required} for n, p in properties.items()]


def _parameters(schema: Mapping[str, Json]) -> list[dict[str, Json]]:
    required = schema.get("required", [])
    properties = schema.get("properties", {})
    return [
        {"name": n, "in": "query", "required": n in required, "schema": p}
        for n, p in properties.items()
    ]


_PARTS: dict[str, Callable[[Json], Json]] = {
    "SCHEMA": lambda schema: schema,
    "TEXT": json.dumps,
    "PROPERTIES": lambda schema: schema.get("properties", {}),
    "REQUIRED": lambda schema: schema.get("required", []),
    "FIELDS": _fields,
    "PARAMETERS": _parameters,
}
