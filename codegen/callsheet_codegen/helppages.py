"""The stored help and the first words of the program, made by the runtime's own builder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.cli.help.pages import entries, pages
from callsheet_codegen.ir import DataFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.spec import Action


def help_files(
    command: str, actions: tuple[Action, ...]
) -> tuple[tuple[DataFile, ...], Mapping[str, str]]:
    """Every stored page, and each first word with its summary."""
    made = pages(command, actions)
    files = tuple(DataFile(path=f"help/{name}", text=text) for name, text in made.items())
    return files, entries([action for action in actions if action.command], ())
