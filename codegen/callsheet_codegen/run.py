"""Run generate once."""

from __future__ import annotations

import datetime
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.errors import UsageError
from callsheet_codegen import cache, pipeline
from callsheet_codegen.cache import ProjectCache
from callsheet_codegen.code import Markdown
from callsheet_codegen.config import MANIFEST
from callsheet_codegen.ir import fell_back
from callsheet_codegen.models.pool import CachingModeller
from callsheet_codegen.staging import StagingDir

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from callsheet.catalog.lock import Lock, Snapshot
    from callsheet.diff.change import Change
    from callsheet_codegen.config import Config
    from callsheet_codegen.ir import Diagnostic
    from callsheet_codegen.models.pool import ModelPool
    from callsheet_codegen.pipeline import Draft


class GenerateRun:
    """What the steps of one run share; ``stored`` is the store with the key of this project."""

    def __init__(
        self,
        flags: argparse.Namespace,
        config: Config,
        stored: tuple[cache.Store, str],
        models: ModelPool,
        say: Callable[..., None],
    ) -> None:
        self.flags, self.config, self.models, self.say = flags, config, models, say
        self.store, self.project = stored
        self.stage = StagingDir(config.folder)

    def run(self) -> tuple[int, dict[str, Any]]:
        """Write what changed and print the lines; return the exit code and the ``--json`` document.

        Also stores what the next run need not make. Raises ``CallsheetError``.
        """
        config = self.config
        old = pipeline.read_lock(config.lock)
        if old is not None:
            _require_own(old, config)
        lock = config.lock.read_text(encoding="utf-8") if old else ""
        templates = cache.shas_of(self._templates())
        cached = ProjectCache(self.store, self.project, config.folder, lock, templates)
        snapshot, notes = self._snapshot(old)
        if cached.is_empty:
            self.models.launch(len(snapshot.actions))
        try:
            draft = self._draft(snapshot, old, cached)
            changed = pipeline.write(config, draft, self._changelog(draft), self.stage)
        finally:
            self.stage.discard()
        stats = cache.stats_of(str(config.folder), [*draft.plan.manifest, MANIFEST])
        cached.save(draft.plan, stats, keys=draft.keys, records=draft.records, blocks=draft.blocks)
        diagnostics = (*notes, *draft.diagnostics)
        self.say(*self._lines(draft, changed, diagnostics, first=old is None))
        if not draft.plan.edited:
            self._put_idle_stamp(draft, stats)
        code = int(self.flags.strict and fell_back(diagnostics))
        return code, self._document(draft, changed, diagnostics)

    def _snapshot(self, old: Lock | None) -> tuple[Snapshot, tuple[Diagnostic, ...]]:
        """Return the lock's snapshot with ``--locked``, else one fetched now, with diagnostics.

        Prints the source. Raises ``UsageError`` where there is no lock, and as ``fetch`` does.
        """
        if self.flags.locked:
            if old is None:
                raise UsageError(
                    f"there is no lock at {self.config.lock}", hint="run `callsheet generate`"
                )
            self.say(f"source: the lock, made from {old.snapshot.source}")
            return old.snapshot, ()
        from callsheet_codegen import source

        with source.choose(self.config, host=self.flags.host) as server:
            self.say(f"source: {server.name} ({server.why})")
            progress = source.Progress(sys.stderr)
            return source.fetch(server, self.config, refresh=self.flags.refresh, progress=progress)

    def _draft(self, snapshot: Snapshot, old: Lock | None, cached: ProjectCache) -> Draft:
        """Return the draft of this run; ``--fresh`` disregards ``cached`` and stored models."""
        draft = partial(pipeline.draft, force=self.flags.force, meanwhile=self._prepare)
        if self.flags.fresh:
            return draft(self.config, snapshot, old, modeller=self.models)
        modeller = CachingModeller(self.models, self.store)
        return draft(self.config, snapshot, old, modeller=modeller, cached=cached)

    def _prepare(self) -> None:
        """Do what needs no models: load the renderer, link existing files into the new folder."""
        from callsheet_codegen import render

        render.prepare(self.config.templates)
        self.stage.prepare()

    def _templates(self) -> list[str]:
        """Return where the project's own templates lie, or would; empty without such a folder."""
        folder = self.config.templates
        if folder is None:
            return []
        from callsheet_codegen.render import templates_folder

        return [str(folder / path.name) for path in sorted(templates_folder().glob("*.jinja"))]

    def _changelog(self, draft: Draft) -> dict[Path, str]:
        """Return the changelog's new text by its path, where an entry is to be written."""
        if self.flags.changelog is None or not draft.changes:
            return {}
        path = Path.cwd() / self.flags.changelog
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return {path: insert_entry(text, draft.changes)}

    def _lines(
        self,
        draft: Draft,
        changed: Sequence[str],
        diagnostics: Sequence[Diagnostic],
        *,
        first: bool = False,
    ) -> list[str]:
        """Return the lines that a run prints; ``changed`` files were written or removed."""
        plan, deleted = draft.plan, len(draft.plan.deletes)
        changes = ["since the lock: no action and no flag changed"]
        if first:
            changes = [f"first lock: {len(draft.lock.snapshot.actions)} actions"]
        elif draft.changes:
            from callsheet.diff.change import text_lines

            changes = [
                "since the lock:",
                *(f"  {line}" for line in text_lines(draft.changes)),
            ]
        kept = [step.path for step in plan.steps if step.kind == "keep"]
        stays = "is no longer generated and was changed by hand: it is left as it is"
        return [
            *(diagnostic.line() for diagnostic in diagnostics),
            *(f"note: {path} was changed by hand and is left as it is" for path in plan.edited),
            *(f"note: {path} {stays}" for path in kept),
            f"{self.config.folder}: {deleted} files removed, {len(changed) - deleted} written",
            *changes,
        ]

    def _document(
        self, draft: Draft, changed: Sequence[str], diagnostics: Sequence[Diagnostic]
    ) -> dict[str, Any]:
        """Return the ``--json`` document of a run."""
        return {
            "source": draft.lock.snapshot.source,
            "package": str(self.config.folder),
            "lock": str(self.config.lock),
            "files": draft.files,
            "written": list(changed),
            "edited": list(draft.plan.edited),
            "changes": [change.text for change in draft.changes],
            "diagnostics": [diagnostic.as_json() for diagnostic in diagnostics],
        }

    def _put_idle_stamp(self, draft: Draft, stats: cache.Stats) -> None:
        """Store what the next run with ``--locked`` prints, if no file changes until then."""
        config, diagnostics = self.config, draft.diagnostics
        idle = replace(draft, changes=(), plan=replace(draft.plan, steps=()))
        source = f"source: the lock, made from {draft.lock.snapshot.source}"
        output = {
            "lines": [source, *self._lines(idle, (), diagnostics)],
            "document": self._document(idle, (), diagnostics),
            "fell_back": fell_back(diagnostics),
        }
        inputs = [str(config.lock), *([str(config.where)] if config.where else [])]
        inputs += self._templates()
        stamp = cache.IdleStamp.of(inputs, str(config.folder), stats, output)
        self.store.put_idle_stamp(self.project, stamp)


