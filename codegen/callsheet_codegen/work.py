"""What has to be made, and the actions and models that it is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.cli.help.pages import file_name
from callsheet_codegen.diagnostics import Diagnostic, in_order
from callsheet_codegen.keys import MODELS_INDEX, key_of
from callsheet_codegen.known import Fact
from callsheet_codegen.modelling import model_actions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callsheet.spec import Action
    from callsheet.surface.assembly import Assembly, Problem
    from callsheet_codegen.keys import Keys
    from callsheet_codegen.known import Known
    from callsheet_codegen.modelling import ActionModels
    from callsheet_codegen.models import Modeller
    from callsheet_codegen.outline import Outline

# Of names: every run tells them, whatever was known before.
_OF_NAMES = frozenset({"twice", "renamed", "call-only"})


class Work:
    """The files whose inputs are not those of the last run, and whatever they need.

    ``files`` says from what each file of the package is made, ``stale`` which are to be made,
    ``facts`` what came of each action.
    """

    def __init__(self, whole: Assembly, named: Outline, made: Keys, known: Known) -> None:
        self.whole, self.named, self.keys, self.known = whole, named, made, known
        self._models_of = {f"models/{stem}.py": name for name, stem in named.stems.items()}
        self._fresh = {n for n, key in made.actions.items() if self._is_known(n, key)}
        self.stale = {path for path, key in made.files.items() if self._is_stale(path, key)}
        self.actions: dict[str, Action] = {}
        self.models: Mapping[str, ActionModels] = {}
        self.facts: dict[str, Fact] = {}
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
            yield f"help/{file_name(face.command)}", [name] if face.command else []

    def _fact(self, name: str, problems: Iterable[Diagnostic]) -> Fact:
        models = self.models[name]
        return Fact(
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
