"""Build the request of a command line, and map faults to its flags."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet import jsonio
from callsheet.errors import InvalidInput, UsageError
from callsheet.spec import TIMEOUT_FIELD, Family
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.cli.context import Context
    from callsheet.cli.input.body import Body
    from callsheet.cli.input.options import Typed
    from callsheet.errors import ServerError
    from callsheet.spec import Action, Param, Role


_TIME = r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?"
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_SHORTEST = 1000


def milliseconds(text: str, flag: str = "timeout") -> int:
    """A duration in milliseconds: a bare number is that, ``90s`` and ``10m`` are read too.

    Raises ``UsageError``; a bare number under 1000 is refused, for it was meant as seconds.
    """
    found = re.fullmatch(_TIME, text.strip())
    if found is None:
        raise UsageError(
            f"--{flag}: {text!r} is no time", hint="600000, 90s or 10m", flag=f"--{flag}"
        )
    amount, unit = float(found[1]), found[2]
    if unit is None and amount < _SHORTEST:
        raise UsageError(
            f"--{flag}: {found[1]} is {amount / 1000:g} s; did you mean {found[1]}s?",
            hint="a bare number is milliseconds",
            flag=f"--{flag}",
        )
    return max(1, round(amount * _UNITS[unit or "ms"]))


_MOST = 3
_LONGEST = 300


def by_schema(asked: Action, error: InvalidInput) -> InvalidInput:
    """The error in the words of the command line; what no flag carries came by ``--input``."""
    words = error.message.removeprefix(f"{error.pointer or 'the body'}: ")
    steps = jsonio.parse_pointer(error.pointer)
    place = _place(asked, steps)
    if place is None:
        error.flag = "--input"
        return error
    error.flag = place.partition(" ")[0]
    error.message = f"{place}: {words}"
    return error


def by_server(asked: Action, error: ServerError) -> ServerError:
    """The error with the flags whose values the server refused, and what it said of each."""
    told: list[str] = []
    for detail in error.details:
        steps = [str(step) for step in detail.pointer]
        place = _place(asked, steps) or _place(asked, steps[1:])
        if place is not None and error.flag is None:
            error.flag = place.partition(" ")[0]
        name = place or f"field {'.'.join(steps)}"
        known = not detail.message or detail.message in error.message
        told.append(f"look at {name}" if known else f"{name}: {detail.message}")
    if told:
        error.hint = one_line("; ".join(told[:_MOST]), _LONGEST)
    return error


def _place(asked: Action, steps: Sequence[str]) -> str | None:
    """``--flag``, or ``--flag at /0/text`` for what lies inside its value."""
    from callsheet.actions.params import param_at

    param = param_at(asked.params, steps)
    if param is None:
        return None
    inside = "".join(f"/{step}" for step in steps[len(param.path) :])
    return f"--{param.flag} at {inside}" if inside else f"--{param.flag}"


_NO_FILE = "name a file that exists, or a link (https://…); --no-check sends the text as it is"


class CommandRequest(NamedTuple):
    """One POST to be made.

    ``asked`` is the action whose command was typed, ``action`` the one that is sent.
    ``patience`` is how long the whole wait may take, in seconds.
    """

    asked: Action
    action: Action
    body: Body
    patience: float

    @property
    def blocking(self) -> bool:
        """Whether the server answers only when the job is over."""
        return self.action.role == "wait"

    @property
    def silence(self) -> float:
        """Return the seconds that the server may stay silent."""
        from callsheet.flows.invoke import silence_limit

        return silence_limit(self.action.role, self.patience)


def request(context: Context, asked: Action, typed: Sequence[Typed]) -> CommandRequest:
    """Work out what to send; raises ``UsageError`` for what cannot go."""
    from callsheet.cli.input import body as bodies
    from callsheet.cli.input import prompts

    flags = context.flags
    role = role_of(context, asked)
    action = member(context, asked, role)
    _refuse_foreign(asked, typed, role)
    body = with_defaults(asked, bodies.build(typed, flags.get("input")), role)
    said = flags.get("timeout")
    limit = milliseconds(said) if said else (asked.family or Family()).timeout_ms
    if role == "wait":
        body, limit = with_timeout(asked, body, limit, said=said is not None)
    elif said and takes_timeout(asked, role):
        body, _ = with_timeout(asked, body, limit, said=True)
    if "no-check" not in flags:
        body = prompts.completed(context, asked, body, role)
        body = body._replace(doubt=body.doubt or missing(asked, body, role))
    return CommandRequest(asked, action, body, limit / 1000)


def role_of(context: Context, asked: Action) -> Role:
    """Which member of the family is sent; raises ``UsageError`` where it does not exist."""
    blocking, no_wait = "blocking" in context.flags, "no-wait" in context.flags
    if asked.family is None or asked.role == "query":
        return asked.role
    if blocking and no_wait:
        raise UsageError("--blocking and --no-wait exclude each other", flag="--blocking")
    if no_wait and context.flags.get("out"):
        raise UsageError(
            "--no-wait leaves nothing to save", hint="drop --out, or --no-wait", flag="--out"
        )
    if blocking and not asked.family.wait:
        raise UsageError(f"{asked.id} has no blocking form on this server", flag="--blocking")
    if no_wait and asked.role == "wait":
        raise UsageError(
            f"this server offers {asked.id} only, which answers when the job is over",
            flag="--no-wait",
        )
    return "wait" if blocking else asked.role


def member(context: Context, asked: Action, role: Role) -> Action:
    """The member of the family that has this role."""
    if role == asked.role or asked.family is None:
        return asked
    wanted = asked.family.wait
    catalogue = context.host.cached()
    known = context.host.surface(catalogue).by_id.get(wanted) if catalogue else None
    return known or asked._replace(id=wanted, role=role, digest="", module="")


def _refuse_foreign(asked: Action, typed: Sequence[Typed], role: Role) -> None:
    from callsheet.cli.input import body as bodies

    param = bodies.foreign(typed, role)
    if param is None or asked.family is None:
        return
    flag = f"--{param.flag}"
    if param.only == "wait":
        raise UsageError(
            f"{flag} belongs to {asked.family.wait} alone", hint="add --blocking", flag=flag
        )
    raise UsageError(
        f"{flag} is not taken by {asked.family.wait}", hint="drop --blocking", flag=flag
    )


def missing(asked: Action, body: Body, role: Role) -> UsageError | None:
    """What to say of a body that lacks fields which seem to be required."""
    from callsheet.cli.input import body as bodies

    wanted = bodies.missing(asked, body.value, role)
    if not wanted:
        return None
    told = [_needed(param) for param in wanted]
    return UsageError(
        f"{', '.join(told)} {'is' if len(told) == 1 else 'are'} needed",
        hint="give the whole body with --input",
        flag=f"--{wanted[0].flag}" if wanted[0].flag else "--input",
        code="invalid_input",
    )


def _needed(param: Param) -> str:
    wire = ".".join(param.path)
    if param.hidden:
        return f"the field {wire}, which has no flag,"
    return f"--{param.flag}" + (f" (field {wire})" if wire != param.flag else "")


def with_defaults(asked: Action, body: Body, role: Role) -> Body:
    """The body with this client's own defaults where nothing was said."""
    value: Any = body.value
    if not isinstance(value, dict):
        return body
    member = "wait" if role == "wait" else "create"
    lacking = {
        one.path[0]: json.loads(one.sent)
        for one in asked.params
        if one.sent is not None and one.only in {"", member} and one.path[0] not in value
    }
    return body.changed({**value, **lacking}) if lacking else body


