"""Print help and write the stored pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import click

from callsheet.actions.naming import summary_line
from callsheet.cli import builtin_table, global_flags
from callsheet.cli.output import formats as output
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from callsheet.cli.context import Context
    from callsheet.spec import Action


class Helpful(click.Command, ABC):
    """A command that describes what it takes."""

    @abstractmethod
    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return what ``--help --json`` prints."""

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """Return ``--help``, which looks at nothing but the command line."""
        return click.Option(
            self.get_help_option_names(ctx),
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_on_help,
        )


def _on_help(ctx: click.Context, option: click.Parameter, requested: bool) -> None:
    if requested and not ctx.resilient_parsing:
        show(ctx)
        ctx.exit()


def show(ctx: click.Context) -> None:
    """Print the help of a context's command."""
    context: Context | None = ctx.obj
    command = ctx.command
    if context is not None and "--json" in context.argv and isinstance(command, Helpful):
        output.write_json(command.help_document(ctx))
    else:
        output.write(ctx.get_help().rstrip("\n") + "\n")


_LONGEST_NAME = 200
"""Longer names are no file names everywhere; such a page is made when it is asked for."""
_LONGEST_LIST = 64
_LONGEST_DOC = 80


def file_name(path: Iterable[str], kind: str = "txt") -> str:
    """Return the name of the file about a command path: its words joined by dots."""
    return f"{'.'.join(path) or '_'}.{kind}"


def entries(actions: Iterable[Action], path: tuple[str, ...]) -> dict[str, str]:
    """Return the words that may follow ``path``, each with a summary; a group lists its words."""
    summaries: dict[str, str] = {}
    groups: dict[str, list[str]] = {}
    for action in actions:
        command = action.command
        if len(command) <= len(path) or command[: len(path)] != path:
            continue
        word = command[len(path)]
        if len(command) == len(path) + 1:
            summaries[word] = summary_line(action)
        else:
            groups.setdefault(word, []).append(command[len(path) + 1])
    for word, names in groups.items():
        summaries.setdefault(word, _listing(list(dict.fromkeys(names))))
    return dict(sorted(summaries.items()))


def _listing(names: list[str]) -> str:
    """List the words of a group, as many as fit on a line."""
    for count in range(len(names), 0, -1):
        more = f", … ({len(names)} in all)" if count < len(names) else ""
        line = ", ".join(names[:count]) + more
        if len(line) <= _LONGEST_LIST:
            return line
    return f"{len(names)} commands"


def root_page(prog: str, groups: Mapping[str, str]) -> str:
    """Lay out the page of the program itself."""
    from callsheet.cli.help import layout

    served = layout.table(
        "Actions of the server", [(name, layout.one_line(text)) for name, text in groups.items()]
    )
    own = layout.table("Commands", [(name, text) for name, (_, text) in builtin_table.OWN.items()])
    ours = layout.table("Flags, before a command or after it", layout.own_rows())
    head = f"Usage: {prog} [FLAGS] COMMAND [OPTIONS]"
    more = f"{prog} COMMAND --help says more. What else the server offers: {prog} actions list"
    return "\n\n".join([head, *([served] if groups else []), own, ours, more]) + "\n"


def flag_rows(action: Action) -> str:
    """Return what completes the flags of an action: a line ``--flag<TAB>description`` for each."""
    from callsheet.cli.help import layout
    from callsheet.cli.input import options

    rows: dict[str, str] = {}
    for param, form in options.forms(action):
        for flag, _ in (pair for pair in form if pair[1] != "file"):
            rows.setdefault(flag, param.doc)
    some = options.some_rows(action)
    for name, _, doc in (*global_flags.ACTION, *some, *global_flags.ANYWHERE):
        rows.setdefault(name, doc)
    flag, doc = layout.HELP
    pairs = [*((f"--{name}", doc) for name, doc in rows.items()), (flag, doc)]
    return "".join(f"{name}\t{one_line(doc, _LONGEST_DOC)}\n" for name, doc in pairs)


def page_paths(commands: Iterable[tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Map the name of every stored file to its command path: pages, and flags of the commands."""
    commands = list(commands)
    paths = {path[:depth] for path in commands for depth in range(1, len(path) + 1)} | {()}
    named = {file_name(path): path for path in paths}
    named |= {file_name(path, "flags"): path for path in commands}
    return {name: named[name] for name in sorted(named) if len(name) <= _LONGEST_NAME}


def pages(
    prog: str,
    actions: Iterable[Action],
    resolved: Mapping[tuple[str, ...], Action] | None = None,
    wanted: Container[str] | None = None,
) -> dict[str, str]:
    """Make the stored files of a generated program: file name → text, in the order of the names.

    ``wanted`` names the files to make (all of them otherwise). For those of actions ``resolved``
    holds what was read of them, by their commands; ``actions`` may then be without parameters.
    """
    from callsheet.cli.help import layout

    commands = [action for action in actions if action.command]
    by_command = {action.command: action for action in commands} | dict(resolved or {})
    texts: dict[str, str] = {}
    for name, path in page_paths(action.command for action in commands).items():
        if wanted is not None and name not in wanted:
            continue
        if name.endswith(".flags"):
            texts[name] = flag_rows(by_command[path])
        elif path in by_command:
            texts[name] = layout.action_help(by_command[path], prog)
        elif path:
            texts[name] = layout.group_help((prog, *path), list(entries(commands, path).items()))
        else:
            texts[name] = root_page(prog, entries(commands, ()))
    return texts
