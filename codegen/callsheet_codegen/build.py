"""Snapshot → ``ir.Project`` and diagnostics, through the runtime's own reading of a catalogue."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from callsheet.bindings import INTERFACE
from callsheet.canon import canonical
from callsheet.surface.assembly import surface
from callsheet_codegen import tree
from callsheet_codegen.code import Markdown, literal
from callsheet_codegen.diagnostics import Diagnostic, in_order
from callsheet_codegen.group import Material, build_group, child, command_modules
from callsheet_codegen.helppages import help_files
from callsheet_codegen.ir import DataFile, Project, Word
from callsheet_codegen.modelling import index_of, model_actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.overlay import Overlay
    from callsheet.snapshot import Snapshot
    from callsheet.spec import Action
    from callsheet.surface.assembly import Problem
    from callsheet_codegen.modelling import ActionModels
    from callsheet_codegen.models import Modeller


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the generated package is called, and what its program and variables are."""

    package: str
    command: str
    env: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The project, the names that were given (for the lock), and what went wrong."""

    project: Project
    commands: Mapping[str, tuple[str, ...]]
    diagnostics: tuple[Diagnostic, ...]


def build(
    snapshot: Snapshot,
    overlay: Overlay,
    names: Names,
    *,
    given: Mapping[str, tuple[str, ...]],
    modeller: Modeller,
) -> Built:
    """Decide everything that will be written; reads and writes nothing.

    ``given`` holds the command paths of the lock, which stay.
    """
    found = surface(snapshot.actions, overlay, given)
    paths = tree.library_paths(found.actions, overlay.strip_prefixes)
    stems = tree.stems(paths)
    wanted = {action.id for action in found.actions}
    advertised = {entry.id: entry for entry in snapshot.actions if entry.id in wanted}
    models, told = model_actions(
        {action.id: action for action in found.actions}, advertised, stems, modeller
    )
    material = Material(
        places=tree.places(paths),
        homes=tree.homes(paths),
        actions={action.id: _located(action, models) for action in found.actions},
        models=models,
        program=names.command,
    )
    schemas = (_schema_file(stems[e.id], e.input, e.output) for e in advertised.values())
    overlay_file = DataFile(path="overlay.json", text=_pretty(overlay.as_json()))
    return Built(
        project=_project(material, names, snapshot.source, (overlay_file, *schemas)),
        commands={action.id: action.command for action in found.actions if action.command},
        diagnostics=in_order((*map(_from_problem, found.problems), *told)),
    )


def _project(material: Material, names: Names, source: str, data: tuple[DataFile, ...]) -> Project:
    places, models = material.places, material.models.values()
    modules = tuple(module for one in models if (module := one.module()) is not None)
    modules = tuple(sorted(modules, key=lambda module: module.stem.text))
    pages, words = help_files(names.command, tuple(material.actions.values()))
    return Project(
        command=literal(names.command),
        env=literal(names.env),
        source=literal(source),
        interface=literal(INTERFACE),
        title=Markdown(names.package),
        groups=tuple(build_group(place, material) for place in places.values()),
        commands=command_modules(material.homes, material.actions),
        roots=tuple(child(place) for path, place in places.items() if len(path) <= 1),
        words=tuple(Word(word=literal(w), summary=literal(text)) for w, text in words.items()),
        models=modules,
        exports=index_of(modules),
        data=tuple(sorted((*data, *pages), key=lambda file: file.path)),
    )


def _located(action: Action, models: Mapping[str, ActionModels]) -> Action:
    """The action with the names of its files; a family ends in the reply of its query."""
    family = action.family
    ends = (family.query, family.wait) if family and action.role == "create" else ()
    members = [name for name in (*ends, action.id) if name in models and models[name].output]
    if ends and members == [action.id]:
        members = []
    return replace(
        action,
        module=models[action.id].stem,
        result=models[members[0]].stem if members else "",
    )


def _schema_file(stem: str, body: object, reply: object) -> DataFile:
    text = canonical({"input": body, "output": reply})
    return DataFile(path=f"schemas/{stem}.json", text=text + "\n")


def _pretty(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def _from_problem(problem: Problem) -> Diagnostic:
    return Diagnostic(
        level=problem.level,
        code=problem.code,
        action=problem.action,
        pointer=problem.pointer,
        message=problem.message,
        hint=problem.hint,
    )
