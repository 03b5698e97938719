"""Send one request: to any action by its id, or raw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click

from callsheet.cli import completion
from callsheet.cli.builtin import TIMEOUT, BuiltinCommand
from callsheet.cli.completion import completions, ids
from callsheet.cli.context import hints_in, parse_duration
from callsheet.cli.input import options, prepare
from callsheet.cli.input.request import (
    Body,
    CommandRequest,
    apply_timeout,
    build_body,
    takes_timeout,
)
from callsheet.cli.output import formats as output
from callsheet.cli.run import (
    check_and_send,
    conclude,
    follow,
    note_stored,
    print_list,
    send,
    wants_list,
)
from callsheet.cli.tree import ActionCommand
from callsheet.config.settings import origin_of
from callsheet.engine.jobs import started_job
from callsheet.errors import TaskFailed, UsageError
from callsheet.flows.effects import Send
from callsheet.flows.invoke import deadline_of
from callsheet.flows.retry import with_retries
from callsheet.masking import masked_bytes
from callsheet.secret import redact_headers
from callsheet.spec import TIMEOUT_FIELD, Action
from callsheet.text import nearest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from callsheet.cli.context import Context
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job


_WAIT: options.Row = ("wait", "", "Wait for the job that the action starts")
_LATER = (_WAIT, TIMEOUT)
LIST = "/api/actions"
_ACTIONS = f"{LIST}/"
_CLOSE = 0.75
_INPUT = ("input", "FILE|-|JSON", "The body of a POST")


class CallCommand(ActionCommand):
    """The flags of one member of a family, as the server advertises it."""

    def __init__(self, action: Action) -> None:
        own = tuple(
            p for p in action.params if p.only in {"", action.role} and p.path != (TIMEOUT_FIELD,)
        )
        plain = action._replace(params=own, family=None, command=("call", action.id))
        super().__init__(plain)
        self.params = [p for p in self.params if p.name != options.own_key(TIMEOUT[0])]
        in_use = {name.lstrip("-") for p in self.params for name in p.opts}
        self.more = tuple(row for row in _LATER if row[0] not in in_use)
        self.params += options.own_options(self.more)
        self.sent = action

    def perform(self, context: Context, ctx: click.Context) -> int:
        """Make the one POST."""
        if "skeleton" in context.flags:
            from callsheet.cli import dry_run

            dry_run.print_skeleton(context, self.sent)
            return 0
        body = build_body(self.typed(ctx), context.flags.get("input"))
        request = _request(context, self.action, self.sent, body)
        return run_call(context, prepare.ask_missing(context, request))

    def elsewhere(self, context: Context) -> ActionCommand | None:
        """Return the command on the host that the flags name; ``None`` where it is the same."""
        action = context.run(context.host.find(self.sent.id))
        return None if action == self.sent else CallCommand(action)


def _request(context: Context, command: Action, action: Action, body: Body) -> CommandRequest:
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
        return conclude(context, request.action, answer, job)
    output.emit(context.console, answer.json)
    note_stored(context, answer)
    return 0


def _call(context: Context, action_id: str, rest: tuple[str, ...]) -> Any:
    """Send one request to any action; its fields are flags after the id.

    It waits for a job only with --wait.
    """
    if not context.settings.host:
        context.use_hints(hints_in(context.argv))
    action = context.run(context.host.find(action_id))
    if "--no-check" not in context.argv:
        _refuse_mistyped(context, action_id)
    inner, parent = CallCommand(action), click.get_current_context()
    with inner.make_context(action.id, list(rest), parent=parent, obj=context) as below:
        return inner.invoke(below)


def _refuse_mistyped(context: Context, action_id: str) -> None:
    """Raise ``UsageError`` for an id that the whole list lacks and that is close to one of it.

    Any other id that is not listed is sent: a catalogue may hide what the server can do.
    """
    catalogue = context.host.cached()
    if catalogue is None or catalogue.missing or catalogue.marks_of(action_id) is not None:
        return
    close = nearest(action_id, catalogue.ids(), _CLOSE)
    if close:
        raise UsageError(
            f"the server lists no action {action_id}; nothing was sent",
            hint=f"did you mean {close}? `--no-check` sends it as it is",
        )


class _Call(BuiltinCommand):
    """The ``call`` command; after an id its flags are those of the action."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the flags of the action that is named, from the cache or the bindings."""
        return _inner(ctx, incomplete) or super().shell_complete(ctx, incomplete)


