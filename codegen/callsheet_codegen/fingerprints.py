"""Digest what each generated file is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.cli.help.pages import page_paths
from callsheet.jsonio import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.actions.resolve import ActionResolver
    from callsheet.spec import Advertised
    from callsheet_codegen.layout import AssignedNames, GroupLocation, Outline


CONSTANT = ("__init__.py", "__main__.py", "groups/__init__.py", "py.typed")
MODELS_INDEX = "models/__init__.py"


def digest_of(*parts: object) -> str:
    """Return a digest of JSON values."""
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
        own = {name: self._own(entry) for name, entry in entries.items()}
        self.actions = {name: self._action(name, own) for name in entries}
        self.files = self._files()

    def _own(self, entry: Advertised) -> str:
        """Digest what the server and the configuration say of one action, and its names."""
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

    def _action(self, name: str, own: Mapping[str, str]) -> str:
        """Digest one action with the members of its family."""
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

    def _files(self) -> dict[str, str]:
        """Digest the inputs of every file."""
        outline, listings = self.outline, self.outline.listings.values()
        index = digest_of(
            self.about, [[a.id, a.command, a.summary or a.doc] for a in listings if a.command]
        )
        rows = [[action.id, action.command, action.summary] for action in listings]
        groups = {f"groups/{g.module}.py": self._group(g) for g in outline.groups.values()}
        roots = digest_of(
            self.about, [[g.module, g.cls, g.attribute, g.path] for g in outline.groups.values()]
        )
        methods = outline.method_names() if groups else []
        files = dict.fromkeys(CONSTANT, "constant")
        files |= dict.fromkeys(("_bindings.py", "cli.py"), digest_of(self.about))
        files |= {"client.py": roots, "aclient.py": roots}
        files |= {"overlay.json": digest_of(self.resolver.overlay.as_json())}
        files |= {"api.md": digest_of(self.about, rows, methods, roots)}
        files["commands/__init__.py"] = digest_of(index, sorted(set(outline.constants.values())))
        files |= groups | self._commands() | self._pages(index)
        for name, stem in outline.stems.items():
            files[f"schemas/{stem}.json"] = self.schemas[name]
            files[f"models/{stem}.py"] = digest_of(self.schemas[name], stem, outline.classes[name])
        return files

    def _group(self, group: GroupLocation) -> str:
        below = [self.outline.groups[path] for path in group.children]
        children = [[child.module, child.cls, child.attribute, child.path] for child in below]
        methods = [[name, word, self.actions[name]] for name, word in sorted(group.methods.items())]
        return digest_of(group.path, group.module, group.cls, children, methods)

    def _commands(self) -> dict[str, str]:
        return {
            f"commands/{self.outline.constants[names[0]].module}.py": digest_of(
                word, [self.actions[name] for name in names]
            )
            for word, names in self.outline.by_word().items()
        }

    def _pages(self, index: str) -> dict[str, str]:
        listings = self.outline.listings.values()
        by_command = {action.command: action.id for action in listings if action.command}
        return {
            f"help/{name}": self.actions[by_command[path]] if path in by_command else index
            for name, path in page_paths(by_command).items()
        }
