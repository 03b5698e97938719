"""Build the one request of a command line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.cli.input import body as bodies
from callsheet.errors import UsageError
from callsheet.spec import TIMEOUT_FIELD, Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.cli.context import Context
    from callsheet.cli.input.body import Body
    from callsheet.cli.input.options import Typed
    from callsheet.spec import Action, Role


_DURATION = r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?"
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_SHORTEST = 1000


def parse_duration(text: str, flag: str = "timeout") -> int:
    """Read a duration as milliseconds: a bare number is that, ``90s`` and ``10m`` have a unit.

    Raises ``UsageError``; a bare number under 1000 is refused, for it was meant as seconds.
    """
    match = re.fullmatch(_DURATION, text.strip())
    if match is None:
        raise UsageError(
            f"--{flag}: {text!r} is not a duration", hint="600000, 90s or 10m", flag=f"--{flag}"
        )
    amount, unit = float(match[1]), match[2]
    if unit is None and amount < _SHORTEST:
        raise UsageError(
            f"--{flag}: {match[1]} is {amount / 1000:g} s; did you mean {match[1]}s?",
            hint="a bare number is milliseconds",
            flag=f"--{flag}",
        )
    return max(1, round(amount * _UNITS[unit or "ms"]))


class CommandRequest(NamedTuple):
    """One POST to be made.

    ``command_action`` is the action whose command was typed, ``action`` the one that is sent.
    ``patience`` is how long the whole wait may take, in seconds.
    """

    command_action: Action
    action: Action
    body: Body
    patience: float

    @property
    def blocking(self) -> bool:
        """Tell whether the server answers only when the job is over."""
        return self.action.role == "wait"

    @property
    def silence(self) -> float:
        """Return the seconds that the server may stay silent."""
        from callsheet.flows.invoke import silence_limit

        return silence_limit(self.action.role, self.patience)


def build_request(
    context: Context, command_action: Action, typed: Sequence[Typed]
) -> CommandRequest:
    """Work out what to send; raise ``UsageError`` for what cannot go."""
    flags = context.flags
    role = role_of(context, command_action)
    action = member_of(context, command_action, role)
    _refuse_foreign(command_action, typed, role)
    body = apply_defaults(command_action, bodies.build(typed, flags.get("input")), role)
    timeout = flags.get("timeout")
    limit = parse_duration(timeout) if timeout else (command_action.family or Family()).timeout_ms
    if role == "wait":
        body, limit = apply_timeout(command_action, body, limit, typed=timeout is not None)
    elif timeout and takes_timeout(command_action, role):
        body, _ = apply_timeout(command_action, body, limit, typed=True)
    return CommandRequest(command_action, action, body, limit / 1000)


def role_of(context: Context, action: Action) -> Role:
    """Return the role of the family's member to send; raise ``UsageError`` where it has none."""
    blocking, no_wait = "blocking" in context.flags, "no-wait" in context.flags
    if action.family is None or action.role == "query":
        return action.role
    if blocking and no_wait:
        raise UsageError("--blocking and --no-wait exclude each other", flag="--blocking")
    if no_wait and context.flags.get("out"):
        raise UsageError(
            "--no-wait leaves nothing to save", hint="drop --out, or --no-wait", flag="--out"
        )
    if blocking and not action.family.wait:
        raise UsageError(f"{action.id} has no blocking form on this server", flag="--blocking")
    if no_wait and action.role == "wait":
        raise UsageError(
            f"this server offers {action.id} only, which answers when the job is over",
            flag="--no-wait",
        )
    return "wait" if blocking else action.role


def member_of(context: Context, action: Action, role: Role) -> Action:
    """Return the member of the family that has this role."""
    if role == action.role or action.family is None:
        return action
    action_id = action.family.wait
    catalogue = context.host.cached()
    cached = context.host.surface(catalogue).by_id.get(action_id) if catalogue else None
    return cached or action._replace(id=action_id, role=role, digest="", module="")


def _refuse_foreign(action: Action, typed: Sequence[Typed], role: Role) -> None:
    param = bodies.find_foreign(typed, role)
    if param is None or action.family is None:
        return
    flag = f"--{param.flag}"
    if param.only == "wait":
        raise UsageError(
            f"{flag} belongs to {action.family.wait} alone", hint="add --blocking", flag=flag
        )
    raise UsageError(
        f"{flag} is not taken by {action.family.wait}", hint="drop --blocking", flag=flag
    )


def apply_defaults(action: Action, body: Body, role: Role) -> Body:
    """Add this client's own defaults to the fields of a body that were not given."""
    fields: Any = body.value
    if not isinstance(fields, dict):
        return body
    member = "wait" if role == "wait" else "create"
    defaults = {
        param.path[0]: json.loads(param.sent)
        for param in action.params
        if param.sent is not None and param.only in {"", member} and param.path[0] not in fields
    }
    return body.with_value({**fields, **defaults}) if defaults else body


def takes_timeout(action: Action, role: Role) -> bool:
    """Tell whether the schema of the member with this role has ``timeoutMs``."""
    return any(p.path == (TIMEOUT_FIELD,) and p.only in {"", role} for p in action.params)


def apply_timeout(action: Action, body: Body, limit: int, *, typed: bool) -> tuple[Body, int]:
    """Set ``timeoutMs`` where the schema has it; return the body and the limit in milliseconds.

    The value of ``--input`` stays, unless ``--timeout`` was ``typed`` too.
    """
    fields: Any = body.value
    if not isinstance(fields, dict):
        return body, limit
    own = fields.get(TIMEOUT_FIELD)
    if not typed and isinstance(own, int) and not isinstance(own, bool):
        return body, own
    if not takes_timeout(action, "wait") or (not typed and body.exact is not None):
        return body, limit
    return body.with_value({**fields, TIMEOUT_FIELD: limit}), limit
