"""Compare versions, and ignore or weigh the changes."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.actions.naming import command_path
from callsheet.catalog.snapshot import Lock, load_lock
from callsheet.diff import formats
from callsheet.diff.compare import LockedNames, diff
from callsheet.errors import UsageError
from callsheet_codegen import names as naming
from callsheet_codegen import pipeline, source
from callsheet_codegen.layout import places

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from callsheet.config.overlay import Overlay
    from callsheet.diff.change import Change
    from callsheet_codegen.config import Config
    from callsheet_codegen.layout import GroupLocation


def methods(changes: Sequence[Change], locks: Sequence[Lock], overlay: Overlay) -> dict[str, str]:
    """Action id → its method as it stands behind a client: ``video.generate``.

    What the first lock names holds; for other actions it is the name that they would get.
    """
    paths = {one.action: one.command for one in changes if one.command}
    for lock in locks:
        for entry in lock.snapshot.actions:
            words = lock.commands.get(entry.id)
            paths.setdefault(entry.id, words or command_path(entry.id, overlay.strip_prefixes))
    found = places(paths)
    attributes = {group: place.attribute for group, place in found.items()}
    given: dict[str, str] = {}
    for lock in reversed(locks):
        attributes |= {words: names["attribute"] for words, names in lock.groups.items()}
        given |= lock.methods
    return {
        name: ".".join(
            [
                *_attributes(paths[name][:-1], attributes),
                given.get(name) or _made(name, paths, found),
            ]
        )
        for name in {one.action for one in changes}
    }


def _made(
    name: str, paths: Mapping[str, tuple[str, ...]], found: Mapping[Any, GroupLocation]
) -> str:
    return found[paths[name][:-1]].methods[name]


def _attributes(group: tuple[str, ...], attributes: Mapping[tuple[str, ...], str]) -> list[str]:
    ends = range(1, len(group) + 1) if group else [0]
    return [attributes[group[:end]] for end in ends]


def names_of(change: Change) -> tuple[str, ...]:
    """The keyword arguments of the method, or the attributes of the reply's model."""
    steps = (field.replace("[]", "").split(".") for field in change.fields)
    return tuple(".".join(naming.fields([step])[step] for step in one if step) for one in steps)


_GIT_SECONDS = 20
_GIT = ["git"]


@dataclass(frozen=True, slots=True)
class Version:
    """A catalogue with the names given in it, and what to call it."""

    name: str
    lock: Lock


def locked(config: Config) -> Version:
    """The project's lock; raises ``UsageError`` where there is none."""
    lock = pipeline.read_lock(config)
    if lock is None:
        raise UsageError(f"there is no lock at {config.lock}", hint="run `callsheet generate`")
    return Version(f"the lock ({lock.snapshot.source})", lock)


def named(word: str, config: Config) -> Version:
    """What a word of the command line means: the path of a lock, else a revision of git.

    Of a revision the project's own lock is read. Raises ``UsageError`` where it is neither.
    """
    path = Path(word)
    if path.is_file():
        return Version(word, _read(path))
    return Version(word, load_lock(_at_revision(word, config.lock)))


