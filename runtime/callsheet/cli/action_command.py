"""Build the click command of an action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.cli.help.pages import Helpful
from callsheet.cli.input import options
from callsheet.errors import UsageError
from callsheet.text import one_line

if TYPE_CHECKING:
    import click

    from callsheet.cli import global_flags
    from callsheet.cli.context import Context
    from callsheet.cli.input.options import Typed
    from callsheet.spec import Action


class ActionCommand(Helpful):
    """The command of one action; it collects what was typed and hands it to ``run_action``."""

    def __init__(self, action: Action, note: str = "") -> None:
        super().__init__(
            name=action.command[-1] if action.command else action.id,
            params=options.of(action),
            short_help=one_line(action.summary),
            context_settings={"help_option_names": ["--help", "-h"]},
        )
        self.action, self.note = action, note
        self.asks_about = action.family if action.role == "query" else None
        self.more: tuple[global_flags.Row, ...] = ()
        self.words: list[str] = []

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words, in case the flags turn out to name another host."""
        self.words = list(args)
        declared = [param for param in self.params if isinstance(param, options.FieldOption)]
        self.params += options.undeclared(args, declared)
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """Return the text that is stored for a generated action."""
        prog = ctx.find_root().info_name or ""
        from callsheet.cli.help.layout import action_help

        return action_help(self.action, prog, self.note, self.more).rstrip("\n")

    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return the help as data."""
        from callsheet.cli.help import document

        prog = ctx.find_root().info_name or ""
        return document.of_action(self.action, prog, self.note, self.more)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the action with the fields in the order in which they were typed."""
        context: Context = ctx.obj
        context.flags.take(ctx.params)
        if context.settle() and (other := self.elsewhere(context)) is not None:
            words = list(self.words)
            with other.make_context(ctx.info_name, words, parent=ctx.parent, obj=context) as inner:
                return other.invoke(inner)
        try:
            return self.perform(context, ctx)
        except UsageError as error:
            line = " ".join([context.prog, *self.action.command])
            error.hint = error.hint or f"{line} --help"
            raise

    def perform(self, context: Context, ctx: click.Context) -> int:
        """Run the action; return the exit code."""
        from callsheet.cli.run import run_action

        return run_action(self.action, ctx, self.typed(ctx))

    def elsewhere(self, context: Context) -> ActionCommand | None:
        """Return the command of the same words on the host that the flags name, if different."""
        from callsheet.cli.resolver import Lookup

        lookup = Lookup(context)
        lookup.prepare()
        action = lookup.find(self.action.command)
        return None if action is None or action == self.action else ActionCommand(action)

    def typed(self, ctx: click.Context) -> list[Typed]:
        """Return the fields that were typed, in the order of the command line."""
        by_name = {p.name: p for p in self.params if isinstance(p, options.FieldOption)}
        unset: tuple[Any, ...] = (None, (), False)
        return [
            (by_name[name], typed)
            for name, typed in ctx.params.items()
            if name in by_name and not any(typed is none or typed == none for none in unset)
        ]


def command(action: Action, note: str = "") -> click.Command:
    """Return the click command of ``action``; its body is ``callsheet.cli.run.run_action``.

    ``note`` ends the help, where there is something to say about the command itself.
    """
    return ActionCommand(action, note)


def help_text(action: Action, prog: str) -> str:
    """Return the help of ``action`` as stored at generation; ``prog`` is the program's name."""
    from callsheet.cli.help.layout import action_help

    return action_help(action, prog)
