"""Print the entries of a list that goes over several pages."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from callsheet.cli.output import formats as output
from callsheet.engine.result_list import ResultList
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.cli.context import Context
    from callsheet.cli.input.request import CommandRequest
    from callsheet.engine.invoke import Invocation


def print_entries(
    context: Context,
    request: CommandRequest,
    send: Callable[[Context, CommandRequest], Invocation | None],
) -> int:
    """Print the entries of all pages as one list, or of as many as ``--limit`` asks for.

    Return 1 where the list has more than could be read. Raises ``UsageError``, before anything is
    sent, for an action that may cost money.
    """
    limit = _limit(context)
    if context.flags.get("out"):
        raise UsageError(
            "--out saves one result, and --all prints many", hint="drop --out", flag="--out"
        )
    body = request.body.value if isinstance(request.body.value, dict) else {}
    pages = ResultList(context.engine, request.action, body, limit)
    if "dry-run" not in context.flags:
        context.run(pages.require_free())
    outcome = send(context, request)
    if outcome is None:
        return 0
    entries: list[Any] = context.run(pages.take_first(outcome.reply))
    for number in count(2):
        if pages.is_over:
            break
        context.console.note(f"{len(entries)} entries; asking for page {number}")
        entries += context.run(pages.following())
    output.emit(context.console, entries)
    if pages.missing:
        context.console.warn(f"{context.prog}: {pages.missing}")
    return int(bool(pages.missing))


def _limit(context: Context) -> int | None:
    """Return the number of ``--limit``; raises ``UsageError`` for what is none."""
    text = context.flags.get("limit")
    if text is None:
        return None
    if not text.isdecimal() or not int(text[:9]) > 0:
        raise UsageError(f"--limit: {text!r} is no number of entries", flag="--limit")
    return int(text)
