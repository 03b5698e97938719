"""Print help and write the stored pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import click

from callsheet.actions.naming import summary_of
from callsheet.cli import builtin_table
from callsheet.cli.output import formats as output

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from callsheet.cli.session import Session
    from callsheet.spec import Action


class Helpful(click.Command, ABC):
    """A command that says of itself what it takes."""

    @abstractmethod
    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """What ``--help --json`` prints."""

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """``--help``, which looks at nothing but the command line."""
        return click.Option(
            self.get_help_option_names(ctx),
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_asked,
        )


def _asked(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        show(ctx)
        ctx.exit()


def show(ctx: click.Context) -> None:
    """Print the help of a context's command."""
    session: Session | None = ctx.obj
    command = ctx.command
    if session is not None and "--json" in session.argv and isinstance(command, Helpful):
        output.write_json(command.help_document(ctx))
    else:
        output.write(ctx.get_help().rstrip("\n") + "\n")


_LONGEST_NAME = 200
"""Longer names are no file names everywhere; such a page is made when it is asked for."""


_LONGEST_LIST = 64


def file_name(path: Iterable[str]) -> str:
    """The file that holds the page of a command path: its words joined by dots."""
    return (".".join(path) or "_") + ".txt"


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
    from callsheet.cli.help import layout as helptext
    from callsheet.cli.help.layout import one_line

    served = helptext.table("Actions of the server", [(n, one_line(s)) for n, s in groups.items()])
    own = helptext.table(
        "Commands", [(name, text) for name, (_, text) in builtin_table.OWN.items()]
    )
    ours = helptext.table("Flags, before a command or after it", helptext.own_rows())
    head = f"Usage: {prog} [FLAGS] COMMAND [OPTIONS]"
    more = f"{prog} COMMAND --help says more. What else the server offers: {prog} actions list"
    return "\n\n".join([head, *([served] if groups else []), own, ours, more]) + "\n"


def page_paths(commands: Iterable[tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Every page of a program with these commands: file name → the words that it is about."""
    paths = {path[:depth] for path in commands for depth in range(1, len(path) + 1)} | {()}
    named = {file_name(path): path for path in paths}
    return {name: named[name] for name in sorted(named) if len(name) <= _LONGEST_NAME}


def pages(
    prog: str,
    actions: Iterable[Action],
    whole: Mapping[tuple[str, ...], Action] | None = None,
    wanted: Container[str] | None = None,
) -> dict[str, str]:
    """Every page of a generated program: file name → text, in the order of the names.

    ``wanted`` names the pages to make (all of them otherwise). For those of actions ``whole``
    holds what was read of them, by their commands; ``actions`` may then be without parameters.
    """
    from callsheet.cli.help import layout as helptext

    shown = [action for action in actions if action.command]
    known = {action.command: action for action in shown} | dict(whole or {})
    made: dict[str, str] = {}
    for name, path in page_paths(action.command for action in shown).items():
        if wanted is not None and name not in wanted:
            continue
        if path in known:
            made[name] = helptext.action_help(known[path], prog)
        elif path:
            made[name] = helptext.group_help((prog, *path), list(entries(shown, path).items()))
        else:
            made[name] = root_page(prog, entries(shown, ()))
    return made
