"""Run the phases from a catalogue to a package."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from callsheet.catalog.snapshot import Lock, Snapshot, blocks_of, dump_lock, load_lock
from callsheet.errors import UsageError
from callsheet.jsonio import canonical
from callsheet.version import __version__
from callsheet_codegen import publish
from callsheet_codegen.build import Building, PackageNames
from callsheet_codegen.cache import CachedState
from callsheet_codegen.diagnostics import Diagnostic, in_order
from callsheet_codegen.layout import given_by
from callsheet_codegen.models.pool import make_models
from callsheet_codegen.publish import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from callsheet.diff.change import Change
    from callsheet.spec import Advertised
    from callsheet_codegen.build import BuildResult
    from callsheet_codegen.cache import ActionRecord, Recall
    from callsheet_codegen.config import Config
    from callsheet_codegen.ir import Manifest, Plan, RenderedFile
    from callsheet_codegen.layout import AssignedNames
    from callsheet_codegen.models.pool import Modeller
    from callsheet_codegen.staging import StagingDir


_TOOLS = ("callsheet", "datamodel-code-generator", "ruff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A whole package in memory: what publishing would do, and everything there is to say.

    ``text`` is that of the lock; ``files`` counts those of the package, ``rendered`` those of
    them that were made now; ``blocks`` (of the lock), ``keys`` and ``facts`` are what the next
    run need not find out again.
    """

    lock: Lock
    text: str
    blocks: Mapping[str, str]
    plan: Plan
    files: int
    rendered: int
    changes: tuple[Change, ...]
    diagnostics: tuple[Diagnostic, ...]
    keys: Mapping[str, str]
    facts: Mapping[str, ActionRecord]


