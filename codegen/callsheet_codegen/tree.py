"""Where each action stands: its group, the group's module, and every name given there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from callsheet.naming import command_path
from callsheet_codegen import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.spec import Action

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of one group: names for its module, class and property, and what is in it."""

    path: Path
    module: str
    cls: str
    attribute: str
    methods: Mapping[str, str]
    children: tuple[Path, ...]


class Home(NamedTuple):
    """Where the ``Action`` literal of an action stands: one module a first word."""

    word: str
    module: str
    constant: str


def library_paths(actions: Sequence[Action], strip: Sequence[str]) -> dict[str, Path]:
    """Action id → the words under which the library offers it: groups first, the method last.

    That is its command. A member of a family without one stands where its id says, or beside
    its family if the family was moved.
    """
    return {action.id: action.command or command_path(action.id, strip) for action in actions}


def places(paths: Mapping[str, Path]) -> dict[Path, Place]:
    """Every group, parents before children; actions without a group stand in the group ``()``."""
    groups = {path[:end] for path in paths.values() for end in range(len(path))}
    groups -= {()} if not any(len(path) == 1 for path in paths.values()) else set()
    ordered = sorted(groups)
    key = {path: ".".join(path) for path in ordered}
    modules = names.assign((key[p], names.snake("_".join(p) or "root")) for p in ordered)
    classes = names.assign(
        ((key[p], names.pascal("_".join(p) or "root")) for p in ordered), joint=""
    )
    attributes: dict[Path, str] = {}
    for parent in {path[:-1] for path in ordered if path} | {()}:
        below = [path for path in ordered if path[:-1] == parent and path != ()]
        wishes = [(path[-1], names.snake(path[-1], fallback="group")) for path in below]
        if parent == () and () in groups:
            wishes.append(("", "root"))
        reserved = names.CLIENT_RESERVED if parent == () else names.METHOD_RESERVED
        given = names.assign(wishes, reserved)
        attributes |= {path: given[path[-1]] for path in below}
        if "" in given:
            attributes[()] = given[""]
    return {
        path: _place(path, paths, (modules[key[path]], classes[key[path]], attributes))
        for path in ordered
    }


def _place(
    path: Path, paths: Mapping[str, Path], named: tuple[str, str, Mapping[Path, str]]
) -> Place:
    module, cls, attributes = named
    children = tuple(sorted(p for p in attributes if p and p[:-1] == path and path))
    inside = {name: words[-1] for name, words in paths.items() if words[:-1] == path}
    reserved = names.METHOD_RESERVED | {attributes[child] for child in children}
    wishes = [(name, names.snake(word, fallback="action")) for name, word in inside.items()]
    methods = names.assign(wishes, reserved)
    return Place(
        path=path,
        module=module,
        cls=f"{cls}Actions",
        attribute=attributes[path],
        methods=methods,
        children=children,
    )


def homes(paths: Mapping[str, Path]) -> dict[str, Home]:
    """Action id → the command module of its first word, and its name there."""
    firsts = {path[0] for path in paths.values()}
    modules = names.assign((word, names.snake(word, fallback="group")) for word in firsts)
    found: dict[str, Home] = {}
    for word in firsts:
        inside = {name: path for name, path in paths.items() if path[0] == word}
        wishes = ((i, names.snake("_".join(p[1:] or p)).upper()) for i, p in inside.items())
        given = names.assign(wishes, names.CONSTANT_RESERVED)
        found |= {name: Home(word, modules[word], given[name]) for name in inside}
    return found


def stems(paths: Mapping[str, Path]) -> dict[str, str]:
    """Action id → the name of its files, distinct whatever the file system thinks of case."""
    return names.assign((name, names.snake("_".join(path))) for name, path in paths.items())
