"""Print a request without sending it, and the line that runs it again."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from callsheet.cli.input import options
from callsheet.cli.input.body import local_files
from callsheet.cli.output import formats as output
from callsheet.errors import CallsheetError, UsageError

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.cli.input.request import CommandRequest
    from callsheet.spec import Action, Param
    from callsheet.storage.ledger import LedgerEntry


def dry_run(context: Context, made: CommandRequest) -> None:
    """Print method, URL, headers without the key, and body; or a curl line.

    Raises ``UsageError`` for any other form.
    """
    form = context.flags.get("dry-run")
    if form not in {"yes", "curl"}:
        raise UsageError(f"--dry-run: {form!r} is not curl", flag="--dry-run")
    from callsheet.flows.retry import action_path
    from callsheet.secret import redact_headers
    from callsheet.transport.http import headers_for

    settings = context.settings
    for _, path in local_files(made.body.value):
        context.console.note(f"{path} would be uploaded first, and its link stand in its place")
    url = settings.require_host() + action_path(made.action.id)
    extra = {"Content-Type": "application/json"}
    headers = dict(redact_headers(headers_for(settings, url, extra)))
    body = made.body.encoded()
    if form == "curl":
        context.console.emits_json = False
        output.write(_curl(context, url, body) + "\n")
        return
    shown = {"method": "POST", "url": url, "headers": headers, "body": made.body.value}
    human = "\n".join(
        [f"POST {url}", *(f"{name}: {value}" for name, value in headers.items()), "", body.decode()]
    )
    output.emit(context.console, shown, lambda: human)


def _curl(context: Context, url: str, body: bytes) -> str:
    variable = f"${context.bindings.env}_API_KEY"
    bearer = context.settings.auth == "bearer"
    auth = f"Authorization: Bearer {variable}" if bearer else f"X-Api-Key: {variable}"
    parts = ["curl", "-X", "POST", shlex.quote(url), "-H", "'Content-Type: application/json'"]
    return " ".join([*parts, "-H", f'"{auth}"', "--data-binary", shlex.quote(body.decode())])


def skeleton(context: Context, asked: Action, action: Action | None = None) -> None:
    """Print a body with every field that may be filled in, required ones first.

    ``action`` is the member of the family that would be sent, where it is another one.
    """
    from callsheet.cli.input.skeleton import skeleton as made

    context.console.emits_json = False
    hidden = {p.path[0] for p in asked.params if p.hidden and not p.required}
    output.write_json(made(_schema(context, action or asked, asked), hidden))


def _schema(context: Context, action: Action, asked: Action) -> dict[str, Any]:
    """The schema as the host advertises it, else as the bindings have it; empty for none."""
    from callsheet.schema.admission import admit
    from callsheet.schema.references import SchemaRefused

    try:
        found = context.run(context.host.schema(action))
    except CallsheetError:
        stored = context.bindings.schema(asked.module) if asked.module else None
        found = (stored or {}).get("input")
    try:
        return admit(found)
    except SchemaRefused:
        return {}


_PLAIN = ("string", "integer", "number", "boolean")


def line(context: Context, action: Action, row: LedgerEntry) -> str:
    """One line for a shell; flags where they say exactly the same, else ``--input``."""
    words = [context.prog]
    if "host" in context.flags:
        words += ["--host", row.host]
    named = bool(action.command) and action.role in {"", "create"}
    words += list(action.command) if named else ["call", action.id]
    flags = _flags(action, row.body or "") if named else None
    words += flags if flags is not None else ["--input", row.body or ""]
    if row.target:
        words += ["--out", row.target]
    return shlex.join(words)


def _flags(action: Action, body: str) -> list[str] | None:
    """The body as flags; none where a flag would read something else than the field holds."""
    value = json.loads(body)
    if not isinstance(value, dict):
        return None
    by_name = {p.path[0]: p for p in options.visible(action) if len(p.path) == 1}
    found: list[str] = []
    for name, item in value.items():
        flag = _flag(by_name.get(name), action, item)
        if flag is None:
            return None
        found.append(flag)
    return found


def _flag(param: Param | None, action: Action, item: Any) -> str | None:
    if param is None or param.media or param.kind not in _PLAIN:
        return None
    if options.own_name(param, action) != param.flag:
        return None
    if param.kind == "string":
        return f"--{param.flag}={item}" if isinstance(item, str) else None
    number = isinstance(item, int) and not isinstance(item, bool)
    if param.kind == "boolean":
        return f"--{param.flag}={json.dumps(item)}" if isinstance(item, bool) else None
    return f"--{param.flag}={item}" if number else None
