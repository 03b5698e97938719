"""Writes the corpus: ``python tests/hostile/make.py`` remakes every file of ``corpus/``."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile.making import (
    gate,
    identifiers,
    naming,
    patterns,
    references,
    structures,
    terminal,
)
from hostile.making.breakouts import BREAKOUTS
from hostile.making.places import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPUS = Path(__file__).parent / "corpus"

Named = tuple[str, dict[str, Any]]


def breakouts() -> Iterator[Named]:
    """Every string in every place."""
    for place, put in PLACES.items():
        for kind, text in BREAKOUTS.items():
            yield f"{place}.{kind}", {"about": f"{kind} in {place}", "entry": put(text)}


CLASSES = {
    "gate": gate.cases,
    "breakouts": breakouts,
    "references": references.cases,
    "structures": structures.cases,
    "bombs": structures.bombs,
    "patterns": patterns.cases,
    "names": naming.cases,
    "identifiers": identifiers.cases,
    "terminal": terminal.cases,
}


def corpus() -> dict[str, str]:
    """Path below ``corpus/`` → text of the file."""
    return {
        f"{kind}/{name}.json": json.dumps(case, indent=1) + "\n"
        for kind, make in CLASSES.items()
        for name, case in make()
    }


def main() -> None:
    """Write all files anew."""
    shutil.rmtree(CORPUS, ignore_errors=True)
    for path, text in corpus().items():
        target = CORPUS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
