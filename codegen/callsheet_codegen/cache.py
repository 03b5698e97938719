"""Store what later runs need not make again, by the digest of what it is made from."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from callsheet_codegen.ir import Diagnostic, Plan


_FORMAT = 2
# Of the packages that shape the text of generated files, by the names of their folders.
_TOOL_PACKAGES = ("datamodel_code_generator-", "jinja2-", "pydantic-", "pydantic_core-", "ruff-")

Stat = tuple[int, int, int]
Stats = dict[str, Stat | None]
FileRow = tuple[str, str, int, int, int]


def cache_folder(environ: Mapping[str, str]) -> str:
    """Return the cache folder: ``CALLSHEET_CACHE_DIR``, else ``callsheet`` in XDG's or ~/.cache."""
    own = environ.get("CALLSHEET_CACHE_DIR")
    if own:
        return own
    base = environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "callsheet")


def project_key(directory: str, flags: Iterable[str | None]) -> str:
    """Return a key for runs from one directory with the same flags: 24 hexadecimal digits."""
    return hashlib.sha256(json.dumps([directory, *flags]).encode()).hexdigest()[:24]


def tools_digest() -> str:
    """Digest the generator itself: size and time of its files, Python, and its tools' versions."""
    import callsheet
    import callsheet_codegen

    parts = [sys.version]
    for package in (callsheet, callsheet_codegen):
        parts += _source_stats(os.path.dirname(package.__file__ or ""))
    templates = os.path.join(os.path.dirname(callsheet_codegen.__file__ or ""), "../../templates")
    parts += _source_stats(templates)
    for folder in sys.path:
        if folder.endswith("-packages") and os.path.isdir(folder):
            parts += (n for n in os.listdir(folder) if n.lower().startswith(_TOOL_PACKAGES))
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def _source_stats(folder: str) -> list[str]:
    """Return path, size and time of each source and template at any depth; empty if unreadable."""
    stats = []
    with suppress(OSError):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                stats += _source_stats(entry.path) if entry.name != "__pycache__" else []
            elif entry.name.endswith((".py", ".jinja")):
                stat = entry.stat()
                stats.append(f"{entry.path} {stat.st_size} {stat.st_mtime_ns}")
    return stats


