"""Build the command tree word by word, as it is walked."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli import action_command, builtin_table, global_flags
from callsheet.cli.help.pages import Helpful, show
from callsheet.cli.resolver import Lookup
from callsheet.errors import UsageError
from callsheet.text import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from callsheet.cli.context import Context
    from callsheet.cli.help.document import Entry


_HELP = {"help_option_names": ["--help", "-h"]}


class Node(Helpful, click.Group):
    """A group of the server: the words below ``path``."""

    def __init__(self, lookup: Lookup, path: tuple[str, ...] = ()) -> None:
        super().__init__(
            name=path[-1] if path else None,
            params=list(global_flags.options([*global_flags.ACTION[:1], *global_flags.ANYWHERE])),
            context_settings=_HELP,
            invoke_without_command=True,
        )
        self.lookup, self.path = lookup, path

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the words that may follow."""
        return list(self.words())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command or group of one word, without asking the server."""
        path = (*self.path, cmd_name)
        action = self.lookup.find(path)
        if action is not None:
            note = f"Not in the bindings yet: {ctx.find_root().info_name} runs it from the cached "
            note += "schema, and `callsheet generate` adds types."
            return action_command.command(action, note=note if self.lookup.is_new(action) else "")
        return Node(self.lookup, path) if self.lookup.is_group(path) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does, but ask the server once before a word counts as unknown."""
        word = args[0]
        if ctx.resilient_parsing:
            return word, self.get_command(ctx, word), args[1:]
        for _ in self.lookup.widen():
            command = self.get_command(ctx, word)
            if command is not None:
                return word, command, args[1:]
        raise self._unknown(ctx, args)

    def _unknown(self, ctx: click.Context, args: list[str]) -> UsageError:
        word = args[0]
        prog = " ".join([ctx.find_root().info_name or "", *self.path])
        if word == "help":
            words = " ".join([prog, *(arg for arg in args[1:] if arg.replace("-", "").isalnum())])
            return UsageError(f"there is no command `{prog} help`", hint=f"{words} --help")
        if word.startswith("-"):
            return UsageError(f"there is no flag {word} here", hint=f"{prog} --help", flag=word)
        if not self.lookup.context.settings.host and not self.lookup.bound.package:
            self.lookup.context.settings.require_host()
        hint = did_you_mean(word, self.list_commands(ctx)) or f"{prog} --help lists the commands"
        if self.lookup.trouble:
            hint += f" (the server could not be asked: {self.lookup.trouble})"
        return UsageError(f"there is no command `{prog} {word}`", hint=hint)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a flag or word, without building a command for any of them."""
        from callsheet.cli.completion import matching

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return matching(self.words().items(), incomplete)

    def words(self) -> dict[str, str]:
        """Return the words that may follow, each with its summary."""
        return self.lookup.below(self.path)

    def invoke(self, ctx: click.Context) -> Any:
        """Take our flags, then go on; print the help where no word follows."""
        context: Context = ctx.obj
        context.flags.take(ctx.params)
        if not (ctx.args or ctx._protected_args):
            show(ctx)
            return 0
        return super().invoke(ctx)

    def get_help(self, ctx: click.Context) -> str:
        """Return the help page of the group."""
        prog = ctx.find_root().info_name or ""
        entries = list(self.lookup.below(self.path).items())
        from callsheet.cli.help import layout as helptext

        return helptext.group_help((prog, *self.path), entries).rstrip("\n")

    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return the help as data."""
        prog = ctx.find_root().info_name or ""
        from callsheet.cli.help import document

        return document.of_group((prog, *self.path), self._entries())

    def _entries(self) -> list[Entry]:
        from callsheet.cli.help.document import Entry

        return [
            Entry(word, text, getattr(self.lookup.find((*self.path, word)), "id", None))
            for word, text in self.lookup.below(self.path).items()
        ]


class Root(Node):
    """The program: our own commands beside the groups of the server."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a built-in command, else what the server offers under this word."""
        if cmd_name in builtin_table.OWN:
            module, _, name = builtin_table.OWN[cmd_name][0].partition(":")
            builtin: click.Command = getattr(importlib.import_module(module), name)
            return builtin
        if not ctx.resilient_parsing:
            self.lookup.prepare()
        return super().get_command(ctx, cmd_name)

    def words(self) -> dict[str, str]:
        """Return all first words, each with its summary."""
        return super().words() | {name: text for name, (_, text) in builtin_table.OWN.items()}

    def get_help(self, ctx: click.Context) -> str:
        """Return the help page of the program."""
        from callsheet.cli.help import pages

        return pages.root_page(ctx.info_name or "", self.lookup.below(())).rstrip("\n")

    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return the help as data."""
        from callsheet.cli.help import document

        return document.of_program(ctx.info_name or "", self._entries())


def root(context: Context) -> Root:
    """Return the program of a run."""
    return Root(Lookup(context))
