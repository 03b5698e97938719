"""Build the project from a snapshot, and decide what is stale."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from callsheet.actions.resolve import ActionResolver
from callsheet.cli.help.pages import entries, file_name, pages
from callsheet.config.bindings import INTERFACE
from callsheet.jsonio import canonical
from callsheet_codegen.cache import ActionRecord, CachedState
from callsheet_codegen.code import Markdown, literal
from callsheet_codegen.fingerprints import MODELS_INDEX, Fingerprints, digest_of
from callsheet_codegen.ir import Diagnostic, Project, in_order
from callsheet_codegen.layout import AssignedNames, outline
from callsheet_codegen.methods import build_group, child, command_module, section
from callsheet_codegen.models.requests import model_actions, models_index

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from callsheet.catalog.snapshot import Snapshot
    from callsheet.spec import Action
    from callsheet_codegen.config import Config
    from callsheet_codegen.ir import CommandModule, Group, ModelModule, Section
    from callsheet_codegen.layout import Outline
    from callsheet_codegen.models.pool import Modeller
    from callsheet_codegen.models.requests import ActionModels


# Problems of names: every run reports them, whatever was cached before.
_NAME_PROBLEMS = frozenset({"twice", "renamed", "call-only"})


class BuildPlan:
    """The files whose inputs are not those of the last run, and whatever they need.

    ``files`` maps each file of the package to the digest of its inputs, ``stale`` are the files
    to be made, ``records`` holds what was generated for each action.
    """

    def __init__(
        self,
        resolver: ActionResolver,
        outline: Outline,
        keys: Fingerprints,
        cached: CachedState,
    ) -> None:
        self.resolver, self.outline, self.keys, self.cached = resolver, outline, keys, cached
        self._model_files = {f"models/{stem}.py": name for name, stem in outline.stems.items()}
        self._current = {name for name, key in keys.actions.items() if self._is_current(name, key)}
        self.stale = {path for path, key in keys.files.items() if self._is_stale(path, key)}
        self.actions: dict[str, Action] = {}
        self.models: Mapping[str, ActionModels] = {}
        self.records: dict[str, ActionRecord] = {}
        self.files: dict[str, str] = {}

    def _is_current(self, name: str, key: str) -> bool:
        record = self.cached.actions.get(name)
        return record is not None and record.key == key

    def _is_stale(self, path: str, key: str) -> bool:
        name = self._model_files.get(path)
        if name in self._current and not self.cached.actions[name].module:
            return False
        return not self.cached.is_current(path, key)

    def request_models(self, modeller: Modeller) -> None:
        """Request the models of the actions that are needed, and read these meanwhile."""
        needed = sorted(self._needed())
        entries = {name: self.resolver.entries[name] for name in needed}
        outline, admit = self.outline, self.resolver.admit
        self._wait_for_models = model_actions(
            entries, outline.stems, modeller, classes=outline.classes, admit=admit
        )
        self.actions = {name: self.resolver.action(name) for name in needed}

    def flags(self) -> dict[str, Mapping[tuple[str, ...], str]]:
        """Return the flags of every action, for the lock."""
        return {
            name: _flags(self.actions[name])
            if name in self.actions
            else self.cached.actions[name].flags
            for name in self.outline.listings
        }

    def settle(self) -> None:
        """Wait for the models, which decide what each action has and which files there are."""
        self.models, untyped = self._wait_for_models()
        self.actions = {
            name: with_modules(action, self.models) for name, action in self.actions.items()
        }
        by_action: dict[str, list[Diagnostic]] = {}
        for diagnostic in (*self._problems(), *untyped):
            if diagnostic.code not in _NAME_PROBLEMS:
                by_action.setdefault(diagnostic.action, []).append(diagnostic)
        for name in self.outline.listings:
            self.records[name] = (
                self._record(name, by_action.get(name, ()))
                if name in self.actions
                else self.cached.actions[name]
            )
        self._list_files()

    def _problems(self) -> Iterator[Diagnostic]:
        return (Diagnostic(**asdict(problem)) for problem in self.resolver.problems)

    def _needed(self) -> set[str]:
        """Return the actions of the files to be made, and those of their families."""
        needed = set(self.outline.listings) - self._current
        for path, names in self._sources():
            if path in self.stale:
                needed.update(names)
        families = [self.resolver.families[n][1] for n in needed & self.resolver.families.keys()]
        members = {m for family in families for m in (family.create, family.wait, family.query)}
        return needed | (members & self.outline.listings.keys())

    def _sources(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the files that are made from whole actions, with these actions."""
        for group in self.outline.groups.values():
            yield f"groups/{group.module}.py", list(group.methods)
        for names in self.outline.by_word().values():
            yield f"commands/{self.outline.constants[names[0]].module}.py", names
        for path, name in self._model_files.items():
            yield path, [name]
        for name, action in self.outline.listings.items():
            for kind in ("txt", "flags") if action.command else ():
                yield f"help/{file_name(action.command, kind)}", [name]

    def _record(self, name: str, diagnostics: Iterable[Diagnostic]) -> ActionRecord:
        models = self.models[name]
        return ActionRecord(
            key=self.keys.actions[name],
            module=bool(models.generated.source),
            exports=models.exports,
            flags=_flags(self.actions[name]),
            diagnostics=in_order(diagnostics),
        )

    def _list_files(self) -> None:
        """Leave out modules of models that turned out to be empty, and add their index."""
        empty = {path for path, n in self._model_files.items() if not self.records[n].module}
        self.files = {path: key for path, key in self.keys.files.items() if path not in empty}
        index = digest_of(sorted(self.exports().items()))
        self.files[MODELS_INDEX] = index
        if not self.cached.is_current(MODELS_INDEX, index):
            self.stale.add(MODELS_INDEX)
        self.stale &= self.files.keys()

    def exports(self) -> dict[str, tuple[str, ...]]:
        """Return the classes that each module of models exports."""
        stems = self.outline.stems
        return {stems[n]: record.exports for n, record in self.records.items() if record.module}

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return everything to report, also of actions that were not read in this run."""
        names = (problem for problem in self._problems() if problem.code in _NAME_PROBLEMS)
        cached = (d for record in self.records.values() for d in record.diagnostics)
        return in_order((*names, *cached))


def _flags(action: Action) -> dict[tuple[str, ...], str]:
    return {param.path: param.flag for param in action.params if param.flag}


def with_modules(action: Action, models: Mapping[str, ActionModels]) -> Action:
    """Return the action with the names of its files; a family ends in the reply of its query."""
    family = action.family
    replies = (family.query, family.wait) if family and action.role == "create" else ()
    typed = [name for name in (*replies, action.id) if name in models and models[name].output]
    if replies and typed == [action.id]:
        typed = []
    return action._replace(
        module=models[action.id].stem,
        result=models[typed[0]].stem if typed else "",
    )


class ProjectBuilder:
    """A project whose models are being made; reads and writes nothing.

    ``names`` holds the names of the package, for the lock. What is ``cached`` is not made again.
    ``plan`` waits for the models and then says what is written.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        config: Config,
        *,
        names: AssignedNames | None = None,
        modeller: Modeller,
        cached: CachedState | None = None,
    ) -> None:
        assigned = names or AssignedNames()
        overlay, self._config, self._source = config.overlay, config, snapshot.source
        resolver = ActionResolver(snapshot.actions, overlay, assigned.commands, assigned.flags)
        located = outline(resolver, overlay, assigned)
        about = (config.package, config.command, config.env, snapshot.source, str(INTERFACE))
        keys = Fingerprints(resolver, located, assigned, about=about)
        self.plan = BuildPlan(resolver, located, keys, cached or CachedState())
        self.plan.request_models(modeller)
        self._data = dict(self._files_of_data())
        self.names = AssignedNames(
            commands={name: path for name, path in resolver.commands.items() if path},
            methods=located.method_names(),
            modules=located.stems,
            flags=self.plan.flags(),
            groups=located.group_names(),
        )

    def part(self, wanted: frozenset[str]) -> Project:
        """Build what these files need; files that list everything need all of it."""
        outline, config = self.plan.outline, self._config
        modules = sorted({(home.word, home.module) for home in outline.constants.values()})
        words: Mapping[str, str] = {}
        if "commands/__init__.py" in wanted:  # with the line that the help has for each
            words = entries([a for a in self.plan.outline.listings.values() if a.command], ())
        return Project(
            command=literal(config.command),
            env=literal(config.env),
            source=literal(self._source),
            interface=literal(INTERFACE),
            title=Markdown(config.package),
            groups=tuple(self._groups(wanted)),
            commands=tuple(self._commands(wanted)),
            modules=tuple((literal(word), literal(module)) for word, module in modules),
            sections=self._sections() if "api.md" in wanted else (),
            roots=tuple(child(group) for path, group in outline.groups.items() if len(path) <= 1),
            words=tuple((literal(word), literal(text)) for word, text in words.items()),
            models=tuple(self._models(wanted)),
            exports=models_index(self.plan.exports()) if MODELS_INDEX in wanted else (),
            data=self._data,
            wanted=wanted,
        )

    def _sections(self) -> tuple[Section, ...]:
        groups, listings = self.plan.outline.groups, self.plan.outline.listings
        command = self._config.command
        return tuple(section(group, groups, listings, command) for group in groups.values())

    def _groups(self, wanted: Container[str]) -> Iterator[Group]:
        plan = self.plan
        for group in plan.outline.groups.values():
            if f"groups/{group.module}.py" in wanted:
                yield build_group(group, plan.outline, plan.actions, plan.models)

    def _commands(self, wanted: Container[str]) -> Iterator[CommandModule]:
        constants = self.plan.outline.constants
        for word, names in self.plan.outline.by_word().items():
            if f"commands/{constants[names[0]].module}.py" in wanted:
                yield command_module(word, names, constants, self.plan.actions)

    def _models(self, wanted: Container[str]) -> Iterator[ModelModule]:
        stems = self.plan.outline.stems
        for name in sorted(self.plan.models, key=stems.__getitem__):
            module = self.plan.models[name].module()
            if module is not None and f"models/{stems[name]}.py" in wanted:
                yield module

    def _files_of_data(self) -> Iterator[tuple[str, str]]:
        """Yield path and text of the files that are no code: no model is needed for them."""
        resolver, stale, outline = self.plan.resolver, self.plan.stale, self.plan.outline
        names = {path.removeprefix("help/") for path in stale if path.startswith("help/")}
        actions = {
            action.command: action for action in self.plan.actions.values() if action.command
        }
        texts = pages(self._config.command, tuple(outline.listings.values()), actions, names)
        yield from ((f"help/{name}", text) for name, text in texts.items())
        yield "py.typed", ""
        if "overlay.json" in stale:
            yield (
                "overlay.json",
                json.dumps(resolver.overlay.as_json(), indent=1, sort_keys=True) + "\n",
            )
        for name, entry in resolver.entries.items():
            path = f"schemas/{outline.stems[name]}.json"
            if path in stale:
                yield path, canonical({"input": entry.input, "output": entry.output}) + "\n"
