"""Call any action by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from callsheet.cli import global_flags
from callsheet.cli.action_command import ActionCommand
from callsheet.cli.builtin import TIMEOUT, BuiltinCommand
from callsheet.cli.completion import completions, ids
from callsheet.cli.context import hints_in
from callsheet.cli.input import body as bodies
from callsheet.cli.input import prompts
from callsheet.cli.input.request import (
    CommandRequest,
    apply_timeout,
    parse_duration,
    takes_timeout,
)
from callsheet.cli.output import formats as output
from callsheet.cli.run import (
    check_and_send,
    conclude,
    follow,
    note_stored,
    print_list,
    wants_list,
)
from callsheet.engine.jobs import started_job
from callsheet.errors import TaskFailed
from callsheet.flows.invoke import deadline_of
from callsheet.spec import TIMEOUT_FIELD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

    from callsheet.cli.context import Context
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.spec import Action


_WAIT: global_flags.Row = ("wait", "", "Wait for the job that the action starts")
_LATER = (_WAIT, TIMEOUT)


class CallCommand(ActionCommand):
    """The flags of one member of a family, as the server advertises it."""

    def __init__(self, action: Action) -> None:
        own = tuple(
            p for p in action.params if p.only in {"", action.role} and p.path != (TIMEOUT_FIELD,)
        )
        plain = action._replace(params=own, family=None, command=("call", action.id))
        super().__init__(plain)
        self.params = [p for p in self.params if p.name != global_flags.key(TIMEOUT[0])]
        in_use = {name.lstrip("-") for p in self.params for name in p.opts}
        self.more = tuple(row for row in _LATER if row[0] not in in_use)
        self.params += global_flags.options(self.more)
        self.sent = action

    def perform(self, context: Context, ctx: click.Context) -> int:
        """Make the one POST."""
        if "skeleton" in context.flags:
            from callsheet.cli import dry_run

            dry_run.skeleton(context, self.sent)
            return 0
        body = bodies.build(self.typed(ctx), context.flags.get("input"))
        request = _request(context, self.action, self.sent, body)
        return run_call(context, prompts.ask_missing(context, request))

    def elsewhere(self, context: Context) -> ActionCommand | None:
        """Return the command on the host that the flags name, if different."""
        action = context.run(context.host.find(self.sent.id))
        return None if action == self.sent else CallCommand(action)


def _request(
    context: Context, command: Action, action: Action, body: bodies.Body
) -> CommandRequest:
    """Build the one POST; ``--timeout`` is for the server where its schema has it, else ours."""
    timeout = context.flags.get("timeout")
    if timeout is None:
        return CommandRequest(command, action, body, deadline_of(action, body.value))
    limit = parse_duration(timeout)
    if takes_timeout(action, action.role):
        body, _ = apply_timeout(action, body, limit, typed=True)
    return CommandRequest(command, action, body, limit / 1000)


def run_call(context: Context, request: CommandRequest) -> int:
    """Check, send once, and wait only with ``--wait``; return the exit code."""
    output.check(context.console)
    if wants_list(context):
        return print_list(context, request)
    outcome = check_and_send(context, request)
    if outcome is None:
        return 0
    answer: ParsedReply = outcome.reply
    job: Job | None = None
    if "wait" in context.flags:
        answer, job = follow(context, request, outcome)
    else:
        job = context.run(started_job(context.engine, outcome))
    if answer.fields.state == "failed":
        output.emit(context.console, answer.json)
        words = answer.fields.message or answer.fields.raw_state
        context.console.warn(f"{context.prog}: {request.action.id} failed on the server: {words}")
        return TaskFailed.exit_code
    is_over = answer.fields.state == "done" and "wait" in context.flags
    if context.flags.get("out") or is_over:
        conclude(context, request.action, answer, job)
    else:
        output.emit(context.console, answer.json)
        note_stored(context, answer)
    return 0


def _call(context: Context, action_id: str, rest: tuple[str, ...]) -> Any:
    """Send one request to any action; its fields are flags after the id.

    It waits for a job only with --wait.
    """
    if not context.settings.host:
        context.hint(hints_in(context.argv))
    action = context.run(context.host.find(action_id))
    return _run(context, action, rest, click.get_current_context())


def _run(context: Context, action: Action, rest: Sequence[str], parent: click.Context) -> Any:
    inner = CallCommand(action)
    with inner.make_context(action.id, list(rest), parent=parent, obj=context) as below:
        return inner.invoke(below)


class _Call(BuiltinCommand):
    """The ``call`` command; after an id its flags are those of the action."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the flags of the action that is named, from the cache or the bindings."""
        return _inner(ctx, incomplete) or super().shell_complete(ctx, incomplete)


def _values(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    return _inner(ctx, prefix)


def _inner(ctx: click.Context, prefix: str) -> list[CompletionItem]:
    """Complete what may follow the words after the id."""
    context: Context = ctx.obj
    action = find_offline(context, str(ctx.params.get("action_id") or ""))
    if action is None:
        return []
    words = list(ctx.params.get("rest") or ())
    return completions(CallCommand(action), context, words, prefix)


def find_offline(context: Context, action_id: str) -> Action | None:
    """Return the action with this id from the cache or the bindings, without a request."""
    catalogue = context.host.cached()
    if catalogue is not None:
        return context.host.surface(catalogue).by_id.get(action_id)
    from callsheet.cli.offer import bound_actions

    generated = bound_actions(context.bindings)
    return next((action for action in generated if action.id == action_id), None)


call = _Call(
    "call",
    _call,
    params=[
        click.Argument(["action_id"], metavar="ID", shell_complete=ids),
        click.Argument(
            ["rest"], metavar="[FLAGS]...", nargs=-1, type=click.UNPROCESSED, shell_complete=_values
        ),
    ],
    ours=(*global_flags.ACTION[1:], *_LATER),
    settings={"allow_interspersed_args": False, "ignore_unknown_options": True},
)
