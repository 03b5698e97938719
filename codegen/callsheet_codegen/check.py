"""Two questions kept apart: the tree against the lock, and the lock against the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callsheet.errors import UsageError
from callsheet.settings import LOOPBACK
from callsheet_codegen import pipeline, publish, source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.snapshot import Lock
    from callsheet_codegen.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer to one question; ``drift`` decides the exit code, ``lines`` say it in words."""

    subject: str
    drift: bool
    lines: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The object that ``--json`` prints."""
        return {"subject": self.subject, "drift": self.drift, "lines": list(self.lines)}


def required_lock(config: Config) -> Lock:
    """The lock; raises ``UsageError`` where nothing was generated yet."""
    lock = pipeline.read_lock(config)
    if lock is None:
        raise UsageError(f"there is no lock at {config.lock}", hint="run `callsheet generate`")
    return lock


def tree(config: Config, lock: Lock) -> Finding:
    """Whether the package folder is what the lock gives; nothing is written.

    Where only the versions of the tools differ, that is told and is not drift.
    """
    edited = edited_files(config)
    made = pipeline.draft(config, lock.snapshot, lock, force=True)
    differing = sorted({s.path for s in (*made.plan.writes, *made.plan.deletes)} | set(edited))
    others = pipeline.other_tools(lock)
    notes = tuple(f"written with other tools: {text}" for text in others)
    if not differing:
        return Finding(subject="tree", drift=False, lines=("the tree is what the lock gives",))
    if others and not edited:
        line = "the tree differs from what these tools write; that is no drift"
        return Finding(subject="tree", drift=False, lines=(line, *notes))
    lines = [f"the tree differs from the lock in {len(differing)} files"]
    lines += [f"  {path}{' (edited by hand)' if path in edited else ''}" for path in differing]
    return Finding(subject="tree", drift=True, lines=(*lines, *notes))


def edited_files(config: Config) -> tuple[str, ...]:
    """Files of the manifest that are not as they were written."""
    manifest = publish.read_manifest(config.folder)
    disk = publish.read_disk(config.folder, manifest.files)
    return tuple(sorted(path for path, sha in manifest.files.items() if disk[path] != sha))


def server(
    config: Config, lock: Lock, *, host: str | None, environ: Mapping[str, str] | None = None
) -> Finding:
    """Whether the lock's own source still says what the lock holds."""
    asked = host or _locked_host(config, lock, environ)
    if asked is None:
        line = f"the lock came from {lock.snapshot.source}; say --host to compare with it"
        return Finding(subject="server", drift=False, lines=(line,))
    if asked == source.SANDBOX:
        with source.sandbox() as (url, key):
            return _compare(config, lock, url, {**(environ or {}), f"{config.env}_API_KEY": key})
    return _compare(config, lock, asked, environ)


def _locked_host(config: Config, lock: Lock, environ: Mapping[str, str] | None) -> str | None:
    """The address behind the lock's source: what is configured for it, else the origin."""
    name = lock.snapshot.source
    if name == source.SANDBOX:
        return name
    found = source.settings_for(config, host=None, environ=environ)
    if found is not None and source.name_of(found[0].origin) == name:
        return found[0].host
    return None if any(local in name for local in LOOPBACK) else name


def _compare(config: Config, lock: Lock, host: str, environ: Mapping[str, str] | None) -> Finding:
    with source.choose(config, host=host, environ=environ) as chosen:
        found, _ = source.fetch(chosen, config)
    snapshot, _ = pipeline.settle(found)
    changed = pipeline.changes(lock, snapshot, config)
    where = lock.snapshot.source
    if not changed:
        return Finding(subject="server", drift=False, lines=(f"{where} says what the lock holds",))
    lines = [f"{where} changed since the lock:", *(f"  {change.text}" for change in changed)]
    return Finding(subject="server", drift=True, lines=tuple(lines))
