"""The work of the last run as it is remembered, held against the disk."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from callsheet.snapshot import blocks_of
from callsheet_codegen import memory
from callsheet_codegen.diagnostics import Diagnostic
from callsheet_codegen.known import Fact, Known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from callsheet_codegen.pipeline import Draft

Row = tuple[str, str, int, int, int]


class Recall:
    """What is remembered of one package folder; nothing, where it cannot be read.

    ``lock`` is the text of the lock.
    ``disk`` tells the sha256 of files; one whose size and times are as they were is not read.
    """

    def __init__(self, base: str, tools: str, folder: Path, lock: str = "") -> None:
        self.base, self.tools, self.folder = base, tools, str(folder)
        self._blocks: Mapping[str, str] = {}
        held = memory.load_work(base, tools) or {}
        self._rows: Mapping[str, Row] = {}
        self._facts: Mapping[str, Fact] = {}
        self._held: Mapping[str, Any] = held.get("actions", {})
        self._shas: dict[str, str | None] = {}
        try:
            if held.get("folder") == self.folder:
                self._rows = {path: _row(row) for path, row in held["files"].items()}
                self._facts = {name: _fact(row) for name, row in held["actions"].items()}
                marks = held["blocks"]
                blocks = blocks_of(lock).items()
                self._blocks = {name: b for name, b in blocks if marks.get(name) == _mark(b)}
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            self._rows, self._facts = {}, {}

    @property
    def empty(self) -> bool:
        """Whether everything has to be made."""
        return not self._facts

    def disk(self, paths: Iterable[str]) -> dict[str, str | None]:
        """The sha256 of each path below the package folder, ``None`` where there is no file."""
        return {path: self._sha(path) for path in paths}

    def _sha(self, path: str) -> str | None:
        if path not in self._shas:
            self._shas[path] = self._look(path)
        return self._shas[path]

    def _look(self, path: str) -> str | None:
        place = f"{self.folder}/{path}"
        row = self._rows.get(path)
        if row is not None and memory.stat_of(place) == row[2:]:
            return row[1]
        return memory.sha_of(place)

    def blocks(self) -> Mapping[str, str]:
        """The blocks of the lock that an earlier run wrote just so, by action id."""
        return self._blocks

    def known(self) -> Known:
        """What need not be made again: of files, those that lie there as they were written."""
        files = {
            path: (key, sha)
            for path, (key, sha, *_) in self._rows.items()
            if self._sha(path) == sha
        }
        return Known(files=files, actions=self._facts)

    def keep(self, made: Draft, stats: memory.Stats) -> None:
        """Remember this run, after it was published; ``stats`` are those of its files."""
        rows = {}
        for path, sha in made.plan.manifest.files.items():
            stat = stats[path]
            if stat is not None and path not in made.plan.edited:
                rows[path] = (made.keys[path], sha, *stat)
        known = self._facts
        facts = {
            name: self._held[name] if fact is known.get(name) else _fact_row(fact)
            for name, fact in made.facts.items()
        }
        marks = {name: _mark(block) for name, block in made.blocks.items() if name in facts}
        work = {"folder": self.folder, "files": rows, "actions": facts, "blocks": marks}
        memory.store_work(self.base, self.tools, work)


def _mark(block: str) -> str:
    return hashlib.sha256(block.encode("ascii", "replace")).hexdigest()[:16]


def _row(row: Any) -> Row:
    key, sha, size, written, changed = row
    return str(key), str(sha), int(size), int(written), int(changed)


def _fact_row(fact: Fact) -> list[Any]:
    flags = [[*path, flag] for path, flag in fact.flags.items()]
    told = [one.as_json() for one in fact.told]
    return [fact.key, fact.module, fact.exports, flags, told]


def _fact(row: Any) -> Fact:
    key, module, exports, flags, told = row
    return Fact(
        key=str(key),
        module=bool(module),
        exports=tuple(map(str, exports)),
        flags={tuple(map(str, words[:-1])): str(words[-1]) for words in flags},
        told=tuple(Diagnostic(**one) for one in told),
    )
