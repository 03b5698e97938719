"""What would be sent, without sending it; and an empty body to fill in."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from callsheet.cli.output import formats as output

if TYPE_CHECKING:
    from callsheet.cli.input.request import Request
    from callsheet.cli.session import Session
    from callsheet.spec import Action, Param


def dry_run(session: Session, made: Request) -> None:
    """Print method, URL, headers without the key, and body; or a curl line."""
    from callsheet.flows import action_path
    from callsheet.secret import redact_headers
    from callsheet.wire import headers_for

    settings = session.settings
    url = settings.require_host() + action_path(made.action.id)
    extra = {"Content-Type": "application/json"}
    headers = dict(redact_headers(headers_for(settings, url, extra)))
    body = made.body.encoded()
    if session.flags.get("dry-run") == "curl":
        session.data = False
        output.write(_curl(session, url, body) + "\n")
        return
    shown = {"method": "POST", "url": url, "headers": headers, "body": made.body.value}
    human = "\n".join(
        [f"POST {url}", *(f"{name}: {value}" for name, value in headers.items()), "", body.decode()]
    )
    output.emit(session, shown, lambda: human)


def _curl(session: Session, url: str, body: bytes) -> str:
    variable = f"${session.bindings.env}_API_KEY"
    bearer = session.settings.auth == "bearer"
    auth = f"Authorization: Bearer {variable}" if bearer else f"X-Api-Key: {variable}"
    parts = ["curl", "-X", "POST", shlex.quote(url), "-H", "'Content-Type: application/json'"]
    return " ".join([*parts, "-H", f'"{auth}"', "--data-binary", shlex.quote(body.decode())])


def skeleton(session: Session, action: Action) -> None:
    """Print a body with every field, required ones first."""
    session.data = False
    tree: dict[str, Any] = {}
    wanted = [p for p in action.params if p.only in {"", action.role}]
    for param in sorted(wanted, key=lambda p: (not p.required, len(p.path))):
        place = tree
        for name in param.path[:-1]:
            inner = place.setdefault(name, {})
            place = inner if isinstance(inner, dict) else {}
        place[param.path[-1]] = _example(param)
    output.write_json(tree)


_EXAMPLES: dict[str, Any] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "object": {},
    "array": [],
    "any": None,
}


def _example(param: Param) -> Any:
    from callsheet.cli.input.jsontext import decode

    if param.default is not None:
        return decode(param.default)
    value = param.choices[0] if param.choices else _EXAMPLES[param.kind]
    if param.kind == "array":
        return [param.choices[0]] if param.choices else []
    return dict(value) if isinstance(value, dict) else value
