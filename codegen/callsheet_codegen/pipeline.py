"""Run the phases from a catalogue to a package."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from callsheet.catalog.lock import Lock, Snapshot, blocks_of, dump_lock, load_lock
from callsheet.errors import UsageError
from callsheet.jsonio import canonical
from callsheet.version import __version__
from callsheet_codegen import publish
from callsheet_codegen.build import ProjectBuilder
from callsheet_codegen.cache import CachedState
from callsheet_codegen.ir import Diagnostic, in_order
from callsheet_codegen.layout import reusable_names
from callsheet_codegen.models.pool import make_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from callsheet.diff.change import Change
    from callsheet.spec import Advertised
    from callsheet_codegen.cache import ActionRecord, ProjectCache
    from callsheet_codegen.config import Config
    from callsheet_codegen.ir import Plan
    from callsheet_codegen.layout import AssignedNames
    from callsheet_codegen.models.pool import Modeller
    from callsheet_codegen.staging import StagingDir


_TOOLS = ("datamodel-code-generator", "ruff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A whole package in memory: the plan to publish it, and everything to report.

    ``text`` is that of the lock; ``files`` counts those of the package; ``blocks`` (of the lock),
    ``keys`` and ``records`` are what the next run need not make again.
    """

    lock: Lock
    text: str
    blocks: Mapping[str, str]
    plan: Plan
    files: int
    changes: tuple[Change, ...]
    diagnostics: tuple[Diagnostic, ...]
    keys: Mapping[str, str]
    records: Mapping[str, ActionRecord]


def read_lock(path: Path) -> Lock | None:
    """Read a lock; ``None`` without a file, ``UsageError`` for one that cannot be read."""
    try:
        return load_lock(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "") or "it is not text"
        hint = "it should be a catalog.lock.json"
        raise UsageError(f"{path} cannot be read: {reason}", hint=hint) from None


