"""Remember models, work and the last idle run by the digest of what they are made from."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from callsheet_codegen.diagnostics import Diagnostic
    from callsheet_codegen.ir import Plan
    from callsheet_codegen.models.pool import Modeller, ModelRequest, ModelSource


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


class IdleStamp(NamedTuple):
    """What a run leaves: what it read, how its files are, and what it would say again."""

    inputs: Iterable[str]
    folder: str
    stats: Stats
    said: object


def rest(base: str, tools: str, left: IdleStamp) -> None:
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
    from callsheet.storage.atomic_file import replace_file

    with suppress(OSError):
        replace_file(path, json.dumps(value))


class ActionRecord(NamedTuple):
    """What came of one action: whether it has a module of models, what that offers, its flags.

    ``key`` is the digest of what it was made from; ``told`` are its diagnostics.
    """

    key: str
    module: bool = False
    exports: tuple[str, ...] = ()
    flags: Mapping[tuple[str, ...], str] = {}
    told: tuple[Diagnostic, ...] = ()


class CachedState(NamedTuple):
    """Files that lie on disk as they were made: path → (digest of the inputs, sha256).

    Whatever is not here is made again.
    """

    files: Mapping[str, tuple[str, str]] = {}
    actions: Mapping[str, ActionRecord] = {}

    def holds(self, path: str, key: str) -> bool:
        """Whether the file on disk is the one that these inputs give."""
        return self.files.get(path, ("", ""))[0] == key

    def kept(self, paths: Iterable[str]) -> dict[str, str]:
        """What these files hold, by their sha256."""
        return {path: self.files[path][1] for path in paths}


Row = tuple[str, str, int, int, int]


class Recall:
    """What is remembered of one package folder; nothing, where it cannot be read.

    ``lock`` is the text of the lock.
    ``disk`` tells the sha256 of files; one whose size and times are as they were is not read.
    """

    def __init__(self, base: str, tools: str, folder: Path, lock: str = "") -> None:
        from callsheet.catalog.snapshot import blocks_of

        self.base, self.tools, self.folder = base, tools, str(folder)
        self._blocks: Mapping[str, str] = {}
        held = load_work(base, tools) or {}
        self._rows: Mapping[str, Row] = {}
        self._facts: Mapping[str, ActionRecord] = {}
        self._held: Mapping[str, Any] = held.get("actions", {})
        self._shas: dict[str, str | None] = {}
        try:
            if held.get("folder") == self.folder:
                self._rows = {path: _row(row) for path, row in held["files"].items()}
                self._facts = {name: _fact(row) for name, row in held["actions"].items()}
                marks = held["blocks"]
                blocks = blocks_of(lock).items()
                self._blocks = {name: b for name, b in blocks if marks.get(name) == _mark(b)}
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            self._rows, self._facts = {}, {}

    @property
    def empty(self) -> bool:
        """Whether everything has to be made."""
        return not self._facts

    def disk(self, paths: Iterable[str]) -> dict[str, str | None]:
        """The sha256 of each path below the package folder, ``None`` where there is no file."""
        return {path: self._sha(path) for path in paths}

    def _sha(self, path: str) -> str | None:
        if path not in self._shas:
            self._shas[path] = self._look(path)
        return self._shas[path]

    def _look(self, path: str) -> str | None:
        place = f"{self.folder}/{path}"
        row = self._rows.get(path)
        if row is not None and stat_of(place) == row[2:]:
            return row[1]
        return sha_of(place)

    def blocks(self) -> Mapping[str, str]:
        """The blocks of the lock that an earlier run wrote just so, by action id."""
        return self._blocks

    def known(self) -> CachedState:
        """What need not be made again: of files, those that lie there as they were written."""
        files = {
            path: (key, sha)
            for path, (key, sha, *_) in self._rows.items()
            if self._sha(path) == sha
        }
        return CachedState(files=files, actions=self._facts)

    def keep(
        self,
        plan: Plan,
        stats: Stats,
        *,
        keys: Mapping[str, str],
        facts: Mapping[str, ActionRecord],
        blocks: Mapping[str, str],
    ) -> None:
        """Remember a run that was published; ``stats`` are those of its files."""
        rows = {}
        for path, sha in plan.manifest.files.items():
            stat = stats[path]
            if stat is not None and path not in plan.edited:
                rows[path] = (keys[path], sha, *stat)
        known = self._facts
        rows_of_facts = {
            name: self._held[name] if fact is known.get(name) else _fact_row(fact)
            for name, fact in facts.items()
        }
        marks = {name: _mark(block) for name, block in blocks.items() if name in facts}
        work = {"folder": self.folder, "files": rows, "actions": rows_of_facts, "blocks": marks}
        store_work(self.base, self.tools, work)


def _mark(block: str) -> str:
    return hashlib.sha256(block.encode("ascii", "replace")).hexdigest()[:16]


def _row(row: Any) -> Row:
    key, sha, size, written, changed = row
    return str(key), str(sha), int(size), int(written), int(changed)


def _fact_row(fact: ActionRecord) -> list[Any]:
    flags = [[*path, flag] for path, flag in fact.flags.items()]
    told = [one.as_json() for one in fact.told]
    return [fact.key, fact.module, fact.exports, flags, told]


def _fact(row: Any) -> ActionRecord:
    from callsheet_codegen.diagnostics import Diagnostic

    key, module, exports, flags, told = row
    return ActionRecord(
        key=str(key),
        module=bool(module),
        exports=tuple(map(str, exports)),
        flags={tuple(map(str, words[:-1])): str(words[-1]) for words in flags},
        told=tuple(Diagnostic(**one) for one in told),
    )


class CachingModeller:
    """A modeller in front of another one. What was refused is not kept: it is tried again."""

    def __init__(self, modeller: Modeller, folder: str, tools: str) -> None:
        self._modeller, self._folder, self._tools = modeller, folder, tools

    def __call__(self, requests: Mapping[str, ModelRequest]) -> Mapping[str, ModelSource]:
        """Every module that could be made, in the order of the requests."""
        paths = {name: self._path(request) for name, request in requests.items()}
        known = {
            name: made for name, path in paths.items() if (made := _load_models(path)) is not None
        }
        missing = {name: one for name, one in requests.items() if name not in known}
        return _Remembered(paths, known, self._modeller(missing) if missing else {})

    def _path(self, request: ModelRequest) -> str:
        from callsheet.jsonio import canonical

        text = canonical([self._tools, {name: list(root) for name, root in request.roots.items()}])
        mark = hashlib.sha256(text.encode("ascii")).hexdigest()
        return os.path.join(self._folder, mark[:2], f"{mark[2:40]}.json")


class _Remembered(Mapping[str, "ModelSource"]):
    """What is known, and what is being made; that is kept when it is looked at."""

    def __init__(
        self,
        paths: Mapping[str, str],
        known: Mapping[str, ModelSource],
        made: Mapping[str, ModelSource],
    ) -> None:
        self._paths, self._known, self._made = paths, known, made

    def __getitem__(self, name: str) -> ModelSource:
        if name in self._known:
            return self._known[name]
        one = self._made[name]
        if not one.refused:
            _store_models(self._paths[name], one)
        return one

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._paths if name in self._known or name in self._made)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _load_models(path: str) -> ModelSource | None:
    from callsheet_codegen.models.pool import ModelSource

    try:
        with open(path, encoding="utf-8") as file:
            held = json.load(file)
        fields = {
            str(cls): {str(n): (str(row[0]), str(row[1]), bool(row[2])) for n, row in rows.items()}
            for cls, rows in held["fields"].items()
        }
        roots = frozenset(map(str, held["roots"]))
        return ModelSource(source=str(held["source"]), fields=fields, roots=roots)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _store_models(path: str, made: ModelSource) -> None:
    _store(path, {"source": made.source, "fields": made.fields, "roots": sorted(made.roots)})
