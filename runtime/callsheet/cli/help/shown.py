"""``--help`` of every command: the page, or with ``--json`` the same as data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.output import formats as output

if TYPE_CHECKING:
    from callsheet.cli.session import Session


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
