"""Print a request without sending it, and the line that makes it again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from callsheet import jsonio
from callsheet.cli.input import argv, uploads
from callsheet.cli.input.body import local_files
from callsheet.cli.output import formats as output
from callsheet.errors import CallsheetError, UsageError

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.cli.input.request import CommandRequest
    from callsheet.spec import Action
    from callsheet.storage.ledger import LedgerEntry


def dry_run(context: Context, request: CommandRequest) -> None:
    """Print method, URL, headers without the key, and body; or a curl line.

    Raises ``UsageError`` for any other form.
    """
    form = context.flags.get("dry-run")
    if form not in {"yes", "curl"}:
        raise UsageError(f"--dry-run: {form!r} is not 'curl'", flag="--dry-run")
    from callsheet.flows.retry import action_path
    from callsheet.secret import redact_headers
    from callsheet.transport.http import headers_for

    settings = context.settings
    ways = uploads.file_ways(context, request)
    for steps, path in local_files(request.body.value):
        context.console.note(ways[steps].words(path))
    url = settings.require_host() + action_path(request.action.id)
    extra = {"Content-Type": "application/json"}
    headers = dict(redact_headers(headers_for(settings, url, extra)))
    body = request.body.encoded()
    if form == "curl":
        context.console.emits_json = False
        output.write(_curl(context, url, body) + "\n")
        return
    document = {"method": "POST", "url": url, "headers": headers, "body": request.body.value}
    text = "\n".join(
        [
            f"POST {url}",
            *(f"{name}: {header}" for name, header in headers.items()),
            "",
            body.decode(),
        ]
    )
    output.emit(context.console, document, lambda: text)


def _curl(context: Context, url: str, body: bytes) -> str:
    variable = f"${context.bindings.env}_API_KEY"
    bearer = context.settings.auth == "bearer"
    auth = f"Authorization: Bearer {variable}" if bearer else f"X-Api-Key: {variable}"
    parts = ["curl", "-X", "POST", shlex.quote(url), "-H", "'Content-Type: application/json'"]
    return " ".join([*parts, "-H", f'"{auth}"', "--data-binary", shlex.quote(body.decode())])


def skeleton(context: Context, command: Action, action: Action | None = None) -> None:
    """Print a body with every field that may be filled in, required ones first.

    ``action`` is the member of the family that would be sent, where it is another one.
    """
    from callsheet.cli.input.skeleton import skeleton as fill

    context.console.emits_json = False
    hidden = {p.path[0] for p in command.params if p.hidden and not p.required}
    output.write_json(fill(_schema(context, action or command, command), hidden))


def _schema(context: Context, action: Action, command: Action) -> dict[str, Any]:
    """Return the schema as the host advertises it, else as the bindings have it, else empty."""
    from callsheet.schema.admission import admit
    from callsheet.schema.references import SchemaRefused

    try:
        schema = context.run(context.host.schema(action))
    except CallsheetError:
        stored = context.bindings.schema(command.module) if command.module else None
        schema = (stored or {}).get("input")
    try:
        return admit(schema)
    except SchemaRefused:
        return {}


def line(context: Context, action: Action, row: LedgerEntry) -> str:
    """Return the shell line that makes a request again; by ``--input`` what flags cannot say."""
    line = [context.prog]
    if "host" in context.flags:
        line += ["--host", row.host]
    body = row.body or ""
    if action.command and action.role in {"", "create"}:
        line += [*action.command, *(_flags(action, body) or ["--input", body])]
    else:
        line += ["call", action.id, "--input", body]
    if row.target:
        line += ["--out", row.target]
    return shlex.join(line)


def _flags(action: Action, body: str) -> list[str] | None:
    """Return the body as flags; ``None`` where a part of it has no flag, or nothing is in it."""
    fields = jsonio.decode(body)
    words = argv.to_argv(action, fields) if isinstance(fields, dict) else []
    return None if words[:1] == ["--input"] else words or None
