"""Digest what each file is made from, and build what is stale of a project."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from callsheet.actions.resolve import ActionResolver
from callsheet.cli.help.pages import entries, file_name, page_paths, pages
from callsheet.config.bindings import INTERFACE
from callsheet.jsonio import canonical, digest
from callsheet_codegen.cache import ActionRecord, CachedState
from callsheet_codegen.code import Markdown, literal
from callsheet_codegen.ir import Diagnostic, Project, in_order
from callsheet_codegen.layout import AssignedNames, outline
from callsheet_codegen.methods import (
    build_child,
    build_command_module,
    build_group,
    build_section,
)
from callsheet_codegen.models.requests import model_actions, models_index

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from callsheet.catalog.lock import Snapshot
    from callsheet.spec import Action, Advertised
    from callsheet_codegen.config import Config
    from callsheet_codegen.ir import ModelModule
    from callsheet_codegen.layout import GroupLocation, Outline
    from callsheet_codegen.models.pool import Modeller
    from callsheet_codegen.models.requests import ActionModels


# Problems of names: every run reports them, whatever was cached before.
_NAME_PROBLEMS = frozenset({"twice", "renamed", "call-only"})
CONSTANT_FILES = ("__init__.py", "__main__.py", "groups/__init__.py", "py.typed")
MODELS_INDEX = "models/__init__.py"


def digest_of(*parts: object) -> str:
    """Return a digest of JSON values: 32 hexadecimal digits."""
    return digest(parts)[:32]


class Fingerprints:
    """Digests of inputs, each computed once: ``actions`` by id, ``files`` by path.

    The models of an action are among the files, though they may turn out to be none. The index
    of models is not: it depends on the models. ``about`` holds the package's own names and its
    source.
    """

    def __init__(
        self,
        resolver: ActionResolver,
        outline: Outline,
        names: AssignedNames,
        *,
        about: tuple[str, ...],
    ) -> None:
        self.resolver, self.outline, self.names, self.about = resolver, outline, names, about
        entries = resolver.entries
        self.schemas = {n: digest_of(entry.input, entry.output) for n, entry in entries.items()}
        own = {name: self._own_digest(entry) for name, entry in entries.items()}
        self.actions = {name: self._action_digest(name, own) for name in entries}
        self.files = self._file_digests()

    def _own_digest(self, entry: Advertised) -> str:
        """Digest what the server and the configuration say of one action, its flags and files."""
        name, overlay = entry.id, self.resolver.overlay
        rules = [
            overlay.of(name).aliases,
            overlay.comma,
            overlay.media,
            sorted(overlay.hidden_fields(name)),
            overlay.is_free(name),
            overlay.field_descriptions(name),
            overlay.default_values(name),
        ]
        texts = [entry.id, entry.title, entry.description, entry.hints]
        flags = [["/".join(path), flag] for path, flag in self.names.flags.get(name, {}).items()]
        location = [self.outline.stems[name], self.outline.classes[name]]
        return digest_of(self.schemas[name], texts, rules, sorted(flags), location)

    def _action_digest(self, name: str, own: Mapping[str, str]) -> str:
        """Digest one action with its command and the members of its family."""
        role, family = self.resolver.families.get(name, ("", None))
        members = [family.create, family.wait, family.query] if family else []
        return digest_of(
            self.about,
            own[name],
            self.resolver.commands.get(name, ()),
            self.outline.constants[name],
            role,
            list(family) if family else [],
            [own[member] for member in members if member in own],
        )

    def _file_digests(self) -> dict[str, str]:
        """Return path → digest of the inputs of every file but the index of models."""
        outline, listings = self.outline, self.outline.listings.values()
        index = digest_of(
            self.about, [[a.id, a.command, a.summary or a.doc] for a in listings if a.command]
        )
        rows = [[action.id, action.command, action.summary] for action in listings]
        groups = {f"groups/{g.module}.py": self._group_digest(g) for g in outline.groups.values()}
        roots = digest_of(
            self.about, [[g.module, g.cls, g.attribute, g.path] for g in outline.groups.values()]
        )
        methods = outline.method_names() if groups else []
        files = dict.fromkeys(CONSTANT_FILES, "constant")
        files |= dict.fromkeys(("_bindings.py", "cli.py"), digest_of(self.about))
        files |= {"client.py": roots, "aclient.py": roots}
        files |= {"overlay.json": digest_of(self.resolver.overlay.as_json())}
        files |= {"api.md": digest_of(self.about, rows, methods, roots)}
        files["commands/__init__.py"] = digest_of(index, sorted(set(outline.constants.values())))
        files |= groups | self._command_digests() | self._page_digests(index)
        for name, stem in outline.stems.items():
            files[f"schemas/{stem}.json"] = self.schemas[name]
            files[f"models/{stem}.py"] = digest_of(self.schemas[name], stem, outline.classes[name])
        return files

    def _group_digest(self, group: GroupLocation) -> str:
        below = [self.outline.groups[path] for path in group.children]
        children = [[child.module, child.cls, child.attribute, child.path] for child in below]
        methods = [[name, word, self.actions[name]] for name, word in sorted(group.methods.items())]
        return digest_of(group.path, group.module, group.cls, children, methods)

    def _command_digests(self) -> dict[str, str]:
        """Return path → digest of the inputs of each command module."""
        return {
            f"commands/{self.outline.constants[names[0]].module}.py": digest_of(
                word, [self.actions[name] for name in names]
            )
            for word, names in self.outline.by_first_word().items()
        }

    def _page_digests(self, index: str) -> dict[str, str]:
        """Return path → digest of each help page: its action's, or ``index`` for a list."""
        listings = self.outline.listings.values()
        by_command = {action.command: action.id for action in listings if action.command}
        return {
            f"help/{name}": self.actions[by_command[path]] if path in by_command else index
            for name, path in page_paths(by_command).items()
        }


