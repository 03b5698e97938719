"""Snapshot → ``ir.Project`` and diagnostics, through the runtime's own reading of a catalogue."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from callsheet.bindings import INTERFACE
from callsheet.canon import canonical
from callsheet.surface.assembly import Assembly
from callsheet_codegen.code import Markdown, literal
from callsheet_codegen.group import Material, build_group, child, command_module, section
from callsheet_codegen.helppages import help_files, words_of
from callsheet_codegen.ir import DataFile, Project
from callsheet_codegen.keys import MODELS_INDEX, keys
from callsheet_codegen.known import Fact, Known
from callsheet_codegen.modelling import index_of
from callsheet_codegen.outline import outline
from callsheet_codegen.tree import Given
from callsheet_codegen.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from callsheet.overlay import Overlay
    from callsheet.snapshot import Snapshot
    from callsheet_codegen.diagnostics import Diagnostic
    from callsheet_codegen.ir import CommandModule, Group, ModelModule, Section
    from callsheet_codegen.models import Modeller


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the generated package is called, and what its program and variables are."""

    package: str
    command: str
    env: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The project, the names that were given (for the lock), and what went wrong.

    ``stale`` are the files to be made, ``part`` gives the project as far as some of them need it.
    ``files`` says from what each file of the package is made, those of the project and those
    that stay; ``facts`` what came of each action.
    """

    stale: frozenset[str]
    part: Callable[[frozenset[str]], Project] = field(compare=False)
    given: Given
    diagnostics: tuple[Diagnostic, ...]
    files: Mapping[str, str]
    facts: Mapping[str, Fact]

    @property
    def project(self) -> Project:
        """The project as far as it is to be made."""
        return self.part(self.stale)


class Building:
    """A project whose models are being made; reads and writes nothing.

    ``given`` holds the names that were given, for the lock. What is ``known`` is not made again.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        overlay: Overlay,
        names: Names,
        *,
        given: Given | None = None,
        modeller: Modeller,
        known: Known | None = None,
    ) -> None:
        given = given or Given()
        whole = Assembly(snapshot.actions, overlay, given.commands, given.flags)
        named = outline(whole, overlay, given)
        about = (names.package, names.command, names.env, snapshot.source, str(INTERFACE))
        work = Work(whole, named, keys(whole, named, given, about=about), known or Known())
        work.ask(modeller)
        self._work, self._parts = work, _Parts(work, names, snapshot.source)
        self._data = self._parts.data()
        self.given = Given(
            commands={name: path for name, path in whole.commands.items() if path},
            methods=named.methods(),
            modules=named.stems,
            flags=work.flags(),
            groups=named.groups(),
        )

    def finish(self) -> Built:
        """Wait for the models and decide what is written from them."""
        work = self._work
        work.settle()
        return Built(
            stale=frozenset(work.stale),
            part=partial(self._parts.project, self._data),
            given=self.given,
            diagnostics=work.diagnostics(),
            files=work.files,
            facts=work.facts,
        )


class _Parts:
    """The parts of the project that are to be made."""

    def __init__(self, work: Work, names: Names, source: str) -> None:
        self.work, self.named, self.names, self.source = work, work.named, names, source
        self.places, self.homes = work.named.places, work.named.homes

    def project(self, data: tuple[DataFile, ...], wanted: frozenset[str]) -> Project:
        """What these files are made from; of what lists everything, all of it."""
        named, names = self.named, self.names
        faces = tuple(named.faces.values())
        ordered = sorted({(home.word, home.module) for home in self.homes.values()})
        return Project(
            command=literal(names.command),
            env=literal(names.env),
            source=literal(self.source),
            interface=literal(INTERFACE),
            title=Markdown(names.package),
            groups=tuple(self._groups(wanted)),
            commands=tuple(self._commands(wanted)),
            modules=tuple((literal(word), literal(module)) for word, module in ordered),
            sections=tuple(self._sections()) if "api.md" in wanted else (),
            roots=tuple(child(place) for path, place in self.places.items() if len(path) <= 1),
            words=words_of(faces) if "commands/__init__.py" in wanted else (),
            models=tuple(self._models(wanted)),
            exports=index_of(self.work.exports()) if MODELS_INDEX in wanted else (),
            data=data,
            wanted=wanted,
        )

    def _sections(self) -> Iterator[Section]:
        for place in self.places.values():
            yield section(place, self.places, self.named.faces, self.names.command)

    def _groups(self, wanted: Container[str]) -> Iterator[Group]:
        work = self.work
        material = Material(
            places=self.places, homes=self.homes, actions=work.actions, models=work.models
        )
        for place in self.places.values():
            if f"groups/{place.module}.py" in wanted:
                yield build_group(place, material)

    def _commands(self, wanted: Container[str]) -> Iterator[CommandModule]:
        for word, inside in self.named.words().items():
            if f"commands/{self.homes[inside[0]].module}.py" in wanted:
                yield command_module(word, inside, self.homes, self.work.actions)

    def _models(self, wanted: Container[str]) -> Iterator[ModelModule]:
        for name in sorted(self.work.models, key=self.named.stems.__getitem__):
            if f"models/{self.named.stems[name]}.py" in wanted:
                module = self.work.models[name].module()
                if module is not None:
                    yield module

    def data(self) -> tuple[DataFile, ...]:
        """What is no code: no model is needed for it."""
        return tuple(sorted(self._data(), key=lambda file: file.path))

    def _data(self) -> Iterator[DataFile]:
        whole, stale = self.work.whole, self.work.stale
        pages = {path.removeprefix("help/") for path in stale if path.startswith("help/")}
        faces = tuple(self.named.faces.values())
        yield from help_files(self.names.command, faces, self.work.actions, pages)
        if "overlay.json" in stale:
            text = json.dumps(whole.overlay.as_json(), indent=1, sort_keys=True)
            yield DataFile(path="overlay.json", text=text + "\n")
        for name, entry in whole.entries.items():
            path = f"schemas/{self.named.stems[name]}.json"
            if path in stale:
                text = canonical({"input": entry.input, "output": entry.output})
                yield DataFile(path=path, text=text + "\n")
