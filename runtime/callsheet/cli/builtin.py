"""Provide what built-in commands have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.help import pages
from callsheet.cli.help.pages import HELP, Helpful, HelpfulGroup
from callsheet.cli.input import options
from callsheet.cli.output import formats as output
from callsheet.errors import UsageError
from callsheet.text import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from click.shell_completion import CompletionItem

    from callsheet.cli.context import Context


JSON = options.ACTION_FLAGS[0]
OUT = options.ACTION_FLAGS[1]
TIMEOUT = options.JOB_FLAGS[0]


class BuiltinCommand(Helpful):
    """A built-in command; its function gets the context and its own parameters.

    ``emits_json`` says whether its result is a JSON document when it is piped.
    ``explained`` names those of the flags for every command that its help explains.
    """

    def __init__(
        self,
        name: str,
        run: Callable[..., Any],
        *,
        params: Sequence[click.Parameter] = (),
        ours: Iterable[options.Row] = (),
        explained: Iterable[str] = (),
        emits_json: bool = True,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        rows = (JSON, *ours)
        own = {name for param in params for name in param.opts}
        anywhere = [row for row in options.GLOBAL_FLAGS if f"--{row[0]}" not in own]
        hidden = [options.own_option(row, hidden=row[0] not in explained) for row in anywhere]
        super().__init__(
            name=name,
            params=[*params, *options.own_options(rows), *hidden],
            help=run.__doc__,
            context_settings={**HELP, **(settings or {})},
        )
        self.run, self.emits_json = run, emits_json

    def page(self, ctx: click.Context, width: int) -> str:
        """Lay out the usage, what it does, and its flags."""
        usage = [p.make_metavar(ctx) for p in self.params if isinstance(p, click.Argument)]
        rows = [
            (", ".join(p.opts) + (f" {p.metavar}" if p.metavar else ""), p.help or "")
            for p in self.params
            if isinstance(p, click.Option) and not p.hidden
        ]
        from callsheet.cli.help import layout

        return layout.builtin_help(
            ctx.command_path,
            usage,
            _dedented(self.help),
            rows,
            ctx.find_root().info_name or "",
            width=width,
        )

    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return the help as data."""
        return pages.describe_builtin(self, ctx.command_path)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; set whether an error is printed as JSON from here on."""
        ctx.obj.console.emits_json = self.emits_json
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete as click does; offer a flag for every command once a letter of it is typed."""
        from callsheet.cli.completion import matching

        matches = super().shell_complete(ctx, incomplete)
        if len(incomplete) > len("--"):
            hidden = (p for p in self.params if isinstance(p, click.Option) and p.hidden)
            matches += matching(((p.opts[0], p.help or "") for p in hidden), incomplete)
        return matches

    def invoke(self, ctx: click.Context) -> Any:
        """Take our flags and run; raise ``UsageError`` for a format that cannot be used."""
        context: Context = ctx.obj
        context.flags.take(ctx.params)
        context.settle()
        output.check(context.console)
        return self.run(context, **ctx.params)


class BuiltinGroup(HelpfulGroup):
    """Several built-in commands under one word."""

    def __init__(self, name: str, doc: str, members: Sequence[BuiltinCommand]) -> None:
        super().__init__(name, help=doc, commands=list(members))

    def page(self, ctx: click.Context, width: int) -> str:
        """Lay out the commands and what each does."""
        rows = [(name, _dedented(c.help).split("\n")[0]) for name, c in self.commands.items()]
        from callsheet.cli.help import layout

        return layout.group_help(ctx.command_path.split(" "), rows, width=width)

    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return the help as data."""
        rows = [
            pages.Entry(name, _dedented(c.help).split("\n")[0]) for name, c in self.commands.items()
        ]
        return pages.describe_group([ctx.command_path], rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does; raise ``UsageError`` with the nearest word for an unknown one."""
        command = self.get_command(ctx, args[0])
        if command is None:
            raise UsageError(
                f"there is no command `{ctx.command_path} {args[0]}`",
                hint=did_you_mean(args[0], self.commands) or f"{ctx.command_path} --help",
            )
        return args[0], command, args[1:]


def _dedented(text: str | None) -> str:
    import inspect

    return inspect.cleandoc(text or "")


def format_count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 action``, ``2 families``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
