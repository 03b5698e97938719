"""Digest what each generated file is made from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callsheet.cli.help.pages import page_paths
from callsheet.jsonio import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.actions.resolve import ActionResolver
    from callsheet.spec import Advertised
    from callsheet_codegen.layout import AssignedNames, GroupLocation, Outline


CONSTANT = ("__init__.py", "__main__.py", "groups/__init__.py", "py.typed")
MODELS_INDEX = "models/__init__.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Digests of inputs: of each action, and of each file by its path.

    The models of an action are among the files, though they may turn out to be none. The index
    of models is not: it depends on what came of them.
    """

    actions: Mapping[str, str]
    files: Mapping[str, str]


def key_of(*parts: object) -> str:
    """A digest of JSON values."""
    return hashlib.sha256(canonical(parts).encode("ascii")).hexdigest()[:32]


def keys(
    whole: ActionResolver, names: Outline, given: AssignedNames, *, about: tuple[str, ...]
) -> Keys:
    """The digests of everything; ``about`` holds the package's own names and its source."""
    return _Digests(whole, names, given, about).all()


class _Digests:
    """Computes the digests, each input but once."""

    def __init__(
        self, whole: ActionResolver, names: Outline, given: AssignedNames, about: tuple[str, ...]
    ) -> None:
        self.whole, self.names, self.given, self.about = whole, names, given, about
        self.schemas = {n: key_of(e.input, e.output) for n, e in whole.entries.items()}
        own = {n: self._own(e) for n, e in whole.entries.items()}
        self.actions = {n: self._action(n, own) for n in whole.entries}

    def _own(self, entry: Advertised) -> str:
        """What the server and the configuration say of one action, and its names."""
        name, overlay = entry.id, self.whole.overlay
        said = [
            overlay.of(name).aliases,
            overlay.comma,
            overlay.media,
            sorted(overlay.hidden_fields(name)),
            overlay.is_free(name),
            overlay.field_descriptions(name),
            overlay.default_values(name),
        ]
        texts = [entry.id, entry.title, entry.description, entry.hints]
        flags = [["/".join(path), flag] for path, flag in self.given.flags.get(name, {}).items()]
        place = [self.names.stems[name], self.names.classes[name]]
        return key_of(self.schemas[name], texts, said, sorted(flags), place)

    def _action(self, name: str, own: Mapping[str, str]) -> str:
        role, family = self.whole.families.get(name, ("", None))
        facts = list(family) if family else []
        members = [family.create, family.wait, family.query] if family else []
        inside = [own[member] for member in members if member in own]
        command = self.whole.commands.get(name, ())
        return key_of(self.about, own[name], command, self.names.homes[name], role, facts, inside)

    def all(self) -> Keys:
        """The digest of every file."""
        names, whole = self.names, self.whole
        shown = [[f.id, f.command, f.summary or f.doc] for f in names.faces.values() if f.command]
        index = key_of(self.about, shown)
        rows = [[f.id, f.command, f.summary] for f in names.faces.values()]
        places = {f"groups/{p.module}.py": self._group(p) for p in names.places.values()}
        roots = key_of(
            self.about, [[p.module, p.cls, p.attribute, p.path] for p in names.places.values()]
        )
        files = dict.fromkeys(CONSTANT, "constant")
        files |= {"_bindings.py": key_of(self.about), "cli.py": key_of(self.about)}
        files |= {"client.py": roots, "aclient.py": roots}
        files |= {"overlay.json": key_of(whole.overlay.as_json())}
        files |= {
            "api.md": key_of(self.about, rows, list(places.values()) and names.methods(), roots)
        }
        files |= {"commands/__init__.py": key_of(index, sorted(set(names.homes.values())))}
        files |= places | self._commands() | self._pages(index)
        for name, stem in names.stems.items():
            files[f"schemas/{stem}.json"] = self.schemas[name]
            files[f"models/{stem}.py"] = key_of(self.schemas[name], stem, names.classes[name])
        return Keys(actions=self.actions, files=files)

    def _group(self, place: GroupLocation) -> str:
        below = [self.names.places[path] for path in place.children]
        children = [[one.module, one.cls, one.attribute, one.path] for one in below]
        methods = [[name, word, self.actions[name]] for name, word in sorted(place.methods.items())]
        return key_of(place.path, place.module, place.cls, children, methods)

    def _commands(self) -> dict[str, str]:
        found = {}
        for word, inside in self.names.words().items():
            module = self.names.homes[inside[0]].module
            found[f"commands/{module}.py"] = key_of(word, [self.actions[name] for name in inside])
        return found

    def _pages(self, index: str) -> dict[str, str]:
        by_command = {face.command: face.id for face in self.names.faces.values() if face.command}
        return {
            f"help/{name}": self.actions[by_command[path]] if path in by_command else index
            for name, path in page_paths(by_command).items()
        }
