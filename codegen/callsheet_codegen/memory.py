"""Remembers, in the cache, how a run left its files; whether anything is to do is then cheap."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FORMAT = 1
# Of the packages that shape the text of generated files, by the names of their folders.
_SHAPING = ("datamodel_code_generator-", "jinja2-", "pydantic-", "pydantic_core-", "ruff-")

Stat = tuple[int, int, int]
Stats = dict[str, Stat | None]


def cache_folder(environ: Mapping[str, str]) -> str:
    """Where everything that may be forgotten is kept."""
    own = environ.get("CALLSHEET_CACHE_DIR")
    if own:
        return own
    base = environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "callsheet")


def base_of(folder: str, here: str, flags: Iterable[str | None]) -> str:
    """What the files of one place begin with: a folder in which, and flags with which one runs."""
    mark = hashlib.sha256(json.dumps([here, *flags]).encode()).hexdigest()[:24]
    return os.path.join(folder, "generate", mark)


def tools_mark() -> str:
    """A digest of the generator itself: its own files, Python, and the packages that it uses."""
    import callsheet
    import callsheet_codegen

    parts = [sys.version]
    for package in (callsheet, callsheet_codegen):
        parts += _sources(os.path.dirname(package.__file__ or ""))
    beside = os.path.join(os.path.dirname(callsheet_codegen.__file__ or ""), "../../templates")
    parts += _sources(beside)
    for folder in sys.path:
        if folder.endswith("-packages") and os.path.isdir(folder):
            parts += (n for n in os.listdir(folder) if n.lower().startswith(_SHAPING))
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def _sources(folder: str) -> list[str]:
    found = []
    with suppress(OSError):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                found += _sources(entry.path) if entry.name != "__pycache__" else []
            elif entry.name.endswith((".py", ".jinja")):
                at = entry.stat()
                found.append(f"{entry.path} {at.st_size} {at.st_mtime_ns}")
    return found


def stat_of(path: str) -> Stat | None:
    """Size and times of a file; a change of its content changes them."""
    try:
        at = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return at.st_size, at.st_mtime_ns, at.st_ctime_ns


def sha_of(path: str) -> str | None:
    """sha256 of a file, ``None`` where there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def stats_of(folder: str, paths: Iterable[str]) -> Stats:
    """Size and times of files below a folder, ``None`` where there is none."""
    return {path: stat_of(f"{folder}/{path}") for path in paths}


def _stats_mark(stats: Stats) -> str:
    lines = [f"{path} {stat}" for path, stat in sorted(stats.items())]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def left(base: str, tools: str) -> dict[str, Any] | None:
    """What the last run left, where all it was made from is as it was; else ``None``.

    That is configuration, lock and generator.
    """
    held = _load(f"{base}.rest.json")
    if held is None or held["tools"] != tools:
        return None
    stand = all(sha_of(path) == sha for path, sha in held["inputs"].items())
    return held if stand else None


def said_at_rest(held: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the last run said, where every file is as it left it; ``None`` where it has to look."""
    if _stats_mark(stats_of(held["folder"], held["paths"])) != held["stats"]:
        return None
    said: dict[str, Any] = held["said"]
    return said


class Left(NamedTuple):
    """What a run leaves: what it read, how its files are, and what it would say again."""

    inputs: Iterable[str]
    folder: str
    stats: Stats
    said: object


def rest(base: str, tools: str, left: Left) -> None:
    """Remember that nothing is left to do while all of this stays as it is."""
    inputs, folder, stats, said = left
    held = {
        "format": _FORMAT,
        "tools": tools,
        "inputs": {path: sha_of(path) for path in inputs},
        "folder": folder,
        "paths": sorted(stats),
        "stats": _stats_mark(stats),
        "said": said,
    }
    _store(f"{base}.rest.json", held)


def forget(base: str) -> None:
    """Take back what was remembered: the next run looks."""
    with suppress(OSError):
        os.unlink(f"{base}.rest.json")


def load_work(base: str, tools: str) -> dict[str, Any] | None:
    """What the last run kept of its work, if it was done by the same tools."""
    held = _load(f"{base}.work.json")
    return held if held is not None and held["tools"] == tools else None


def store_work(base: str, tools: str, work: Mapping[str, Any]) -> None:
    """Keep what the next run need not do again."""
    _store(f"{base}.work.json", {"format": _FORMAT, "tools": tools, **work})


def _load(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as file:
            held = json.load(file)
        return held if held["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _store(path: str, value: object) -> None:
    """Replace a file of the cache; one that cannot be written is no error."""
    import tempfile

    part = ""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handle, part = tempfile.mkstemp(suffix=".part", dir=os.path.dirname(path))
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(value))
        os.replace(part, path)
    except OSError:
        if part:
            with suppress(OSError):
                os.unlink(part)
