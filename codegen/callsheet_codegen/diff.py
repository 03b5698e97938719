"""Compare versions, tree, lock and server; ignore or weigh the changes."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.actions.naming import command_path
from callsheet.catalog.lock import Lock, load_lock
from callsheet.config.settings import LOOPBACK
from callsheet.diff.change import document_of, github_lines, markdown_lines, summary, text_lines
from callsheet.diff.compare import LockedNames, diff
from callsheet.errors import UsageError
from callsheet_codegen import names as naming
from callsheet_codegen import pipeline, publish, source
from callsheet_codegen.layout import locate_groups

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from callsheet.config.overlay import Overlay
    from callsheet.diff.change import Change
    from callsheet_codegen.config import Config


def method_paths(
    changes: Sequence[Change], locks: Sequence[Lock], overlay: Overlay
) -> dict[str, str]:
    """Return the id of each changed action → its method behind a client: ``video.generate``.

    The names of the first lock win; an action without a name has the one that it would get.
    """
    paths = {change.action: change.command for change in changes if change.command}
    for lock in locks:
        for entry in lock.snapshot.actions:
            words = lock.commands.get(entry.id)
            paths.setdefault(entry.id, words or command_path(entry.id, overlay.strip_prefixes))
    groups = locate_groups(paths)
    attributes = {path: group.attribute for path, group in groups.items()}
    assigned: dict[str, str] = {}
    for lock in reversed(locks):
        attributes |= {words: names["attribute"] for words, names in lock.groups.items()}
        assigned |= lock.methods
    return {
        name: ".".join(
            [
                *_attributes(paths[name][:-1], attributes),
                assigned.get(name) or groups[paths[name][:-1]].methods[name],
            ]
        )
        for name in {change.action for change in changes}
    }


def _attributes(group: tuple[str, ...], attributes: Mapping[tuple[str, ...], str]) -> list[str]:
    """Return the properties that lead from a client to a group."""
    ends = range(1, len(group) + 1) if group else [0]
    return [attributes[group[:end]] for end in ends]


def python_names(change: Change) -> tuple[str, ...]:
    """Return the changed fields as Python names them: arguments, or attributes of the reply.

    Nested ones are joined by dots.
    """
    paths = (field.replace("[]", "").split(".") for field in change.fields)
    return tuple(".".join(naming.fields([step])[step] for step in path if step) for path in paths)


_GIT_SECONDS = 20
_GIT = ["git"]


@dataclass(frozen=True, slots=True)
class Version:
    """A catalogue with the names assigned in it and its own name; ``notes`` are to be told."""

    name: str
    lock: Lock
    notes: tuple[str, ...] = ()


def locked_version(config: Config) -> Version:
    """Return the project's lock; raises ``UsageError`` where there is none."""
    lock = pipeline.read_lock(config.lock)
    if lock is None:
        raise UsageError(f"there is no lock at {config.lock}", hint="run `callsheet generate`")
    return Version(f"the lock ({lock.snapshot.source})", lock)


def read_version(argument: str, config: Config) -> Version:
    """Read the lock that an argument names: by its path, else by a revision of git.

    Of a revision the project's own lock is read. Raises ``UsageError`` where it is neither.
    """
    path = Path(argument)
    lock = pipeline.read_lock(path) if path.is_file() else None
    return Version(argument, lock or load_lock(_lock_at_revision(argument, config.lock)))


def _lock_at_revision(revision: str, lock: Path) -> str:
    """Return the text of the lock in a revision of git; raises ``UsageError``."""
    location = f"{revision}:./{lock.name}"
    if revision.startswith("-"):
        raise UsageError(f"{revision} is neither a file nor a revision")
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the revision cannot be an option
            [*_GIT, "-C", str(lock.parent), "show", "--end-of-options", location],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{revision} is not a file, and git cannot be asked: {error}") from None
    if done.returncode:
        raise UsageError(
            f"{revision} is neither a lock nor a revision of git that holds {lock.name}",
            hint=(done.stderr.strip().splitlines() or ["name a file or a revision"])[0],
        )
    return done.stdout


def served_version(
    config: Config,
    *,
    host: str | None,
    environ: Mapping[str, str] | None = None,
    locked: str = "",
    subcommand: str = "diff",
) -> Version:
    """Fetch what the server offers now; ``locked`` is the lock's source, where that is asked.

    ``subcommand`` is the one of ``callsheet`` that asks, as a hint names it. Raises as ``choose``
    and ``fetch`` of ``source`` do.
    """
    chosen = source.choose(config, host=host, environ=environ, locked=locked, subcommand=subcommand)
    with chosen as server:
        snapshot, _ = source.fetch(server, config)
    unique, _ = pipeline.drop_duplicates(snapshot)
    notes = tuple(note.line() for note in server.notes())
    return Version(f"{server.name} ({server.why})", Lock(unique), notes)


