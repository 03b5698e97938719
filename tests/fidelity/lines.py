"""Command lines and what the program makes of them, up to the moment of sending."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.cli import tree
from callsheet.cli.context import Context
from callsheet.cli.input.prepare import check_body
from callsheet.cli.input.request import build_request
from callsheet.cli.main import from_any

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
    """Return the parameters that have a flag."""
    return [param for param in action.params if param.flag and not param.hidden]


def read(bindings: Bindings, action: Action, words: Sequence[str]) -> Line:
    """Parse, build and judge, as the program does before it sends."""
    context = Context(bindings, words, os.environ)
    body: Any = None
    try:
        command = tree.ActionCommand(action)
        assert isinstance(command, tree.ActionCommand)
        ctx = command.make_context("x", list(words), obj=context)
        context.flags.take(ctx.params)
        context.settle()
        prepared = build_request(context, action, command.typed(ctx))
        body = json.loads(prepared.body.encoded())
        check_body(context, prepared)
    except Exception as error:  # click's and ours; the program tells both the same way
        return Line(body, from_any(error))
    return Line(body)
