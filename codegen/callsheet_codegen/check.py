"""Two questions kept apart: the tree against the lock, and the lock against the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callsheet.settings import LOOPBACK
from callsheet_codegen import drift, pipeline, publish, source, versions
from callsheet_codegen.plan import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.snapshot import Lock
    from callsheet_codegen.config import Config
    from callsheet_codegen.drift import Report
    from callsheet_codegen.versions import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer to one question; ``drift`` decides the exit code, ``lines`` say it in words.

    ``report`` holds the changes where there are some.
    """

    subject: str
    drift: bool
    lines: tuple[str, ...]
    report: Report | None = None

    def as_json(self) -> dict[str, object]:
        """The object that ``--json`` prints."""
        made = {"subject": self.subject, "drift": self.drift, "lines": list(self.lines)}
        return made if self.report is None else {**made, **self.report.as_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Which changes of the server count as drift, and which are passed over."""

    level: str = "any"
    allow_unproved: bool = False
    ignore: str | None = None


def tree(config: Config, lock: Lock) -> Finding:
    """Whether the package folder is what the lock gives; nothing is written.

    Where only the versions of the tools differ, that is told and is not drift.
    """
    edited = edited_files(config)
    made = pipeline.draft(config, lock.snapshot, lock)
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
    return tuple(
        sorted(
            path
            for path, sha in manifest.files.items()
            if (held := disk[path]) is None or digest(held) != sha
        )
    )


def server(
    config: Config,
    lock: Lock,
    *,
    host: str | None,
    environ: Mapping[str, str] | None = None,
    weights: Weights | None = None,
) -> Finding:
    """Whether the lock's own source still says what the lock holds."""
    asked = host or _locked_host(config, lock, environ)
    if asked is None:
        line = f"the lock came from {lock.snapshot.source}; say --host to compare with it"
        return Finding(subject="server", drift=False, lines=(line,))
    weights = weights or Weights()
    if asked == source.SANDBOX:
        with source.sandbox() as (url, key):
            own = {**(environ or {}), f"{config.env}_API_KEY": key}
            return _compare(config, lock, versions.served(config, host=url, environ=own), weights)
    return _compare(config, lock, versions.served(config, host=asked, environ=environ), weights)


def _locked_host(config: Config, lock: Lock, environ: Mapping[str, str] | None) -> str | None:
    """The address behind the lock's source: what is configured for it, else the origin."""
    name = lock.snapshot.source
    if name == source.SANDBOX:
        return name
    found = source.settings_for(config, host=None, environ=environ)
    if found is not None and source.name_of(found[0].origin) == name:
        return found[0].host
    return None if any(local in name for local in LOOPBACK) else name


def _compare(config: Config, lock: Lock, served: Version, weights: Weights) -> Finding:
    old = versions.Version("the lock", lock)
    report = drift.compared(old, served, config, weights.ignore)
    where = lock.snapshot.source
    if not report.changes:
        more = f" ({report.ignored} ignored)" if report.ignored else ""
        line = f"{where} says what the lock holds{more}"
        return Finding(subject="server", drift=False, lines=(line,))
    return Finding(
        subject="server",
        drift=report.fails(weights.level, allow_unproved=weights.allow_unproved),
        lines=(f"{where} changed since the lock:", *(f"  {one}" for one in report.lines("text"))),
        report=report,
    )
