"""The golden cases: found by folder, generated into a folder of the test."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.catalog.lock import Snapshot, dump_lock, load_lock
from callsheet.spec import Advertised
from callsheet_codegen import pipeline
from callsheet_codegen.config import LOCK, Config, parse_overlay

if TYPE_CHECKING:
    from callsheet_codegen.models.pool import Modeller
    from callsheet_codegen.pipeline import Draft

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/catalogue.json"))


@dataclass(frozen=True)
class Case:
    """One folder."""

    name: str
    document: dict[str, Any]

    @property
    def expected(self) -> Path:
        """Return the folder of what is to be written."""
        return HERE / self.name / "expected"

    def config(self, out: Path) -> Config:
        """Configure a project of the case's name that is written to ``out``."""
        return Config(
            package=f"{self.name}_client",
            command=self.name,
            env=self.name.upper(),
            out=out,
            lock=out / LOCK,
            overlay=parse_overlay(self.document["overlay"]),
        )

    def snapshot(self, *, backwards: bool = False) -> Snapshot:
        """Return the catalogue; backwards, every list of actions and every object is reversed."""
        actions = [Advertised(**action) for action in self.document["actions"]]
        if backwards:
            actions = [Advertised(**turned(vars_of(action))) for action in reversed(actions)]
        return Snapshot(self.document["source"], tuple(actions))

    def generate(self, out: Path, modeller: Modeller, *, backwards: bool = False) -> Draft:
        """Write the package to ``out``; returns what was drafted."""
        config = self.config(out)
        snapshot = self.snapshot(backwards=backwards)
        old = pipeline.read_lock(config.lock)
        draft = pipeline.draft(config, snapshot, old, modeller=modeller)
        pipeline.write(config, draft)
        return draft


def load(name: str) -> Case:
    """Load the case of this folder."""
    return Case(name, json.loads((HERE / name / "catalogue.json").read_text("utf-8")))


def vars_of(action: Advertised) -> dict[str, Any]:
    """Return the fields of an action as a table."""
    names = ("id", "title", "description", "input", "output", "hints")
    return {name: getattr(action, name) for name in names}


def turned(value: Any) -> Any:
    """Return the same JSON with the keys of every object in opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [turned(item) for item in value]
    return value


def tree(folder: Path) -> dict[str, str]:
    """Return every file below a folder: path → text; the lock without the versions of tools."""
    texts = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    texts[LOCK] = dump_lock(replace(load_lock(texts[LOCK]), options={}))
    return texts