def takes_timeout(asked: Action, role: Role) -> bool:
    """Whether the schema of the member with this role has ``timeoutMs``."""
    return any(p.path == (TIMEOUT_FIELD,) and p.only in {"", role} for p in asked.params)


def with_timeout(asked: Action, body: Body, limit: int, *, said: bool) -> tuple[Body, int]:
    """The body with ``timeoutMs`` where the schema has it, and the limit in milliseconds.

    What ``--input`` says stays, unless ``--timeout`` was said too.
    """
    value: Any = body.value
    if not isinstance(value, dict):
        return body, limit
    own = value.get(TIMEOUT_FIELD)
    if not said and isinstance(own, int) and not isinstance(own, bool):
        return body, own
    if not takes_timeout(asked, "wait") or (not said and body.exact is not None):
        return body, limit
    return body.changed({**value, TIMEOUT_FIELD: limit}), limit


def check_files(context: Context, made: CommandRequest) -> None:
    """Raise ``InvalidInput`` for a local file that does not exist; warn with ``--no-check``.

    An upload may cost money, so this comes before the first one.
    """
    from callsheet.engine.local_files import require_files

    try:
        require_files(made.asked.params, made.body.value)
    except InvalidInput as error:
        error = by_schema(made.asked, error)
        if "no-check" in context.flags:
            context.console.warn(f"sent as it is: {error.message}")
            return
        error.hint = _NO_FILE
        raise error from None


def judge(context: Context, made: CommandRequest) -> None:
    """Hold the body against the schema of the host it goes to; the flag is named.

    Raises ``UsageError``, or warns with ``--no-check``. A doubt that the schema does not share
    is dropped.
    """
    doubt = made.body.doubt
    try:
        judged = context.run(
            context.host.validate(made.action, jsonio.to_builtins(made.body.value))
        )
    except InvalidInput as error:
        if "no-check" in context.flags:
            context.console.warn(f"the schema refuses this body: {error.message}")
            return
        raise doubt or by_schema(made.asked, error) from None
    finally:
        for note in context.host.notes:
            context.console.note(note)
        context.host.notes.clear()
    if doubt is not None and not judged and "no-check" not in context.flags:
        raise doubt
