"""The stored help and the first words of the program, made by the runtime's own builder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.cli.help.pages import entries, pages
from callsheet_codegen.code import literal
from callsheet_codegen.ir import DataFile, Word

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from callsheet.spec import Action


def help_files(
    command: str,
    faces: Sequence[Action],
    actions: Mapping[str, Action],
    wanted: Container[str] | None = None,
) -> tuple[DataFile, ...]:
    """The stored pages that are wanted (all, where that is not said).

    ``faces`` are all actions, without parameters; ``actions`` those that were read, by id.
    """
    whole = {one.command: one for one in actions.values() if one.command}
    made = pages(command, faces, whole, wanted)
    return tuple(DataFile(path=f"help/{name}", text=text) for name, text in made.items())


def words_of(faces: Sequence[Action]) -> tuple[Word, ...]:
    """The first words of all commands, with the line that the help has for each."""
    found = entries([action for action in faces if action.command], ())
    return tuple(Word(word=literal(word), summary=literal(text)) for word, text in found.items())