IGNORED = ".callsheetignore"
FORMATS = ("text", "json", "md", "github")
LEVELS = ("breaking", "additive", "any")
_MAX_RULE_WORDS = 3


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """A line of the ignore file: changes of this sort, of these actions, at these pointers."""

    sort: str
    action: str = "*"
    pointer: str = "*"

    def matches(self, change: Change) -> bool:
        """Tell whether the change is one of those."""
        return (
            self.sort in {"*", change.code, change.severity}
            and fnmatchcase(change.action, self.action)
            and fnmatchcase(change.pointer, self.pointer)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Changes, and the number of changes that the ignore file passed over."""

    changes: tuple[Change, ...]
    ignored: int
    lock: str

    def fails(self, level: str, *, allow_unproved: bool) -> bool:
        """Tell whether there is a change of the level (one of ``LEVELS``) or a graver one.

        A body with an undeclared field comes from no generated client: such a change is
        reported, and fails nothing but ``any``.
        """
        grave = {"breaking"} if allow_unproved else {"breaking", "unproved"}
        wanted = {"breaking": grave, "additive": grave | {"additive"}}.get(level)
        counted = (c for c in self.changes if wanted is None or c.code != "undeclared")
        return any(wanted is None or change.severity in wanted for change in counted)

    def lines(self, form: str) -> list[str]:
        """Return the report as ``text``, ``md`` or ``github``."""
        if form == "github":
            return github_lines(self.changes, self.lock)
        write = markdown_lines if form == "md" else text_lines
        more = [f"{self.ignored} ignored"] if self.ignored else []
        tail = [summary(self.changes)] if form == "text" and self.changes else []
        return [*write(self.changes), *tail, *more]

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``--format json`` prints."""
        return {**document_of(self.changes), "ignored": self.ignored}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that ``check`` and ``diff`` share."""
    parser.add_argument("--format", choices=FORMATS, help="how to print the changes")
    parser.add_argument("--fail-on", choices=LEVELS, help="exit 8 where a change is this or graver")
    parser.add_argument(
        "--allow-unproved", action="store_true", help="what is not proved to break does not fail"
    )
    parser.add_argument("--ignore", help=f"a file of changes to pass over (default: {IGNORED})")


def compare(old: Version, new: Version, config: Config, ignore: str | None) -> Report:
    """List the changes from one version to another, without those that the ignore file names.

    ``ignore`` is its path; ``None`` for the project's own. Raises ``UsageError`` for a bad file.
    """
    rules = _read_rules(config, ignore)
    changes = diff(
        old.lock.snapshot,
        new.lock.snapshot,
        overlay=config.overlay,
        program=config.command,
        old_names=LockedNames(old.lock.commands, old.lock.flags),
        new_names=LockedNames(new.lock.commands, new.lock.flags),
    )
    counted = [change for change in changes if not any(rule.matches(change) for rule in rules)]
    paths = method_paths(counted, (old.lock, new.lock), config.overlay) if counted else {}
    named = tuple(replace(c, method=paths[c.action], names=python_names(c)) for c in counted)
    return Report(changes=named, ignored=len(changes) - len(counted), lock=_lock_path(config))


def _root(config: Config) -> Path:
    """Return the folder of the pyproject.toml, else the output folder."""
    return config.where.parent if config.where else config.out


def _lock_path(config: Config) -> str:
    """Return the lock's path, relative to the project where it lies in it."""
    root = _root(config)
    return str(config.lock.relative_to(root) if config.lock.is_relative_to(root) else config.lock)


def _read_rules(config: Config, flag: str | None) -> list[IgnoreRule]:
    """Read the ignore file: that of the flag, else the project's own, where there is one."""
    path = Path(flag) if flag is not None else _root(config) / IGNORED
    if flag is None and not path.is_file():
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    rules = []
    for number, line in enumerate(lines, 1):
        words = line.partition(" #")[0].split()
        if len(words) > _MAX_RULE_WORDS and not words[0].startswith("#"):
            raise UsageError(
                f"{path}:{number}: {len(words)} words, wanted: what, action, pointer",
                hint="for example: limit ai.video.* /prompt",
            )
        if words and not words[0].startswith("#"):
            rules.append(IgnoreRule(*words))
    return rules


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

    Changes of the level ``fail_on`` (default: any), but for those in the file ``ignore``, are
    drift. No drift where the lock's source cannot be asked without ``host``.
    """
    name = lock.snapshot.source
    served = _source_version(config, name, host, environ)
    if served is None:
        line = f"the lock came from {name}; say --host to compare with it"
        return CheckResult(subject="server", drift=False, lines=(line,))
    report = compare(Version("the lock", lock), served, config, ignore)
    if not report.changes:
        more = f" ({report.ignored} ignored)" if report.ignored else ""
        line = f"{name} says what the lock holds{more}"
        return CheckResult(subject="server", drift=False, lines=(*served.notes, line))
    rows = (f"  {row}" for row in report.lines("text"))
    return CheckResult(
        subject="server",
        drift=report.fails(fail_on or "any", allow_unproved=allow_unproved),
        lines=(*served.notes, f"{name} changed since the lock:", *rows),
        report=report,
    )


def _source_version(
    config: Config, name: str, host: str | None, environ: Mapping[str, str] | None
) -> Version | None:
    """Fetch what the lock's source (or ``host``) offers now; ``None`` where only a host would do.

    That is a lock from a loopback address, whose port is not recorded.
    """
    if not host and name == source.SANDBOX:
        with source.sandbox() as (url, key):
            own = {**(environ or {}), f"{config.env}_API_KEY": key}
            return served_version(config, host=url, environ=own)
    configured = None if host else source.settings_for(config, host=None, environ=environ)
    if host or (configured is not None and configured.name == name):
        return served_version(config, host=host, environ=environ, subcommand="check")
    if any(local in name for local in LOOPBACK):
        return None
    return served_version(config, host=None, environ=environ, locked=name, subcommand="check")