def _require_own(lock: Lock, config: Config) -> None:
    """Raise ``UsageError`` for the lock of another package, which still stands beside this one.

    Each would give its names to the other's actions. A package that was renamed takes its lock
    along.
    """
    owner = lock.options.get("package", config.package)
    if owner == config.package or not isinstance(owner, str) or not owner.isidentifier():
        return
    if any((folder / owner / MANIFEST).is_file() for folder in (config.out, config.lock.parent)):
        raise UsageError(
            f"{config.lock} is the lock of {owner}, and {config.package} needs one of its own",
            hint="name another --lock, or leave it out",
            flag="--lock",
        )


_HEAD = "# Changelog\n\n"
_TITLES = {"added": "Added", "changed": "Changed", "removed": "Removed"}


def _entry(changes: Sequence[Change]) -> str:
    """Return an entry of today (UTC): changes by kind, those that break callers marked."""
    lines = [f"## {datetime.datetime.now(datetime.UTC).date()}"]
    for kind, title in _TITLES.items():
        rows = [change for change in changes if change.kind == kind]
        if rows:
            lines += ["", f"### {title}", "", *map(_change_row, rows)]
    return "\n".join(lines) + "\n"


def _change_row(change: Change) -> str:
    """Return a Markdown list item for a change; its code spans stay, all else is escaped."""
    text = " ".join(change.text.split())
    spans = text.split("`")
    safe = [part if index % 2 else _escaped(part) for index, part in enumerate(spans)]
    return f"- {'**Breaking:** ' if change.severity == 'breaking' else ''}{_joined(safe)}"


def _escaped(part: str) -> str:
    """Escape Markdown in a text; the blanks at its ends stay."""
    start, end = part[: len(part) - len(part.lstrip())], part[len(part.rstrip()) :]
    return f"{start}{Markdown(part).text}{end}" if part.strip() else part


def _joined(parts: Sequence[str]) -> str:
    """Join texts and code spans, in turn, by backticks; escape a last one that opens no span."""
    if len(parts) % 2:
        return "`".join(parts)
    return "`".join(parts[:-1]) + "\\`" + parts[-1]


def insert_entry(text: str, changes: Sequence[Change]) -> str:
    """Return the changelog with an entry of today: below ``[Unreleased]``, else above the first.

    Empty text gets the title too.
    """
    new = _entry(changes)
    if not text.strip():
        return f"{_HEAD}{new}"
    lines = text.splitlines(keepends=True)
    heads = [index for index, line in enumerate(lines) if line.startswith("## ")]
    if heads and "unreleased" in lines[heads[0]].lower():
        heads = heads[1:]
    index = heads[0] if heads else len(lines)
    before, after = "".join(lines[:index]).rstrip("\n"), "".join(lines[index:])
    return f"{before}\n\n{new}" + (f"\n{after}" if after else "")