def draft(
    config: Config,
    snapshot: Snapshot,
    old: Lock | None,
    *,
    modeller: Modeller = make_models,
    cached: ProjectCache | None = None,
    force: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> Draft:
    """Run every phase up to the plan; reads the package folder, writes nothing there.

    The package is built from what the lock will hold, so that a run from the lock gives the same.
    ``cached`` spares what did not change; ``meanwhile`` runs while models are made. Raises
    ``UsageError`` where a file changed by hand would be overwritten, unless ``force`` is given.
    """
    unique, duplicates = drop_duplicates(snapshot)
    new = _normalized(unique, old)
    manifest, state = _current_files(config, cached)
    names = reusable_names(old, config.overlay)
    builder = ProjectBuilder(new, config, names=names, modeller=modeller, cached=state)
    meanwhile()
    lock, text = _new_lock(new, builder.names, config, old, cached)
    blocks = blocks_of(text)
    build = builder.plan
    build.collect_models()
    files = _render(builder, config.templates)
    disk = _shas(config, cached, {*manifest, *files})
    unchanged = {path: state.files[path][1] for path in build.files.keys() - files.keys()}
    return Draft(
        lock=lock,
        text=text,
        blocks=blocks,
        plan=publish.plan(files, disk, manifest, unchanged=unchanged, force=force),
        files=len(build.files),
        changes=changes(old, new, config),
        diagnostics=in_order((*duplicates, *build.diagnostics())),
        keys=build.files,
        records=build.records,
    )


def _render(builder: ProjectBuilder, templates: Path | None) -> Mapping[str, str]:
    """Return path → text of the stale files; where there are none, no renderer is loaded."""
    if not builder.plan.stale:
        return {}
    from callsheet_codegen.render import render_project

    return render_project(builder.project_for, builder.plan.stale, templates)


def _shas(
    config: Config, cached: ProjectCache | None, paths: Iterable[str]
) -> dict[str, str | None]:
    """Return path → sha256 of the file in the package folder, ``None`` without a file."""
    return cached.shas(paths) if cached else publish.read_disk(config.folder, paths)


def _current_files(
    config: Config, cached: ProjectCache | None
) -> tuple[dict[str, str], CachedState]:
    """Return the folder's manifest, and the cached state of files that are as it lists them."""
    manifest = publish.read_manifest(config.folder)
    state = cached.state() if cached else CachedState()
    files = {p: row for p, row in state.files.items() if manifest.get(p) == row[1]}
    return manifest, state._replace(files=files)


def _new_lock(
    snapshot: Snapshot,
    names: AssignedNames,
    config: Config,
    old: Lock | None,
    cached: ProjectCache | None,
) -> tuple[Lock, str]:
    """Return the new lock and its text."""
    lock = Lock(
        snapshot,
        commands=names.commands,
        options={
            "overlay": config.overlay.as_json(),
            "package": config.package,
            "tools": tools(),
        },
        methods=names.methods,
        modules=names.modules,
        flags=names.flags,
        groups=names.groups,
    )
    return lock, dump_lock(lock, _unchanged_blocks(lock, old, cached))


def _unchanged_blocks(
    lock: Lock, old: Lock | None, cached: ProjectCache | None
) -> Mapping[str, str]:
    """Return action id → its block in the old lock, where that is still what would be written."""
    if old is None or cached is None:
        return {}
    changed = _changed_ids(old.snapshot, lock.snapshot)
    return {
        name: block
        for name, block in cached.blocks.items()
        if name not in changed and _names(old, name) == _names(lock, name)
    }


def _names(lock: Lock, name: str) -> tuple[object, ...]:
    """Return command, method, module and flags of one action; ``None`` for each it lacks."""
    columns = (lock.commands, lock.methods, lock.modules, lock.flags)
    return tuple(column.get(name) or None for column in columns)


def _normalized(snapshot: Snapshot, old: Lock | None) -> Snapshot:
    """Return the snapshot as it will be read from the lock; one out of ``old`` is so already."""
    if old is not None and snapshot.actions is old.snapshot.actions:
        return snapshot
    entries = []
    for entry in snapshot.actions:
        body, reply, hints = json.loads(canonical([entry.input, entry.output, entry.hints]))
        entries.append(entry._replace(input=body, output=reply, hints=hints))
    return replace(snapshot, actions=tuple(entries))


def write(
    config: Config,
    draft: Draft,
    extra_files: Mapping[Path, str] | None = None,
    stage: StagingDir | None = None,
) -> tuple[str, ...]:
    """Publish a draft, its lock and the ``extra_files``; return the names of what changed.

    Raises as ``publish.publish`` does.
    """
    files = {config.lock: draft.text} | dict(extra_files or {})
    return publish.publish(draft.plan, config.folder, files, stage)


def drop_duplicates(snapshot: Snapshot) -> tuple[Snapshot, tuple[Diagnostic, ...]]:
    """Return the snapshot with one entry for each id, and a warning for each entry dropped.

    Which entry stays does not depend on the order in which they came.
    """
    if len({entry.id for entry in snapshot.actions}) == len(snapshot.actions):
        return snapshot, ()
    texts: dict[str, str] = {}
    entries = {}
    diagnostics = []
    for entry in snapshot.actions:
        text = _entry_text(entry)
        if entry.id in texts:
            message = "the server lists this id more than once; one of them is taken"
            diagnostics.append(
                Diagnostic(level="warning", code="twice", message=message, action=entry.id)
            )
        if entry.id not in texts or text < texts[entry.id]:
            texts[entry.id], entries[entry.id] = text, entry
    return replace(snapshot, actions=tuple(entries.values())), tuple(diagnostics)


def changes(old: Lock | None, new: Snapshot, config: Config) -> tuple[Change, ...]:
    """List what changed since the lock ``old``; nothing where there is no lock yet."""
    if old is None or old.snapshot.actions is new.actions:
        return ()
    from callsheet.diff.compare import LockedNames, diff

    return diff(
        old.snapshot,
        new,
        overlay=config.overlay,
        program=config.command,
        old_names=LockedNames(old.commands, old.flags),
    )


def _changed_ids(old: Snapshot, new: Snapshot) -> set[str]:
    """Return the ids of actions that only one side has, or that the sides describe differently."""
    if old.actions is new.actions:
        return set()
    before, after = (
        {entry.id: _entry_text(entry) for entry in side.actions} for side in (old, new)
    )
    return {name for name in before | after if before.get(name) != after.get(name)}


def _entry_text(entry: Advertised) -> str:
    """Return one canonical text for all that the server says of an action besides its id."""
    return canonical([entry.title, entry.description, entry.input, entry.output, entry.hints])


def tools() -> Mapping[str, str]:
    """Return package → version of callsheet and the tools that shape the generated files."""
    return {"callsheet": __version__, **{name: version(name) for name in _TOOLS}}


def other_tools(lock: Lock) -> tuple[str, ...]:
    """Return a line such as ``ruff 0.1 there, 0.2 here`` for each tool that the lock differs in."""
    recorded = lock.options.get("tools")
    recorded = recorded if isinstance(recorded, dict) else {}
    return tuple(
        f"{name} {recorded.get(name, 'unknown')} there, {current} here"
        for name, current in tools().items()
        if recorded.get(name) != current
    )
