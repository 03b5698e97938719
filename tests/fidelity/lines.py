"""Command lines and what the program makes of them, up to the moment of sending."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.cli import action_command
from callsheet.cli.context import Context
from callsheet.cli.input.request import judge, request
from callsheet.cli.output.errors import from_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.config.bindings import Bindings
    from callsheet.errors import CallsheetError
    from callsheet.spec import Action, Param


class Line(NamedTuple):
    """The body that a command line makes, and the error that keeps it from leaving."""

    body: Any
    error: CallsheetError | None = None


def flags_of(action: Action) -> list[Param]:
    """The parameters that have a flag."""
    return [one for one in action.params if one.flag and not one.hidden]


def read(bindings: Bindings, action: Action, words: Sequence[str]) -> Line:
    """Parse, build and judge, as the program does before it sends."""
    context = Context(bindings, words, os.environ)
    body: Any = None
    try:
        command = action_command.command(action)
        assert isinstance(command, action_command.ActionCommand)
        ctx = command.make_context("x", list(words), obj=context)
        context.flags.take(ctx.params)
        context.settle()
        made = request(context, action, command.typed(ctx))
        body = json.loads(made.body.encoded())
        judge(context, made)
    except Exception as error:  # click's and ours; the program tells both the same way
        return Line(body, from_any(error))
    return Line(body)