def read_lock(config: Config) -> Lock | None:
    """The committed lock, ``None`` before the first generation."""
    try:
        return load_lock(config.lock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise UsageError(f"{config.lock} is not text", hint="restore it") from None


def lock_text(config: Config) -> str:
    """The lock as it is written; empty where there is none that can be read."""
    try:
        return config.lock.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def draft(
    config: Config,
    snapshot: Snapshot,
    old: Lock | None,
    *,
    modeller: Modeller = make_models,
    recall: Recall | None = None,
    force: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> Draft:
    """Everything up to the plan; reads the package folder, writes nothing.

    What is built is what the lock will hold, so that a later run from the lock gives the same.
    Without ``recall`` everything is made; with it what changed since, with the same result.
    ``meanwhile`` is what else there is to do while models are made. Raises ``UsageError`` where
    a file that was changed by hand would be overwritten, unless ``force`` is given.
    """
    single, told = settle(snapshot)
    fresh = _as_read_back(single, old)
    manifest, known = _standing(config, recall)
    begun = _begun(fresh, config, given_by(old, config.overlay), modeller, known)
    meanwhile()
    lock, text = _locked(fresh, begun.given, config, old, recall)
    blocks = blocks_of(text)
    built = begun.finish()
    files = _rendered(built)
    made = {file.path for file in files}
    disk = (recall.disk if recall else _disk(config))({*manifest.files, *made})
    return Draft(
        lock=lock,
        text=text,
        blocks=blocks,
        plan=plan(files, disk, manifest, kept=known.kept(built.files.keys() - made), force=force),
        files=len(built.files),
        rendered=len(files),
        changes=changes(old, fresh, config),
        diagnostics=in_order((*told, *built.diagnostics)),
        keys=built.files,
        facts=built.facts,
    )


def _begun(
    snapshot: Snapshot, config: Config, given: AssignedNames, modeller: Modeller, known: CachedState
) -> Building:
    names = PackageNames(package=config.package, command=config.command, env=config.env)
    return Building(snapshot, config.overlay, names, given=given, modeller=modeller, known=known)


def _disk(config: Config) -> Callable[[Iterable[str]], dict[str, str | None]]:
    return lambda paths: dict(publish.read_disk(config.folder, paths))


def _standing(config: Config, recall: Recall | None) -> tuple[Manifest, CachedState]:
    """The manifest of the folder, and what is known less the files that stand otherwise in it."""
    manifest = publish.read_manifest(config.folder)
    known = recall.known() if recall else CachedState()
    files = {p: row for p, row in known.files.items() if manifest.files.get(p) == row[1]}
    return manifest, known._replace(files=files)


def _rendered(built: BuildResult) -> tuple[RenderedFile, ...]:
    """The files that have to be made; where there are none, no renderer is loaded."""
    if not built.stale:
        return ()
    from callsheet_codegen.render import render_project

    return render_project(built.part, built.stale)


def _locked(
    fresh: Snapshot, given: AssignedNames, config: Config, old: Lock | None, recall: Recall | None
) -> tuple[Lock, str]:
    """The new lock and its text."""
    lock = Lock(
        fresh,
        commands=given.commands,
        options={"overlay": config.overlay.as_json(), "tools": tools()},
        methods=given.methods,
        modules=given.modules,
        flags=given.flags,
        groups=given.groups,
    )
    return lock, dump_lock(lock, _kept_blocks(lock, old, recall))


def _kept_blocks(lock: Lock, old: Lock | None, recall: Recall | None) -> Mapping[str, str]:
    """The blocks of the old lock that say what they said, as an earlier run wrote them."""
    if old is None or recall is None:
        return {}
    blocks = recall.blocks()
    changed = _changed(old.snapshot, lock.snapshot)
    kept = (name for name in blocks if name not in changed)
    return {name: blocks[name] for name in kept if _names(old, name) == _names(lock, name)}


def _names(lock: Lock, name: str) -> tuple[object, ...]:
    columns = (lock.commands, lock.methods, lock.modules, lock.flags)
    return tuple(column.get(name) or None for column in columns)


def _as_read_back(snapshot: Snapshot, old: Lock | None) -> Snapshot:
    """The snapshot as the lock will give it back; what comes out of a lock is so already."""
    if old is not None and snapshot.actions is old.snapshot.actions:
        return snapshot
    return replace(snapshot, actions=tuple(map(_read_back, snapshot.actions)))


def _read_back(one: Advertised) -> Advertised:
    body, reply, marks = json.loads(canonical([one.input, one.output, one.hints]))
    return one._replace(input=body, output=reply, hints=marks)


def write(
    config: Config,
    made: Draft,
    more: Mapping[Path, str] | None = None,
    stage: StagingDir | None = None,
) -> tuple[str, ...]:
    """Publish a draft, its lock and what ``more`` lies beside; the names of what changed."""
    beside = {config.lock: made.text} | dict(more or {})
    return publish.publish(made.plan, config.folder, beside, stage)


def settle(snapshot: Snapshot) -> tuple[Snapshot, tuple[Diagnostic, ...]]:
    """One entry an id, the same one in whatever order they came."""
    if len({entry.id for entry in snapshot.actions}) == len(snapshot.actions):
        return snapshot, ()
    kept: dict[str, str] = {}
    entries = {}
    told = []
    for entry in snapshot.actions:
        text = canonical([entry.title, entry.description, entry.input, entry.output, entry.hints])
        if entry.id in kept:
            message = "the server lists this id more than once; one of them is taken"
            told.append(Diagnostic(level="warning", code="twice", message=message, action=entry.id))
        if entry.id not in kept or text < kept[entry.id]:
            kept[entry.id], entries[entry.id] = text, entry
    return replace(snapshot, actions=tuple(entries.values())), tuple(told)


def changes(old: Lock | None, new: Snapshot, config: Config) -> tuple[Change, ...]:
    """What changed since the lock, in words; nothing before the first generation."""
    if old is None or old.snapshot.actions is new.actions:
        return ()
    from callsheet.diff.compare import LockedNames, diff

    return diff(
        *narrowed(old.snapshot, new),
        overlay=config.overlay,
        program=config.command,
        old_names=LockedNames(old.commands, old.flags),
    )


def narrowed(old: Snapshot, new: Snapshot) -> tuple[Snapshot, Snapshot]:
    """Both, without the groups in which nothing changed: a change touches no other group."""
    groups = {name.rpartition(".")[0] for name in _changed(old, new)}

    def within(side: Snapshot) -> Snapshot:
        kept = (one for one in side.actions if one.id.rpartition(".")[0] in groups)
        return replace(side, actions=tuple(kept))

    return within(old), within(new)


def _changed(old: Snapshot, new: Snapshot) -> set[str]:
    """The ids that one side lacks or of which it says something else."""
    if old.actions is new.actions:
        return set()
    before, after = ({one.id: _said(one) for one in side.actions} for side in (old, new))
    return {name for name in before | after if before.get(name) != after.get(name)}


def _said(one: Advertised) -> str:
    return canonical([one.title, one.description, one.input, one.output, one.hints])


def tools() -> Mapping[str, str]:
    """The versions that shape the text of generated files."""
    return {"callsheet": __version__, **{name: version(name) for name in _TOOLS[1:]}}


def other_tools(lock: Lock) -> tuple[str, ...]:
    """For each tool of another version than the lock's: both versions, in words."""
    used = lock.options.get("tools")
    used = used if isinstance(used, dict) else {}
    here = tools()
    return tuple(
        f"{name} {used.get(name, 'unknown')} there, {here[name]} here"
        for name in _TOOLS
        if used.get(name) != here[name]
    )
