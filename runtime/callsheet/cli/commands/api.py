"""Send a raw request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click

from callsheet.cli import completion
from callsheet.cli.builtin import BuiltinCommand
from callsheet.cli.input import body as bodies
from callsheet.cli.input.request import CommandRequest
from callsheet.cli.output import formats as output
from callsheet.cli.run import send
from callsheet.config.settings import origin_of
from callsheet.errors import UsageError
from callsheet.flows.effects import Send
from callsheet.flows.invoke import deadline_of
from callsheet.flows.retry import with_retries
from callsheet.secret import redact_headers
from callsheet.spec import Action

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from callsheet.cli.context import Context


LIST = "/api/actions"
_ACTIONS = f"{LIST}/"
_INPUT = ("input", "FILE|-|JSON", "The body of a POST")


def _api(context: Context, method: str, path: str) -> None:
    """Send a raw request: GET or HEAD to any path, POST to an action.

    The path belongs to the configured server; the key goes nowhere else.
    """
    path = _path(context, path)
    verb = method.upper()
    if verb in {"GET", "HEAD"}:
        reply = context.run(with_retries(Send(verb, path), context.host.timing))
        _show(context, reply, path, head=verb == "HEAD")
        return
    if verb != "POST" or not path.startswith(_ACTIONS) or "/" in path[len(_ACTIONS) :]:
        raise UsageError(
            f"{verb} {path} is not sent: whatever may cost money goes to an action by POST",
            hint=f"{context.prog} api POST {_ACTIONS}ID --input …",
        )
    _post(context, unquote(path[len(_ACTIONS) :]))


def _path(context: Context, text: str) -> str:
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
    action = context.run(context.host.find(action_id)) or Action(id=action_id)
    body = bodies.build((), context.flags.get("input"))
    request = CommandRequest(action, action, body, deadline_of(action, body.value))
    outcome = send(context, request)
    output.emit(context.console, outcome.reply.json)


def _show(context: Context, reply: Any, path: str, *, head: bool) -> None:
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
        output.write_bytes(reply.body)


def _methods(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    return completion.matching(("GET", "POST", "HEAD"), prefix)


def _paths(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    """Complete the paths of the protocol, with the ids of the cached catalogue."""
    ids = [match.value for match in completion.ids(ctx, param, "")]
    if str(ctx.params.get("method")).upper() == "POST":
        return completion.matching((_ACTIONS + action_id for action_id in ids), prefix)
    return completion.matching([LIST, *(f"{_ACTIONS}{name}/schema" for name in ids)], prefix)


api = BuiltinCommand(
    "api",
    _api,
    params=[
        click.Argument(["method"], shell_complete=_methods),
        click.Argument(["path"], shell_complete=_paths),
    ],
    ours=(_INPUT,),
)
