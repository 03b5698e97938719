"""What the campaign is measured on: recorded schemas where they are at hand, and our own."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORPUS = Path(os.environ.get("CORPUS", "../shared/corpus"))
OWN = Path(__file__).parent / "schemas"


@dataclass(frozen=True)
class ActionCase:
    """One action with bodies that its schema allows and bodies that it forbids."""

    id: str
    input: Any
    output: Any
    valid: tuple[Any, ...]
    invalid: tuple[Any, ...]
    draft: str = ""
    doc: str = ""


def has_corpus() -> bool:
    """Tell whether the recorded schemas are at hand."""
    return (CORPUS / "actions.jsonl.gz").exists()


def corpus() -> list[ActionCase]:
    """Return every recorded action; empty where there is no corpus."""
    if not has_corpus():
        return []
    bodies = {entry["id"]: entry for entry in _lines("instances.jsonl.gz")}
    return [
        ActionCase(
            id=entry["id"],
            input=entry["input"],
            output=entry.get("output"),
            valid=tuple(body for _, body in bodies[entry["id"]]["valid"]),
            invalid=tuple(body for _, body in bodies[entry["id"]]["invalid"]),
            draft=entry["draft"],
            doc=entry["description"] or "",
        )
        for entry in _lines("actions.jsonl.gz")
    ]


def _lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(CORPUS / name, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def own() -> list[ActionCase]:
    """Return our own schemas, one file a shape; the name of the file is the name of the action."""
    return [
        ActionCase(
            id=f"own.{path.stem.replace('-', '_')}",
            input=entry["input"],
            output=entry.get("output"),
            valid=tuple(entry["valid"]),
            invalid=tuple(entry["invalid"]),
            draft=entry["draft"],
        )
        for path in sorted(OWN.glob("*.json"))
        for entry in [json.loads(path.read_text("utf-8"))]
    ]


def identical(first: object, second: object) -> bool:
    """Tell whether two JSON values are the same text but for white space: 1 is not 1.0."""
    return json.dumps(first, ensure_ascii=False) == json.dumps(second, ensure_ascii=False)


def equal(first: object, second: object) -> bool:
    """Tell whether two JSON values are the same, whatever the order of keys."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
