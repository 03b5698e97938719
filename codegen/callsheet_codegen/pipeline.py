"""The phases in order: Snapshot → build → ir.Project → render → verify → Plan → publish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from callsheet import __version__
from callsheet.canon import canonical
from callsheet.diff import diff
from callsheet.errors import UsageError
from callsheet.snapshot import Lock, Snapshot, dump_lock, load_lock
from callsheet_codegen import publish
from callsheet_codegen.build import Names, build
from callsheet_codegen.diagnostics import Diagnostic, in_order
from callsheet_codegen.models import make_models
from callsheet_codegen.plan import plan
from callsheet_codegen.write import render_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.diff import Change
    from callsheet_codegen.config import Config
    from callsheet_codegen.ir import Plan
    from callsheet_codegen.models import Modeller

_TOOLS = ("callsheet", "datamodel-code-generator", "ruff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A whole package in memory: what publishing would do, and everything there is to say."""

    lock: Lock
    text: str
    plan: Plan
    files: int
    changes: tuple[Change, ...]
    diagnostics: tuple[Diagnostic, ...]


def read_lock(config: Config) -> Lock | None:
    """The committed lock, ``None`` before the first generation."""
    try:
        return load_lock(config.lock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise UsageError(f"{config.lock} is not text", hint="restore it") from None


def draft(
    config: Config, snapshot: Snapshot, old: Lock | None, *, modeller: Modeller = make_models
) -> Draft:
    """Everything up to the plan; reads the package folder, writes nothing.

    What is built is what the lock will hold, so that a later run from the lock gives the same.
    """
    single, told = settle(snapshot)
    fresh = load_lock(dump_lock(Lock(single)))
    names = Names(package=config.package, command=config.command, env=config.env)
    built = build(
        fresh.snapshot,
        config.overlay,
        names,
        given=old.commands if old else {},
        modeller=modeller,
    )
    files = render_project(built.project)
    manifest = publish.read_manifest(config.folder)
    disk = publish.read_disk(config.folder, {f.path for f in files} | manifest.files.keys())
    lock = replace(fresh, commands=built.commands, options={"tools": tools()})
    return Draft(
        lock=lock,
        text=dump_lock(lock),
        plan=plan(files, disk, manifest),
        files=len(files),
        changes=changes(old, fresh.snapshot, config),
        diagnostics=in_order((*told, *built.diagnostics)),
    )


def write(config: Config, made: Draft) -> tuple[str, ...]:
    """Publish a draft and its lock; the names of what changed on disk."""
    return publish.publish(made.plan, config.folder, {config.lock: made.text})


def settle(snapshot: Snapshot) -> tuple[Snapshot, tuple[Diagnostic, ...]]:
    """One entry an id, the same one in whatever order they came."""
    kept: dict[str, str] = {}
    entries = {}
    told = []
    for entry in snapshot.actions:
        text = canonical([entry.title, entry.description, entry.input, entry.output, entry.marks])
        if entry.id in kept:
            message = "the server lists this id more than once; one of them is taken"
            told.append(Diagnostic(level="warning", code="twice", message=message, action=entry.id))
        if entry.id not in kept or text < kept[entry.id]:
            kept[entry.id], entries[entry.id] = text, entry
    return replace(snapshot, actions=tuple(entries.values())), tuple(told)


def changes(old: Lock | None, new: Snapshot, config: Config) -> tuple[Change, ...]:
    """What changed since the lock, in words; nothing before the first generation."""
    if old is None:
        return ()
    return diff(
        old.snapshot,
        new,
        overlay=config.overlay,
        program=config.command,
        given=old.commands,
        flags=old.flags,
    )


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
