"""Start a job of the ledger again, as it was or with other flags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli import completion, run, saving
from callsheet.cli.builtin import OUT, TIMEOUT, BuiltinCommand
from callsheet.cli.commands.call import find_offline
from callsheet.cli.input import options
from callsheet.cli.input.prepare import check_body, check_files
from callsheet.cli.input.request import Body, CommandRequest, build_request
from callsheet.cli.output import formats as output
from callsheet.cli.tree import ActionCommand
from callsheet.engine.recovery import Recovery
from callsheet.errors import CallsheetError, UsageError
from callsheet.flows.invoke import deadline_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

    from callsheet.cli.context import Context
    from callsheet.spec import Action
    from callsheet.storage.ledger_entry import LedgerEntry


_YES = ("yes", "", "Do not ask")
_NO_WAIT = ("no-wait", "", "Print the task id, do not wait")
_CHANGES = ("input", "blocking")
"""Flags of ours that make another request, as each field of the action does."""


def stored_body(row: LedgerEntry, name: str) -> str:
    """Return the stored body as JSON; raise ``UsageError`` where only its digest was stored."""
    if row.body is None:
        digest = (row.body_digest or "")[:16]
        raise UsageError(f"the body of {name} is not in the ledger (its digest: {digest})")
    return row.body


class RerunCommand(ActionCommand):
    """The flags of an action, whose fields are those of an earlier job until they are typed."""

    def __init__(self, action: Action, name: str) -> None:
        super().__init__(action)
        taken = {text.lstrip("-") for param in self.params for text in param.opts}
        self.more = tuple(row for row in (_YES,) if row[0] not in taken)
        self.params += options.own_options(self.more)
        self.job_name = name

    def elsewhere(self, context: Context) -> ActionCommand | None:
        """Return ``None``: a job is started again on its own host, see ``Recovery.row``."""
        return None

    def perform(self, context: Context, ctx: click.Context) -> int:
        """Make the request of the job with what was typed; ask first, unless --yes was given."""
        output.check(context.console)
        row = Recovery(context.engine).row(self.job_name)
        body, typed = stored_body(row, self.job_name), self.typed(ctx)
        is_changed = bool(typed) or not context.flags.keys().isdisjoint(_CHANGES)
        if is_changed:
            if "input" not in context.flags and body.lstrip()[:1] != "{":
                raise UsageError(f"the input of {self.job_name} is not an object: give --input")
            context.flags.setdefault("input", body)
            request = build_request(context, self.action, typed)
        else:
            exact = Body(json.loads(body), body.encode())
            limit = deadline_of(self.action, exact.value)
            request = CommandRequest(self.action, self.action, exact, limit)
        if "dry-run" in context.flags:
            run.check_and_send(context, request)
            return 0
        if is_changed:
            check_files(context, request)
            check_body(context, request)
        saving.check(context, self.action)
        _confirm(context, f"start {self.action.id} again on {row.host}? It may spend credits")
        context.console.note(f"a new request with its own reference; {row.ref[:8]} stays as it is")
        send = run.check_and_send if is_changed else run.send
        outcome = send(context, request)
        return run.finish(context, request, outcome) if outcome is not None else 0


def _confirm(context: Context, question: str) -> None:
    """Ask on a terminal; raises ``UsageError`` where nobody can be asked or the answer is no."""
    if "yes" in context.flags:
        return
    if not context.console.can_ask():
        raise UsageError("it may cost again, and nobody can be asked", hint="add --yes")
    if not click.confirm(f"{context.prog}: {question}", err=True):
        raise UsageError("nothing was sent")


def _rerun(context: Context, name: str, rest: Sequence[str]) -> Any:
    """Start the same job again, or with other flags of its action; ask first unless --yes.

    It is a new request with a reference of its own, which may cost again.
    """
    row = Recovery(context.engine).row(name)
    stored_body(row, name)
    inner = RerunCommand(context.run(context.host.find(row.action)), row.ref)
    parent = click.get_current_context()
    with inner.make_context(name, list(rest), parent=parent, obj=context) as below:
        return inner.invoke(below)


def _complete(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    """Complete the flags of the action of the job that is named; nothing for an unknown one."""
    context: Context = ctx.obj
    try:
        row = context.ledger().resolve(str(ctx.params.get("name")), host=context.settings.host)
    except CallsheetError:
        return []
    action = find_offline(context, row.action) if row is not None else None
    if row is None or action is None:
        return []
    words = list(ctx.params.get("rest") or ())
    return completion.completions(RerunCommand(action, row.ref), context, words, prefix)


class _Rerun(BuiltinCommand):
    """The ``rerun`` command; after a name its flags are those of the action."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the flags of the action; before a name our own."""
        inner = _complete(ctx, self.params[1], incomplete) if ctx.params.get("name") else []
        return inner or super().shell_complete(ctx, incomplete)


rerun = _Rerun(
    "rerun",
    _rerun,
    params=[
        click.Argument(["name"], metavar="TASK", shell_complete=completion.tasks),
        click.Argument(
            ["rest"],
            metavar="[FLAGS]...",
            nargs=-1,
            type=click.UNPROCESSED,
            shell_complete=_complete,
        ),
    ],
    ours=(OUT, options.ACTION_FLAGS[2], options.ACTION_FLAGS[3], TIMEOUT, _YES, _NO_WAIT),
    settings={"allow_interspersed_args": False, "ignore_unknown_options": True},
)
