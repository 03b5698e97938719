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
class Case:
    """One action with bodies that its schema allows and bodies that it forbids."""

    id: str
    input: Any
    output: Any
    valid: tuple[Any, ...]
    invalid: tuple[Any, ...]
    draft: str = ""
    doc: str = ""


def has_corpus() -> bool:
    """Whether the recorded schemas are at hand."""
    return (CORPUS / "actions.jsonl.gz").exists()


def corpus() -> list[Case]:
    """Every recorded action; empty where there is no corpus."""
    if not has_corpus():
        return []
    bodies = {one["id"]: one for one in _lines("instances.jsonl.gz")}
    return [
        Case(
            id=one["id"],
            input=one["input"],
            output=one.get("output"),
            valid=tuple(body for _, body in bodies[one["id"]]["valid"]),
            invalid=tuple(body for _, body in bodies[one["id"]]["invalid"]),
            draft=one["draft"],
            doc=one["description"] or "",
        )
        for one in _lines("actions.jsonl.gz")
    ]


def _lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(CORPUS / name, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def own() -> list[Case]:
    """Our own schemas, one file a shape; the name of the file is the name of the action."""
    return [
        Case(
            id=f"own.{path.stem.replace('-', '_')}",
            input=one["input"],
            output=one.get("output"),
            valid=tuple(one["valid"]),
            invalid=tuple(one["invalid"]),
            draft=one["draft"],
        )
        for path in sorted(OWN.glob("*.json"))
        for one in [json.loads(path.read_text("utf-8"))]
    ]


def identical(one: object, other: object) -> bool:
    """Whether two JSON values are the same text but for white space: 1 is not 1.0."""
    return json.dumps(one, ensure_ascii=False) == json.dumps(other, ensure_ascii=False)


def equal(one: object, other: object) -> bool:
    """The same, whatever the order of keys."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