def stat_of(path: str) -> Stat | None:
    """Return size, modification and change time (ns) of a path; ``None`` where there is nothing."""
    try:
        stat = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def sha_of(path: str) -> str | None:
    """Return the sha256 (hexadecimal) of a file, ``None`` where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def shas_of(paths: Iterable[str]) -> dict[str, str | None]:
    """Return path → ``sha_of`` of each path."""
    return {path: sha_of(path) for path in paths}


def stats_of(folder: str, paths: Iterable[str]) -> Stats:
    """Return path → ``stat_of`` of each path below a folder."""
    return {path: stat_of(f"{folder}/{path}") for path in paths}


def _digest_of_stats(stats: Stats) -> str:
    lines = [f"{path} {stat}" for path, stat in sorted(stats.items())]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


class IdleStamp(NamedTuple):
    """A run that left nothing to do: ``inputs`` maps what it read to sha256.

    ``paths`` are its files below ``folder``, ``stats`` the digest of their sizes and times,
    ``output`` what the next run prints.
    """

    inputs: Mapping[str, str | None]
    folder: str
    paths: list[str]
    stats: str
    output: dict[str, Any]

    @classmethod
    def of(
        cls, inputs: Iterable[str], folder: str, stats: Stats, output: dict[str, Any]
    ) -> IdleStamp:
        """Return the stamp of a run that read ``inputs``, digested here, and left ``stats``."""
        return cls(shas_of(inputs), folder, sorted(stats), _digest_of_stats(stats), output)

    def is_idle(self) -> bool:
        """Tell whether every file has the size and times that the run left."""
        return _digest_of_stats(stats_of(self.folder, self.paths)) == self.stats


class Store:
    """JSON values by key below one folder, each valid for the tools that made it only.

    What cannot be read is absent; what cannot be written is dropped without an error.
    """

    def __init__(self, folder: str, tools: str) -> None:
        self._folder, self._tools = folder, tools

    def get(self, key: str) -> Any:
        """Return what the same tools stored under the key, else ``None``."""
        try:
            with open(self._path(key), encoding="utf-8") as file:
                entry = json.load(file)
            current = entry["format"] == _FORMAT and entry["tools"] == self._tools
            return entry["value"] if current else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def put(self, key: str, value: object) -> None:
        """Replace what is stored under the key, atomically."""
        from callsheet.storage.atomic_file import replace_file

        entry = {"format": _FORMAT, "tools": self._tools, "value": value}
        with suppress(OSError):
            replace_file(self._path(key), json.dumps(entry))

    def idle_stamp(self, project: str) -> IdleStamp | None:
        """Return the stamp of the last run if tools and inputs have not changed, else ``None``."""
        try:
            stamp = IdleStamp(**self.get(f"{project}.idle"))
        except TypeError:
            return None
        current = all(sha_of(path) == sha for path, sha in stamp.inputs.items())
        return stamp if current else None

    def put_idle_stamp(self, project: str, stamp: IdleStamp) -> None:
        """Store the stamp of a run of this project, in place of the last one."""
        self.put(f"{project}.idle", stamp._asdict())

    def drop_idle_stamp(self, project: str) -> None:
        """Delete the stamp of this project, so that the next run looks at everything."""
        with suppress(OSError):
            os.unlink(self._path(f"{project}.idle"))

    def _path(self, key: str) -> str:
        return os.path.join(self._folder, f"{key}.json")


class ActionRecord(NamedTuple):
    """What was generated for one action: whether it has models, what they export, its flags.

    ``key`` is the digest of what it was made from.
    """

    key: str
    module: bool = False
    exports: tuple[str, ...] = ()
    flags: Mapping[tuple[str, ...], str] = {}
    diagnostics: tuple[Diagnostic, ...] = ()

    def as_json(self) -> list[Any]:
        """Return the row that ``of`` reads."""
        flags = [[*path, flag] for path, flag in self.flags.items()]
        diagnostics = [diagnostic.as_json() for diagnostic in self.diagnostics]
        return [self.key, self.module, self.exports, flags, diagnostics]

    @classmethod
    def of(cls, row: Any) -> ActionRecord:
        """Read a stored record; raises ``TypeError`` or ``ValueError`` for anything else."""
        from callsheet_codegen.ir import Diagnostic

        key, module, exports, flags, diagnostics = row
        return cls(
            key=str(key),
            module=bool(module),
            exports=tuple(map(str, exports)),
            flags={tuple(map(str, words[:-1])): str(words[-1]) for words in flags},
            diagnostics=tuple(Diagnostic(**fields) for fields in diagnostics),
        )


class CachedState(NamedTuple):
    """What need not be generated again.

    ``files`` are those that lie on disk as generated: path → (digest of the inputs, sha256).
    ``actions`` maps ids to what was generated; some may be out of date.
    """

    files: Mapping[str, tuple[str, str]] = {}
    actions: Mapping[str, ActionRecord] = {}

    def is_current(self, path: str, key: str) -> bool:
        """Tell whether the file on disk was made from inputs with this digest."""
        return self.files.get(path, ("", ""))[0] == key


class ProjectCache:
    """What is stored of one package folder; empty where it cannot be read.

    ``lock`` is the text of the lock, ``templates`` are digests of what stands for our own; where
    they differ, nothing counts. A file whose size and times are as stored is not read.
    """

    def __init__(
        self,
        store: Store,
        project: str,
        folder: Path,
        lock: str = "",
        templates: Mapping[str, str | None] = {},
    ) -> None:
        from callsheet.catalog.lock import blocks_of

        self._store, self._key, self._folder = store, f"{project}.work", str(folder)
        self._templates = templates
        self._files: Mapping[str, FileRow] = {}
        self._actions: Mapping[str, ActionRecord] = {}
        self._rows: Mapping[str, Any] = {}
        self._shas: dict[str, str | None] = {}
        self.blocks: Mapping[str, str] = {}
        """The blocks of the lock that are as an earlier run wrote them, by action id."""
        stored = store.get(self._key) or {}
        try:
            if (stored.get("folder"), stored.get("templates")) == (self._folder, templates):
                self._files = {path: _file_row(row) for path, row in stored["files"].items()}
                self._rows = stored["actions"]
                self._actions = {name: ActionRecord.of(row) for name, row in self._rows.items()}
                blocks, digests = blocks_of(lock), stored["blocks"]
                self.blocks = {n: b for n, b in blocks.items() if digests.get(n) == _digest(b)}
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            self._files, self._actions = {}, {}

    @property
    def is_empty(self) -> bool:
        """Tell whether no action is stored, so that all has to be generated."""
        return not self._actions

    def shas(self, paths: Iterable[str]) -> dict[str, str | None]:
        """Return the sha256 of each path below the package folder, ``None`` without a file."""
        return {path: self._sha(path) for path in paths}

    def _sha(self, path: str) -> str | None:
        """Return the sha256 of a file, from the store while its size and times are as stored."""
        if path not in self._shas:
            location, row = f"{self._folder}/{path}", self._files.get(path)
            unchanged = row is not None and stat_of(location) == row[2:]
            self._shas[path] = row[1] if row and unchanged else sha_of(location)
        return self._shas[path]

    def state(self) -> CachedState:
        """Return the stored files that are on disk unchanged, and all stored actions."""
        files = {
            path: (key, sha)
            for path, (key, sha, *_) in self._files.items()
            if self._sha(path) == sha
        }
        return CachedState(files=files, actions=self._actions)

    def save(
        self,
        plan: Plan,
        stats: Stats,
        *,
        keys: Mapping[str, str],
        records: Mapping[str, ActionRecord],
        blocks: Mapping[str, str],
    ) -> None:
        """Store a run that was published, for the next one; files changed by hand are left out.

        ``stats`` are those of its files, ``keys`` the digests of their inputs, ``blocks`` the
        lock's.
        """
        files = {}
        for path, sha in plan.manifest.items():
            stat = stats[path]
            if stat is not None and path not in plan.edited:
                files[path] = (keys[path], sha, *stat)
        actions = {
            name: self._rows[name] if record is self._actions.get(name) else record.as_json()
            for name, record in records.items()
        }
        digests = {name: _digest(block) for name, block in blocks.items() if name in records}
        about = {"folder": self._folder, "templates": self._templates}
        work = {**about, "files": files, "actions": actions, "blocks": digests}
        self._store.put(self._key, work)


def _digest(block: str) -> str:
    """Return the start of the sha256 of a block of the lock: 16 hexadecimal digits."""
    return hashlib.sha256(block.encode("ascii", "replace")).hexdigest()[:16]


def _file_row(row: Any) -> FileRow:
    """Read a stored row; raises ``TypeError`` or ``ValueError`` for anything else."""
    key, sha, size, modified, changed = row
    return str(key), str(sha), int(size), int(modified), int(changed)
