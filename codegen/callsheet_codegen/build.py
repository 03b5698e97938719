"""Build the project from a snapshot, and tell what is stale."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from callsheet.actions.resolve import ActionResolver
from callsheet.cli.help.pages import file_name
from callsheet.config.bindings import INTERFACE
from callsheet.jsonio import canonical
from callsheet_codegen.cache import ActionRecord, CachedState
from callsheet_codegen.code import Markdown, literal
from callsheet_codegen.diagnostics import Diagnostic, in_order
from callsheet_codegen.fingerprints import MODELS_INDEX, key_of, keys
from callsheet_codegen.ir import DataFile, Project
from callsheet_codegen.layout import AssignedNames, outline
from callsheet_codegen.methods import Material, build_group, child, command_module, section
from callsheet_codegen.models.requests import index_of, model_actions
from callsheet_codegen.render import help_files, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from callsheet.actions.resolve import Problem
    from callsheet.catalog.snapshot import Snapshot
    from callsheet.config.overlay import Overlay
    from callsheet.spec import Action
    from callsheet_codegen.fingerprints import Keys
    from callsheet_codegen.ir import CommandModule, Group, ModelModule, Section
    from callsheet_codegen.layout import Outline
    from callsheet_codegen.models.pool import Modeller
    from callsheet_codegen.models.requests import ActionModels


# Of names: every run tells them, whatever was known before.
_OF_NAMES = frozenset({"twice", "renamed", "call-only"})


class BuildPlan:
    """The files whose inputs are not those of the last run, and whatever they need.

    ``files`` says from what each file of the package is made, ``stale`` which are to be made,
    ``facts`` what came of each action.
    """

    def __init__(
        self, whole: ActionResolver, named: Outline, made: Keys, known: CachedState
    ) -> None:
        self.whole, self.named, self.keys, self.known = whole, named, made, known
        self._models_of = {f"models/{stem}.py": name for name, stem in named.stems.items()}
        self._fresh = {n for n, key in made.actions.items() if self._is_known(n, key)}
        self.stale = {path for path, key in made.files.items() if self._is_stale(path, key)}
        self.actions: dict[str, Action] = {}
        self.models: Mapping[str, ActionModels] = {}
        self.facts: dict[str, ActionRecord] = {}
        self.files: dict[str, str] = {}

    def _is_known(self, name: str, key: str) -> bool:
        fact = self.known.actions.get(name)
        return fact is not None and fact.key == key

    def _is_stale(self, path: str, key: str) -> bool:
        name = self._models_of.get(path)
        if name in self._fresh and not self.known.actions[name].module:
            return False
        return not self.known.holds(path, key)

    def ask(self, modeller: Modeller) -> None:
        """Have the models made of the actions that are needed, and read these meanwhile."""
        needed = sorted(self._needed())
        entries = {name: self.whole.entries[name] for name in needed}
        named, admit = self.named, self.whole.admit
        self._modelled = model_actions(
            entries, named.stems, modeller, classes=named.classes, admit=admit
        )
        self.actions = {name: self.whole.action(name) for name in needed}

    def flags(self) -> dict[str, Mapping[tuple[str, ...], str]]:
        """The flags of every action, for the lock."""
        return {
            name: _flags(self.actions[name])
            if name in self.actions
            else self.known.actions[name].flags
            for name in self.named.faces
        }

    def settle(self) -> None:
        """Wait for the models: then it is known what each action has, and all the files."""
        self.models, told = self._modelled()
        self.actions = {name: located(one, self.models) for name, one in self.actions.items()}
        problems: dict[str, list[Diagnostic]] = {}
        for one in (*map(_from_problem, self.whole.problems), *told):
            if one.code not in _OF_NAMES:
                problems.setdefault(one.action, []).append(one)
        for name in self.named.faces:
            new = name in self.actions
            fact = self._fact(name, problems.get(name, ())) if new else self.known.actions[name]
            self.facts[name] = fact
        self._list_files()

    def _needed(self) -> set[str]:
        """The actions of the files to be made, and those of their families."""
        found = set(self.named.faces) - self._fresh
        for path, inside in self._sources():
            if path in self.stale:
                found.update(inside)
        families = [self.whole.families[name][1] for name in found & self.whole.families.keys()]
        members = {m for one in families for m in (one.create, one.wait, one.query)}
        return found | (members & self.named.faces.keys())

    def _sources(self) -> Iterator[tuple[str, list[str]]]:
        """The files that are made from whole actions, with these actions."""
        for place in self.named.places.values():
            yield f"groups/{place.module}.py", list(place.methods)
        for inside in self.named.words().values():
            yield f"commands/{self.named.homes[inside[0]].module}.py", inside
        for path, name in self._models_of.items():
            yield path, [name]
        for name, face in self.named.faces.items():
            for kind in ("txt", "flags") if face.command else ():
                yield f"help/{file_name(face.command, kind)}", [name]

    def _fact(self, name: str, problems: Iterable[Diagnostic]) -> ActionRecord:
        models = self.models[name]
        return ActionRecord(
            key=self.keys.actions[name],
            module=bool(models.made.source),
            exports=models.exports,
            flags=_flags(self.actions[name]),
            told=in_order(problems),
        )

    def _list_files(self) -> None:
        """Leave out the models that turned out to be none, and add their index."""
        empty = {p for p, name in self._models_of.items() if not self.facts[name].module}
        self.files = {path: key for path, key in self.keys.files.items() if path not in empty}
        index = key_of(sorted(self.exports().items()))
        self.files[MODELS_INDEX] = index
        if not self.known.holds(MODELS_INDEX, index):
            self.stale.add(MODELS_INDEX)
        self.stale &= self.files.keys()

    def exports(self) -> dict[str, tuple[str, ...]]:
        """What each module of models offers."""
        stems = self.named.stems
        return {stems[n]: fact.exports for n, fact in self.facts.items() if fact.module}

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything there is to say, of actions that were not looked at now too."""
        named = (_from_problem(one) for one in self.whole.problems if one.code in _OF_NAMES)
        return in_order((*named, *(one for fact in self.facts.values() for one in fact.told)))