def _read(path: Path) -> Lock:
    try:
        return load_lock(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text", hint="name a catalog.lock.json") from None


def _at_revision(word: str, lock: Path) -> str:
    asked = f"{word}:./{lock.name}"
    if word.startswith("-"):
        raise UsageError(f"{word} is neither a file nor a revision")
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the word cannot be an option
            [*_GIT, "-C", str(lock.parent), "show", "--end-of-options", asked],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{word} is no file, and git cannot be asked: {error}") from None
    if done.returncode:
        raise UsageError(
            f"{word} is neither a lock nor a revision of git that holds {lock.name}",
            hint=(done.stderr.strip().splitlines() or ["name a file or a revision"])[0],
        )
    return done.stdout


def served(
    config: Config,
    *,
    host: str | None,
    environ: Mapping[str, str] | None = None,
    locked: str = "",
) -> Version:
    """What the server offers now; ``locked`` is the source of the lock, where that is asked."""
    with source.choose(config, host=host, environ=environ, locked=locked) as chosen:
        found, _ = source.fetch(chosen, config)
    return Version(f"{chosen.name} ({chosen.why})", Lock(pipeline.settle(found)[0]))


IGNORED = ".callsheetignore"
FORMATS = ("text", "json", "md", "github")
LEVELS = ("breaking", "additive", "any")
_MOST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the ignore file: changes of this sort, of these actions, at these places."""

    sort: str
    action: str = "*"
    pointer: str = "*"

    def holds(self, change: Change) -> bool:
        """Whether the change is one of those."""
        return (
            self.sort in {"*", change.code, change.severity}
            and fnmatchcase(change.action, self.action)
            and fnmatchcase(change.pointer, self.pointer)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What changed, and how many changes the ignore file passed over."""

    changes: tuple[Change, ...]
    ignored: int
    lock: str

    def fails(self, level: str, *, allow_unproved: bool) -> bool:
        """Whether there is a change of the level or a graver one.

        A body that holds an undeclared field comes from no generated client: such a line is
        told, and fails nothing but ``any``.
        """
        grave = {"breaking"} if allow_unproved else {"breaking", "unproved"}
        wanted = {"breaking": grave, "additive": grave | {"additive"}}.get(level)
        counted = (one for one in self.changes if wanted is None or one.code != "undeclared")
        return any(wanted is None or one.severity in wanted for one in counted)

    def lines(self, form: str) -> list[str]:
        """The report in a format other than JSON."""
        if form == "github":
            return formats.github(self.changes, self.lock)
        made = formats.markdown if form == "md" else formats.text
        more = [f"{self.ignored} ignored"] if self.ignored else []
        tail = [formats.summary(self.changes)] if form == "text" and self.changes else []
        return [*made(self.changes), *tail, *more]

    def as_json(self) -> dict[str, Any]:
        """The object that ``--format json`` prints."""
        return {**formats.document(self.changes), "ignored": self.ignored}


def flags(parser: argparse.ArgumentParser) -> None:
    """The flags that ``check`` and ``diff`` share."""
    parser.add_argument("--format", choices=FORMATS, help="how to print the changes")
    parser.add_argument("--fail-on", choices=LEVELS, help="exit 8 where a change is this or graver")
    parser.add_argument(
        "--allow-unproved", action="store_true", help="what is not proved to break does not fail"
    )
    parser.add_argument("--ignore", help=f"a file of changes to pass over (default: {IGNORED})")


def compared(old: Version, new: Version, config: Config, ignore: str | None) -> Report:
    """The changes from one version to another, those to be passed over left out."""
    rules = _rules(config, ignore)
    found = diff(
        old.lock.snapshot,
        new.lock.snapshot,
        overlay=config.overlay,
        program=config.command,
        old_names=LockedNames(old.lock.commands, old.lock.flags),
        new_names=LockedNames(new.lock.commands, new.lock.flags),
    )
    kept = [one for one in found if not any(rule.holds(one) for rule in rules)]
    named = methods(kept, (old.lock, new.lock), config.overlay) if kept else {}
    shown = tuple(replace(one, method=named[one.action], names=names_of(one)) for one in kept)
    return Report(changes=shown, ignored=len(found) - len(kept), lock=_shown(config))


def _shown(config: Config) -> str:
    """The lock's path as a reader of the repository sees it."""
    root = config.where.parent if config.where else config.out
    return str(config.lock.relative_to(root) if config.lock.is_relative_to(root) else config.lock)


def _rules(config: Config, given: str | None) -> tuple[Rule, ...]:
    path = _file(config, given)
    if path is None:
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    return tuple(_rule(path, number, words) for number, words in _words(lines))


def _file(config: Config, given: str | None) -> Path | None:
    if given is not None:
        return Path(given)
    own = (config.where.parent if config.where else config.out) / IGNORED
    return own if own.is_file() else None


def _words(lines: list[str]) -> list[tuple[int, list[str]]]:
    rows = [(number, line.partition(" #")[0].split()) for number, line in enumerate(lines, 1)]
    return [(number, words) for number, words in rows if words and not words[0].startswith("#")]


def _rule(path: Path, number: int, words: list[str]) -> Rule:
    if len(words) > _MOST_WORDS:
        raise UsageError(
            f"{path}:{number}: {len(words)} words, wanted: what, action, pointer",
            hint="for instance: limit ai.video.* /prompt",
        )
    return Rule(*words)
