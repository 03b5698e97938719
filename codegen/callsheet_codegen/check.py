"""Compare the tree with the lock, and the lock with the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callsheet.config.settings import LOOPBACK
from callsheet_codegen import diff, pipeline, publish, source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.catalog.snapshot import Lock
    from callsheet_codegen.config import Config
    from callsheet_codegen.diff import Report, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Answer of one check; ``drift`` decides the exit code, ``lines`` are for a person.

    ``report`` holds the changes where there are some.
    """

    subject: str
    drift: bool
    lines: tuple[str, ...]
    report: Report | None = None

    def as_json(self) -> dict[str, object]:
        """Return the object that ``--json`` prints."""
        document = {"subject": self.subject, "drift": self.drift, "lines": list(self.lines)}
        return document if self.report is None else {**document, **self.report.as_json()}


def check_tree(config: Config, lock: Lock) -> CheckResult:
    """Compare the package folder with what the lock gives; writes nothing.

    Where only the versions of the tools differ, that is reported and is not drift.
    """
    manifest = publish.read_manifest(config.folder)
    disk = publish.read_disk(config.folder, manifest)
    edited = [path for path, sha in manifest.items() if disk[path] != sha]
    draft = pipeline.draft(config, lock.snapshot, lock, force=True)
    differing = sorted({s.path for s in (*draft.plan.writes, *draft.plan.deletes)} | set(edited))
    others = pipeline.other_tools(lock)
    notes = tuple(f"written with other tools: {text}" for text in others)
    if not differing:
        return CheckResult(subject="tree", drift=False, lines=("the tree is what the lock gives",))
    if others and not edited:
        line = "the tree differs from what these tools write; that is no drift"
        return CheckResult(subject="tree", drift=False, lines=(line, *notes))
    lines = [f"the tree differs from the lock in {len(differing)} files"]
    lines += [f"  {path}{' (edited by hand)' if path in edited else ''}" for path in differing]
    return CheckResult(subject="tree", drift=True, lines=(*lines, *notes))


def check_server(
    config: Config,
    lock: Lock,
    *,
    host: str | None,
    environ: Mapping[str, str] | None = None,
    fail_on: str | None = None,
    allow_unproved: bool = False,
    ignore: str | None = None,
) -> CheckResult:
    """Compare the lock with what its own source offers now.

    Changes of the level ``fail_on`` (any), but for those in the file ``ignore``, are drift.
    """
    name = lock.snapshot.source
    served = _served(config, name, host, environ)
    if served is None:
        line = f"the lock came from {name}; say --host to compare with it"
        return CheckResult(subject="server", drift=False, lines=(line,))
    report = diff.compare(diff.Version("the lock", lock), served, config, ignore)
    if not report.changes:
        more = f" ({report.ignored} ignored)" if report.ignored else ""
        line = f"{name} says what the lock holds{more}"
        return CheckResult(subject="server", drift=False, lines=(line,))
    return CheckResult(
        subject="server",
        drift=report.fails(fail_on or "any", allow_unproved=allow_unproved),
        lines=(f"{name} changed since the lock:", *(f"  {row}" for row in report.lines("text"))),
        report=report,
    )


def _served(
    config: Config, name: str, host: str | None, environ: Mapping[str, str] | None
) -> Version | None:
    """Return what a lock's source offers now; ``None`` where ``--host`` must say where."""
    if not host and name == source.SANDBOX:
        with source.sandbox() as (url, key):
            own = {**(environ or {}), f"{config.env}_API_KEY": key}
            return diff.served_version(config, host=url, environ=own)
    configured = None if host else source.settings_for(config, host=None, environ=environ)
    if host or (configured is not None and configured.name == name):
        return diff.served_version(config, host=host, environ=environ, word="check")
    if any(local in name for local in LOOPBACK):
        return None
    return diff.served_version(config, host=None, environ=environ, locked=name, word="check")