class BuildPlan:
    """The files whose inputs are not those of the last run, and the actions that they need.

    ``files`` maps each file of the package to the digest of its inputs, ``stale`` are the files
    to be made, ``records`` holds what was generated for each action. ``files``, ``models`` and
    ``records`` are empty before ``collect_models``.
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
        records = cached.actions
        self._current = {
            n for n, key in keys.actions.items() if n in records and records[n].key == key
        }
        self.stale = {path for path, key in keys.files.items() if self._is_stale(path, key)}
        self.actions: dict[str, Action] = {}
        self.models: Mapping[str, ActionModels] = {}
        self.records: dict[str, ActionRecord] = {}
        self.files: dict[str, str] = {}

    def _is_stale(self, path: str, key: str) -> bool:
        """Tell whether a file has to be made: its inputs are not those of the last run."""
        name = self._model_files.get(path)
        if name in self._current and not self.cached.actions[name].module:
            return False
        return not self.cached.is_current(path, key)

    def request_models(self, modeller: Modeller) -> None:
        """Request the models of the actions that are needed; read these into ``actions`` meanwhile.

        Does not wait for the models.
        """
        needed = sorted(self._needed())
        entries = {name: self.resolver.entries[name] for name in needed}
        outline, admit = self.outline, self.resolver.admit
        self._wait_for_models = model_actions(
            entries, outline.stems, modeller, classes=outline.classes, admit=admit
        )
        self.actions = {name: self.resolver.action(name) for name in needed}

    def flags(self) -> dict[str, Mapping[tuple[str, ...], str]]:
        """Return action id → its flags by wire path, as the lock has them."""
        return {
            name: _flags(self.actions[name])
            if name in self.actions
            else self.cached.actions[name].flags
            for name in self.outline.listings
        }

    def collect_models(self) -> None:
        """Wait for the models; fill ``models``, ``records`` and ``files``, and correct ``stale``.

        The models decide what each action has and which files there are. Raises
        ``CallsheetError`` where the model generator does not start.
        """
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
        """Return the ids of the actions in files to be made, and of their families."""
        needed = set(self.outline.listings) - self._current
        for path, names in self._action_files():
            if path in self.stale:
                needed.update(names)
        families = [self.resolver.families[n][1] for n in needed & self.resolver.families.keys()]
        members = {m for family in families for m in (family.create, family.wait, family.query)}
        return needed | (members & self.outline.listings.keys())

    def _action_files(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each file that is made from whole actions, with the ids of these actions."""
        for group in self.outline.groups.values():
            yield f"groups/{group.module}.py", list(group.methods)
        for names in self.outline.by_first_word().values():
            yield f"commands/{self.outline.constants[names[0]].module}.py", names
        for path, name in self._model_files.items():
            yield path, [name]
        for name, action in self.outline.listings.items():
            for kind in ("txt", "flags") if action.command else ():
                yield f"help/{file_name(action.command, kind)}", [name]

    def _record(self, name: str, diagnostics: Iterable[Diagnostic]) -> ActionRecord:
        """Return what was generated for an action, with its diagnostics."""
        models = self.models[name]
        return ActionRecord(
            key=self.keys.actions[name],
            module=bool(models.generated.source),
            exports=models.exports,
            flags=_flags(self.actions[name]),
            diagnostics=in_order(diagnostics),
        )

    def _list_files(self) -> None:
        """Fill ``files`` without empty modules of models, with their index; correct ``stale``."""
        empty = {path for path, n in self._model_files.items() if not self.records[n].module}
        self.files = {path: key for path, key in self.keys.files.items() if path not in empty}
        index = digest_of(sorted(self.exports().items()))
        self.files[MODELS_INDEX] = index
        if not self.cached.is_current(MODELS_INDEX, index):
            self.stale.add(MODELS_INDEX)
        self.stale &= self.files.keys()

    def exports(self) -> dict[str, tuple[str, ...]]:
        """Return the stem of each module of models → the classes that it exports."""
        stems = self.outline.stems
        return {stems[n]: record.exports for n, record in self.records.items() if record.module}

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return everything to report, sorted, also of actions that were not read in this run."""
        names = (problem for problem in self._problems() if problem.code in _NAME_PROBLEMS)
        cached = (d for record in self.records.values() for d in record.diagnostics)
        return in_order((*names, *cached))


def _flags(action: Action) -> dict[tuple[str, ...], str]:
    """Return wire path → flag of the parameters that have one."""
    return {param.path: param.flag for param in action.params if param.flag}


def with_modules(action: Action, models: Mapping[str, ActionModels]) -> Action:
    """Return the action with ``module`` and ``result`` set to the stems of its models.

    The result of a create action is the reply of its query or blocking action. ``result`` is ""
    where the reply has no model.
    """
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
    """A project whose models are being made; touches no file.

    ``names`` holds the names of the package, for the lock. What is ``cached`` is not made again.
    Call ``plan.collect_models`` before ``project_for``.
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

    def project_for(self, wanted: frozenset[str]) -> Project:
        """Return the project with no more than the ``wanted`` files (paths) need."""
        plan, outline, config = self.plan, self.plan.outline, self._config
        modules = sorted({(home.first_word, home.module) for home in outline.constants.values()})
        words: Mapping[str, str] = {}
        if "commands/__init__.py" in wanted:  # with the line that the help has for each
            words = entries([a for a in self.plan.outline.listings.values() if a.command], ())
        return Project(
            command=literal(config.command),
            env=literal(config.env),
            source=literal(self._source),
            interface=literal(INTERFACE),
            title=Markdown(config.package),
            groups=tuple(
                build_group(group, outline, plan.actions, plan.models)
                for group in outline.groups.values()
                if f"groups/{group.module}.py" in wanted
            ),
            commands=tuple(
                build_command_module(word, names, outline.constants, plan.actions)
                for word, names in outline.by_first_word().items()
                if f"commands/{outline.constants[names[0]].module}.py" in wanted
            ),
            modules=tuple((literal(word), literal(module)) for word, module in modules),
            sections=tuple(
                build_section(group, outline.groups, outline.listings, config.command)
                for group in (outline.groups.values() if "api.md" in wanted else ())
            ),
            roots=tuple(
                build_child(group) for path, group in outline.groups.items() if len(path) <= 1
            ),
            words=tuple((literal(word), literal(text)) for word, text in words.items()),
            models=tuple(self._models(wanted)),
            exports=models_index(plan.exports()) if MODELS_INDEX in wanted else (),
            data=self._data,
            wanted=wanted,
        )

    def _models(self, wanted: Container[str]) -> Iterator[ModelModule]:
        """Yield the wanted modules of models, by their stems."""
        stems = self.plan.outline.stems
        for name in sorted(self.plan.models, key=stems.__getitem__):
            module = self.plan.models[name].module()
            if module is not None and f"models/{stems[name]}.py" in wanted:
                yield module

    def _files_of_data(self) -> Iterator[tuple[str, str]]:
        """Yield path and text of the stale files that are not code and need no models."""
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