def _inner(ctx: click.Context, prefix: str) -> list[CompletionItem]:
    """Complete what may follow the words after the id; nothing for an id that is not known."""
    context: Context = ctx.obj
    action = find_offline(context, str(ctx.params.get("action_id") or ""))
    if action is None:
        return []
    words = list(ctx.params.get("rest") or ())
    return completions(CallCommand(action), context, words, prefix)


def find_offline(context: Context, action_id: str) -> Action | None:
    """Return the action with this id from the cache or the bindings, without a request."""
    if context.host.cached() is not None:
        return context.host.cached_action(action_id)
    from callsheet.cli.server_actions import bound_actions

    generated = bound_actions(context.bindings)
    return next((action for action in generated if action.id == action_id), None)


def _api(context: Context, method: str, path: str) -> None:
    """Send a raw request: GET or HEAD to any path, POST to an action.

    The path belongs to the configured server; the key goes nowhere else.
    """
    path = _path_on_server(context, path)
    verb = method.upper()
    if verb in {"GET", "HEAD"}:
        reply = context.run(with_retries(Send(verb, path), context.host.timing))
        _print_reply(context, reply, path, head=verb == "HEAD")
        return
    if verb != "POST" or not path.startswith(_ACTIONS) or "/" in path[len(_ACTIONS) :]:
        raise UsageError(
            f"{verb} {path} is not sent: a request that may cost money goes to an action by POST",
            hint=f"{context.prog} api POST {_ACTIONS}ID --input …",
        )
    _post(context, unquote(path[len(_ACTIONS) :]))


def _path_on_server(context: Context, text: str) -> str:
    """Return the path of a path or URL; raise ``UsageError`` for the URL of another server."""
    host = context.settings.require_host()
    if "://" in text:
        if origin_of(text) != context.settings.origin:
            raise UsageError(
                f"{origin_of(text) or text} is not {host}", hint="--host sets the server"
            )
        parts = urlsplit(text)
        text = parts.path + (f"?{parts.query}" if parts.query else "")
        text = text.removeprefix(urlsplit(host).path)
    return text if text.startswith("/") else f"/{text}"


def _post(context: Context, action_id: str) -> None:
    """Send the body of ``--input`` to an action, also to an unknown one, and print the answer."""
    action = context.run(context.host.find(action_id)) or Action(id=action_id)
    body = build_body((), context.flags.get("input"))
    request = CommandRequest(action, action, body, deadline_of(action, body.value))
    outcome = send(context, request)
    output.emit(context.console, outcome.reply.json)


def _print_reply(context: Context, reply: Any, path: str, *, head: bool) -> None:
    """Print JSON, text or bytes, with ``head`` the headers; raise ``ServerError`` if not 2xx."""
    from callsheet.jsonio import strict_json
    from callsheet.protocol.error_replies import error_for

    if not 200 <= reply.status < 300:
        raise error_for(
            reply.status, reply.headers, reply.body, action=path, host=context.settings.host
        )
    if head:
        output.emit(
            context.console, {"status": reply.status, "headers": redact_headers(reply.headers)}
        )
        return
    parsed = strict_json(reply.body)
    if parsed is not None or not reply.body:
        output.emit(context.console, parsed)
        return
    context.console.emits_json = False
    if output.chosen_format(context.console) or context.console.on_terminal():
        output.emit(context.console, reply.body.decode("utf-8", "replace"), raw=True)
    else:
        output.write_bytes(masked_bytes(reply.body))


def _methods(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    return completion.matching(("GET", "POST", "HEAD"), prefix)


def _paths(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    """Complete the paths of the protocol, with the ids of the cached catalogue."""
    ids = [match.value for match in completion.ids(ctx, param, "")]
    if str(ctx.params.get("method")).upper() == "POST":
        return completion.matching((_ACTIONS + action_id for action_id in ids), prefix)
    return completion.matching([LIST, *(f"{_ACTIONS}{name}/schema" for name in ids)], prefix)


call = _Call(
    "call",
    _call,
    params=[
        click.Argument(["action_id"], metavar="ID", shell_complete=ids),
        click.Argument(
            ["rest"],
            metavar="[FLAGS]...",
            nargs=-1,
            type=click.UNPROCESSED,
            shell_complete=lambda ctx, param, prefix: _inner(ctx, prefix),
        ),
    ],
    ours=(*options.ACTION_FLAGS[1:], *_LATER),
    settings={"allow_interspersed_args": False, "ignore_unknown_options": True},
)
api = BuiltinCommand(
    "api",
    _api,
    params=[
        click.Argument(["method"], shell_complete=_methods),
        click.Argument(["path"], shell_complete=_paths),
    ],
    ours=(_INPUT,),
)
