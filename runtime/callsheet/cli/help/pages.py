"""The stored help: every page of a program, by the name of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.cli import words
from callsheet.cli.help import layout as helptext
from callsheet.cli.help.facts import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet.spec import Action


_LONGEST_NAME = 200
"""Longer names are no file names everywhere; such a page is made when it is asked for."""


_LONGEST_LIST = 64


def file_name(path: Iterable[str]) -> str:
    """The file that holds the page of a command path: its words joined by dots."""
    return (".".join(path) or "_") + ".txt"


def summary_of(action: Action) -> str:
    """The line that a group's page shows for an action."""
    return one_line(action.summary or action.doc).split(". ")[0] or action.id


def entries(actions: Iterable[Action], path: tuple[str, ...]) -> dict[str, str]:
    """The words that follow ``path`` and a summary for each; a group lists what it holds."""
    found: dict[str, str] = {}
    inside: dict[str, list[str]] = {}
    for action in actions:
        command = action.command
        if len(command) <= len(path) or command[: len(path)] != path:
            continue
        word = command[len(path)]
        if len(command) == len(path) + 1:
            found[word] = summary_of(action)
        else:
            inside.setdefault(word, []).append(command[len(path) + 1])
    for word, names in inside.items():
        found.setdefault(word, _listing(list(dict.fromkeys(names))))
    return dict(sorted(found.items()))


def _listing(names: list[str]) -> str:
    """The words of a group, as many as fit on a line."""
    for count in range(len(names), 0, -1):
        more = f", … ({len(names)} in all)" if count < len(names) else ""
        line = ", ".join(names[:count]) + more
        if len(line) <= _LONGEST_LIST:
            return line
    return f"{len(names)} commands"


def root_page(prog: str, groups: Mapping[str, str]) -> str:
    """The page of the program itself."""
    served = helptext.table("Actions of the server", [(n, one_line(s)) for n, s in groups.items()])
    own = helptext.table("Commands", [(name, text) for name, (_, text) in words.OWN.items()])
    ours = helptext.table("Flags, before a command or after it", helptext.own_rows())
    head = f"Usage: {prog} [FLAGS] COMMAND [OPTIONS]"
    more = f"{prog} COMMAND --help says more. What else the server offers: {prog} actions list"
    return "\n\n".join([head, *([served] if groups else []), own, ours, more]) + "\n"


def pages(prog: str, actions: Iterable[Action]) -> dict[str, str]:
    """Every page of a generated program: file name → text, in the order of the names."""
    shown = [action for action in actions if action.command]
    made = {file_name(()): root_page(prog, entries(shown, ()))}
    for action in shown:
        made[file_name(action.command)] = helptext.action_help(action, prog)
        for depth in range(1, len(action.command)):
            path = action.command[:depth]
            page = helptext.group_help((prog, *path), list(entries(shown, path).items()))
            made.setdefault(file_name(path), page)
    return {name: made[name] for name in sorted(made) if len(name) <= _LONGEST_NAME}
