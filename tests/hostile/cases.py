"""Build the corpus in memory, and catalogues that carry it among benign actions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostile.making import (
    breakouts,
    filenames,
    gate,
    identifiers,
    naming,
    oversized,
    patterns,
    references,
    structures,
    surrogates,
    terminal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

CORPUS = Path(__file__).parent / "corpus"
MAKERS: dict[str, Callable[[], Iterator[tuple[str, dict[str, Any]]]]] = {
    "bombs": structures.bombs,
    "breakouts": breakouts.cases,
    "filenames": filenames.cases,
    "gate": gate.cases,
    "identifiers": identifiers.cases,
    "names": naming.cases,
    "oversized": oversized.cases,
    "patterns": patterns.cases,
    "references": references.cases,
    "structures": structures.cases,
    "surrogates": surrogates.cases,
    "terminal": terminal.cases,
}
CLASSES = tuple(MAKERS)
_ANONYMOUS = "hostile.act"
_LONGEST_LIST = 5_200_000
"""Bytes of hostile entries in one list; beyond 5 MiB the gate refuses the list."""

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
    """One case of the corpus; ``id`` is unique in a catalogue unless the case is about its id."""

    kind: str
    name: str
    document: dict[str, Any]

    @property
    def id(self) -> str:
        """Return the id under which the case is listed."""
        action_id = self.document["entry"]["id"]
        return f"hostile.{self.name}" if action_id == _ANONYMOUS else str(action_id)

    def listed(self) -> str:
        """Return the entry as the list carries it, as JSON text."""
        entry = {**self.document["entry"], "id": self.id}
        schema = entry.pop("schema_text", None)
        if schema is None:
            return json.dumps(entry)
        return json.dumps({**entry, "inputSchema": "HERE"}).replace('"HERE"', schema)

    def bare(self) -> str:
        """Return the entry without its schemas, so that they are fetched one by one."""
        entry = {**self.document["entry"], "id": self.id}
        keys = ("id", "title", "description", "annotations")
        return json.dumps({key: entry[key] for key in keys if key in entry})


@cache
def load(kind: str) -> tuple[Case, ...]:
    """Return every case of a class in order of their names: the made ones and the files."""
    texts = {name: json.dumps(document) for name, document in MAKERS[kind]()}
    texts |= {path.stem: path.read_text("utf-8") for path in (CORPUS / kind).glob("*.json")}
    return tuple(
        Case(kind=kind, name=name, document=json.loads(text))
        for name, text in sorted(texts.items())
    )


def listing(entries: Iterable[str]) -> bytes:
    """Return a list of actions with benign ones first, in the middle and last."""
    first, second, third = (json.dumps(entry) for entry in BENIGN)
    hostile = list(entries)
    half = len(hostile) // 2
    every = [first, *hostile[:half], second, *hostile[half:], third]
    return f'{{"actions": [{", ".join(every)}]}}'.encode()


def batches(cases: Sequence[Case], size: int) -> list[Sequence[Case]]:
    """Divide the cases into catalogues of at most ``size``, and of a text that is still read."""
    parts: list[list[Case]] = [[]]
    length = 0
    for case in cases:
        own = len(case.listed()) + 2
        if len(parts[-1]) == size or (parts[-1] and length + own > _LONGEST_LIST):
            parts.append([])
            length = 0
        parts[-1].append(case)
        length += own
    return list(parts) if cases else []
