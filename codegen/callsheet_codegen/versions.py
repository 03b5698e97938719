"""Where the two sides of a comparison come from: a file, a revision of git, or the server."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from callsheet.errors import UsageError
from callsheet.snapshot import Lock, load_lock
from callsheet_codegen import pipeline, source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet_codegen.config import Config

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
