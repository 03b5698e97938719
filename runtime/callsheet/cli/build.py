"""An action becomes a click command: one builder for generated and for cached actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from callsheet.cli import flags, options
from callsheet.cli.helptext import action_help

if TYPE_CHECKING:
    from callsheet.cli.options import FieldOption
    from callsheet.spec import Action

Typed = tuple["FieldOption", Any]


class ActionCommand(click.Command):
    """The command of one action; it collects what was typed and hands it to ``run_action``."""

    def __init__(self, action: Action) -> None:
        super().__init__(
            name=action.command[-1] if action.command else action.id,
            params=options.of(action),
            short_help=action.summary,
            context_settings={"help_option_names": ["--help", "-h"]},
        )
        self.action = action

    def get_help(self, ctx: click.Context) -> str:
        """The text that is stored for a generated action."""
        return help_text(self.action, ctx.find_root().info_name or "").rstrip("\n")

    def invoke(self, ctx: click.Context) -> Any:
        """Run the action with the fields in the order in which they were typed."""
        from callsheet.cli.run import run_action

        given: flags.Given = ctx.obj.flags
        given.take(ctx.params)
        return run_action(self.action, ctx, self.typed(ctx))

    def typed(self, ctx: click.Context) -> list[Typed]:
        """The fields that were given; click keeps them in the order of the command line."""
        by_name = {p.name: p for p in self.params if isinstance(p, options.FieldOption)}
        unset: tuple[Any, ...] = (None, (), False)
        return [
            (by_name[name], value)
            for name, value in ctx.params.items()
            if name in by_name and not any(value is none or value == none for none in unset)
        ]


def command(action: Action) -> click.Command:
    """The click command of ``action``; its body is ``callsheet.cli.run.run_action``."""
    return ActionCommand(action)


def help_text(action: Action, prog: str) -> str:
    """The help of ``action`` as it is stored at generation; ``prog`` is the program's name."""
    return action_help(action, prog)
