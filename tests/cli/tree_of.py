"""The tree of commands as paths of words, and which of them promise a document."""

from __future__ import annotations

import importlib
import itertools
from typing import TYPE_CHECKING

from callsheet.cli.builtin import BuiltinGroup
from callsheet.cli.callsheet import SUBCOMMANDS
from callsheet.cli.help.pages import OWN
from callsheet.cli.input import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from callsheet.cli.builtin import BuiltinCommand

Path = tuple[str, ...]

# What a command prints with one of these is something else than its result.
OTHER = frozenset({"--help", "-h", "--skeleton", "--format", "--command", "--dry-run=curl"})
_VALUES = {f"--{name}" for name, meta, _ in options.GLOBAL_FLAGS if meta}


def own(prog: str = "ads") -> dict[Path, BuiltinCommand]:
    """The program's own commands."""
    commands: dict[Path, BuiltinCommand] = {}
    for name, (place, _) in OWN.items():
        module, _, attribute = place.partition(":")
        word = getattr(importlib.import_module(module), attribute)
        if isinstance(word, BuiltinGroup):
            commands |= {(prog, name, sub): c for sub, c in word.commands.items()}  # type: ignore[misc]  # its members are ours
        else:
            commands[prog, name] = word
    return commands


def writers() -> set[Path]:
    """The commands of the program that writes programs."""
    return {("callsheet", word) for word in SUBCOMMANDS}


def path_of(words: Sequence[str], actions: Iterable[Path]) -> Path:
    """The command of a command line that may begin with variables and with flags of ours."""
    rest = [word for word in words if word != "$"]
    while rest and "=" in rest[0]:
        del rest[0]
    while len(rest) > 1 and rest[1].startswith("-"):
        del rest[1 : 3 if rest[1] in _VALUES else 2]
    known = {*own(), *writers(), *actions}
    return next((tuple(rest[:n]) for n in (4, 3, 2) if tuple(rest[:n]) in known), tuple(rest[:2]))


def gives_document(
    words: Sequence[str], environ: Mapping[str, str], actions: Iterable[Path]
) -> bool:
    """Whether standard output is to be one JSON document where nobody reads it."""
    if OTHER & set(words) or "ADS_FORMAT" in environ or ("--out", "-") in itertools.pairwise(words):
        return False
    if "--json" in words:
        return True
    path = path_of(words, actions)
    word = own().get(path)
    return word.emits_json if word is not None else path in set(actions)
