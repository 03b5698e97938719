"""Run generate once."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.errors import CallsheetError, Interrupted, UsageError
from callsheet.text import safe_text
from callsheet_codegen import cache, pipeline, publish
from callsheet_codegen.cache import CachingModeller, Recall
from callsheet_codegen.config import load
from callsheet_codegen.diagnostics import fell_back
from callsheet_codegen.publish import MANIFEST
from callsheet_codegen.staging import StagingDir

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from callsheet.catalog.snapshot import Lock, Snapshot
    from callsheet.diff.change import Change
    from callsheet_codegen.config import Config
    from callsheet_codegen.diagnostics import Diagnostic
    from callsheet_codegen.models.pool import ModelPool
    from callsheet_codegen.pipeline import Draft


class Words:
    """Lines for a person; with ``--json`` they go to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.stream = sys.stderr if as_json else sys.stdout
        self.said: list[str] = []

    def __call__(self, *lines: str) -> None:
        """Print each line, and keep it."""
        for line in lines:
            self.said.append(safe_text(line))
            self.stream.write(self.said[-1] + "\n")
        self.stream.flush()


def run(given: argparse.Namespace, base: str, tools: str, makers: ModelPool) -> int:
    """Do the work; returns the exit code. Failures are told, none leaves as a traceback."""
    say = Words(as_json=given.json)
    try:
        code, document = _Run(given, (base, tools), makers, say).do()
    except KeyboardInterrupt:
        return fail(Interrupted("interrupted; nothing was changed"), as_json=given.json)
    except CallsheetError as error:
        return fail(error, as_json=given.json)
    if given.json:
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    return code


def fail(error: CallsheetError, *, as_json: bool) -> int:
    """Say what went wrong, and what to do; returns the exit code."""
    sys.stderr.write(safe_text(f"callsheet: {error.message}") + "\n")
    if error.hint:
        sys.stderr.write(safe_text(f"  {error.hint}") + "\n")
    if as_json:
        sys.stdout.write(json.dumps({"error": error.as_json()}, indent=1) + "\n")
    return error.exit_code


class _Run:
    """What the steps of one run share."""

    def __init__(
        self, given: argparse.Namespace, place: tuple[str, str], makers: ModelPool, say: Words
    ) -> None:
        self.given, self.makers, self.say = given, makers, say
        self.base, self.tools = place
        flags = {name: getattr(given, name) for name in ("package", "out", "lock")}
        self.config: Config = load(Path.cwd(), flags)
        self.stage = StagingDir(self.config.folder)

    def do(self) -> tuple[int, dict[str, Any]]:
        """The run; returns the exit code and the document of ``--json``."""
        given, config = self.given, self.config
        publish.recover(config.folder)
        old, text = pipeline.read_lock(config), pipeline.lock_text(config)
        recall = Recall(self.base, self.tools, config.folder, text)
        snapshot, notes = self._snapshot(old)
        if recall.empty:
            self.makers.launch(len(snapshot.actions))
        try:
            made = self._draft(snapshot, old, recall)
            done = pipeline.write(config, made, self._changelog(made), self.stage)
        finally:
            self.stage.drop()
        stats = cache.stats_of(str(config.folder), [*made.plan.manifest.files, MANIFEST])
        recall.keep(made.plan, stats, keys=made.keys, facts=made.facts, blocks=made.blocks)
        told = (*notes, *made.diagnostics)
        self._tell(made, done, told, first=old is None)
        document = self._document(made, done, told)
        if not made.plan.edited:
            self._rest(made, stats, document)
        return int(given.strict and fell_back(told)), document

    def _snapshot(self, old: Lock | None) -> tuple[Snapshot, tuple[Diagnostic, ...]]:
        if self.given.locked:
            if old is None:
                raise UsageError(
                    f"there is no lock at {self.config.lock}", hint="run `callsheet generate`"
                )
            self.say(f"source: the lock, made from {old.snapshot.source}")
            return old.snapshot, ()
        from callsheet_codegen import source

        with source.choose(self.config, host=self.given.host) as chosen:
            self.say(f"source: {chosen.name} ({chosen.why})")
            progress = source.Progress(sys.stderr)
            return source.fetch(chosen, self.config, whole=self.given.refresh, progress=progress)

    def _draft(self, snapshot: Snapshot, old: Lock | None, recall: Recall) -> Draft:
        draft = partial(pipeline.draft, force=self.given.force, meanwhile=self._prepare)
        if self.given.fresh:
            return draft(self.config, snapshot, old, modeller=self.makers)
        folder = os.path.join(os.path.dirname(self.base), "models")
        modeller = CachingModeller(self.makers, folder, self.tools)
        return draft(self.config, snapshot, old, modeller=modeller, recall=recall)

    def _prepare(self) -> None:
        """What needs no models: the renderer, and links to the files that are there."""
        from callsheet_codegen import render

        render.prepare()
        self.stage.begin()

    def _changelog(self, made: Draft) -> dict[Path, str]:
        if self.given.changelog is None or not made.changes:
            return {}
        from callsheet_codegen import changelog

        path = Path.cwd() / self.given.changelog
        held = path.read_text(encoding="utf-8") if path.exists() else ""
        return {path: changelog.added(held, made.changes, changelog.today())}

    def _tell(
        self, made: Draft, done: Sequence[str], told: Sequence[Diagnostic], *, first: bool
    ) -> None:
        self.say(*(found.line() for found in told))
        self.say(*(f"note: {path} was changed by hand and stays so" for path in made.plan.edited))
        self.say(
            *(
                f"note: {step.path} is not generated any more and was changed by hand: it stays"
                for step in made.plan.steps
                if step.kind == "keep"
            )
        )
        deleted = len(made.plan.deletes)
        self.say(f"{self.config.folder}: {deleted} files removed, {len(done) - deleted} written")
        self.say(*changed(made.changes, first=first, actions=len(made.lock.snapshot.actions)))

    def _document(
        self, made: Draft, done: Sequence[str], told: Sequence[Diagnostic]
    ) -> dict[str, Any]:
        return {
            "source": made.lock.snapshot.source,
            "package": str(self.config.folder),
            "lock": str(self.config.lock),
            "files": made.files,
            "written": list(done),
            "edited": list(made.plan.edited),
            "changes": [change.text for change in made.changes],
            "diagnostics": [found.as_json() for found in told],
        }

    def _rest(self, made: Draft, stats: cache.Stats, document: dict[str, Any]) -> None:
        """Remember what the next run with ``--locked`` will say, if nothing happens until then."""
        config = self.config
        lines = [
            f"source: the lock, made from {made.lock.snapshot.source}",
            *(safe_text(found.line()) for found in made.diagnostics),
            f"{config.folder}: 0 files removed, 0 written",
            *changed((), first=False, actions=0),
        ]
        shown = [found.as_json() for found in made.diagnostics]
        said = {
            "lines": lines,
            "document": {**document, "written": [], "changes": [], "diagnostics": shown},
            "fell_back": fell_back(made.diagnostics),
        }
        inputs = [str(config.lock), *([str(config.where)] if config.where else [])]
        left = cache.IdleStamp(inputs=inputs, folder=str(config.folder), stats=stats, said=said)
        cache.rest(self.base, self.tools, left)


def changed(changes: Sequence[Change], *, first: bool, actions: int) -> list[str]:
    """What changed since the lock, in lines."""
    if first:
        return [f"first lock: {actions} actions"]
    if not changes:
        return ["since the lock: no action and no flag changed"]
    from callsheet.diff import formats

    return ["since the lock:", *(f"  {line}" for line in formats.text(changes))]
