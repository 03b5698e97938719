"""The changes between two versions as a project sees them: named, ignored, weighed, printed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.diff import Given, diff, formats
from callsheet.errors import UsageError
from callsheet_codegen.touched import methods, names_of

if TYPE_CHECKING:
    import argparse

    from callsheet.diff import Change
    from callsheet_codegen.config import Config
    from callsheet_codegen.versions import Version

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
        given=old.lock.commands,
        flags=old.lock.flags,
        now=Given(new.lock.commands, new.lock.flags),
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
