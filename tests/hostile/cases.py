"""The corpus as it lies on disk, and catalogues that carry it among benign actions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CORPUS = Path(__file__).parent / "corpus"
CLASSES = tuple(sorted(path.name for path in CORPUS.iterdir() if path.is_dir()))
_ANONYMOUS = "hostile.act"

_SCENE = {"enum": ["a", "b"], "description": "What is to be seen."}
BENIGN: tuple[dict[str, Any], ...] = tuple(
    {
        "id": f"benign.{verb}",
        "description": f"Benign: {verb}.",
        "inputSchema": {
            "type": "object",
            "properties": {"prompt": {"type": "string"}, "sceneName": _SCENE},
            "required": ["prompt"],
        },
        "outputSchema": {"type": "object", "properties": {"title": {"type": "string"}}},
    }
    for verb in ("cut", "draw", "zoom")
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file of the corpus; ``id`` is unique in a catalogue unless the case is about its id."""

    kind: str
    name: str
    document: dict[str, Any]

    @property
    def id(self) -> str:
        """The id under which the case is listed."""
        said = self.document["entry"]["id"]
        return f"hostile.{self.name}" if said == _ANONYMOUS else str(said)

    def listed(self) -> str:
        """The entry as the list carries it, as JSON text."""
        given = {**self.document["entry"], "id": self.id}
        text = given.pop("schema_text", None)
        if text is None:
            return json.dumps(given)
        return json.dumps({**given, "inputSchema": "HERE"}).replace('"HERE"', text)

    def bare(self) -> str:
        """The entry without its schemas, so that they are asked for."""
        given = {**self.document["entry"], "id": self.id}
        kept = ("id", "title", "description", "annotations")
        return json.dumps({key: given[key] for key in kept if key in given})


def load(kind: str) -> list[Case]:
    """Every case of a class, in order of the file names."""
    return [
        Case(kind=kind, name=path.stem, document=json.loads(path.read_text("utf-8")))
        for path in sorted((CORPUS / kind).glob("*.json"))
    ]


def listing(entries: Iterable[str]) -> bytes:
    """A list of actions, benign ones first, in the middle and last."""
    first, second, third = (json.dumps(entry) for entry in BENIGN)
    hostile = list(entries)
    half = len(hostile) // 2
    every = [first, *hostile[:half], second, *hostile[half:], third]
    return f'{{"actions": [{", ".join(every)}]}}'.encode()


def batches(cases: Sequence[Case], size: int) -> list[list[Case]]:
    """The cases in catalogues of at most ``size``."""
    return [list(cases[start : start + size]) for start in range(0, len(cases), size)]