def _flags(action: Action) -> dict[tuple[str, ...], str]:
    return {param.path: param.flag for param in action.params if param.flag}


def located(action: Action, models: Mapping[str, ActionModels]) -> Action:
    """The action with the names of its files; a family ends in the reply of its query."""
    family = action.family
    ends = (family.query, family.wait) if family and action.role == "create" else ()
    members = [name for name in (*ends, action.id) if name in models and models[name].output]
    if ends and members == [action.id]:
        members = []
    return action._replace(
        module=models[action.id].stem,
        result=models[members[0]].stem if members else "",
    )


def _from_problem(problem: Problem) -> Diagnostic:
    return Diagnostic(
        level=problem.level,
        code=problem.code,
        action=problem.action,
        pointer=problem.pointer,
        message=problem.message,
        hint=problem.hint,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageNames:
    """What the generated package is called, and what its program and variables are."""

    package: str
    command: str
    env: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """The project, the names that were given (for the lock), and what went wrong.

    ``stale`` are the files to be made, ``part`` gives the project as far as some of them need it.
    ``files`` says from what each file of the package is made, those of the project and those
    that stay; ``facts`` what came of each action.
    """

    stale: frozenset[str]
    part: Callable[[frozenset[str]], Project] = field(compare=False)
    given: AssignedNames
    diagnostics: tuple[Diagnostic, ...]
    files: Mapping[str, str]
    facts: Mapping[str, ActionRecord]

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
        names: PackageNames,
        *,
        given: AssignedNames | None = None,
        modeller: Modeller,
        known: CachedState | None = None,
    ) -> None:
        given = given or AssignedNames()
        whole = ActionResolver(snapshot.actions, overlay, given.commands, given.flags)
        named = outline(whole, overlay, given)
        about = (names.package, names.command, names.env, snapshot.source, str(INTERFACE))
        work = BuildPlan(
            whole, named, keys(whole, named, given, about=about), known or CachedState()
        )
        work.ask(modeller)
        self._work, self._parts = work, _Parts(work, names, snapshot.source)
        self._data = self._parts.data()
        self.given = AssignedNames(
            commands={name: path for name, path in whole.commands.items() if path},
            methods=named.methods(),
            modules=named.stems,
            flags=work.flags(),
            groups=named.groups(),
        )

    def finish(self) -> BuildResult:
        """Wait for the models and decide what is written from them."""
        work = self._work
        work.settle()
        return BuildResult(
            stale=frozenset(work.stale),
            part=partial(self._parts.project, self._data),
            given=self.given,
            diagnostics=work.diagnostics(),
            files=work.files,
            facts=work.facts,
        )


class _Parts:
    """The parts of the project that are to be made."""

    def __init__(self, work: BuildPlan, names: PackageNames, source: str) -> None:
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
