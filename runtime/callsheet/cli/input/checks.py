"""Check a body before it leaves, and name the flags that a refusal is about."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from callsheet import jsonio
from callsheet.cli.input import body as bodies
from callsheet.cli.input import values
from callsheet.errors import InvalidInput
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.cli.context import Context
    from callsheet.cli.input.request import CommandRequest
    from callsheet.errors import ServerError
    from callsheet.spec import Action, Param


_MOST_DETAILS = 3
_LONGEST_HINT = 300
_NO_FILE = "name a file that exists, or a link (https://…); --no-check sends the text as it is"
_LINK = "https://example.com/"
"""Stands for the link of a file that is not uploaded yet."""


def name_flag(action: Action, error: InvalidInput) -> InvalidInput:
    """Put the flag of the refused value into an error; ``--input`` where no flag carries it."""
    words = error.message.removeprefix(f"{error.pointer or 'the body'}: ")
    steps = jsonio.parse_pointer(error.pointer)
    param = _param_at(action, steps)
    if param is None:
        error.flag = "--input"
        return error
    error.flag = f"--{param.flag}"
    error.message = f"{_location(param, steps)}: {words}"
    if len(steps) == len(param.path):
        error.hint = error.hint or values.allowed(param)
    return error


def name_refused_flags(action: Action, error: ServerError) -> ServerError:
    """Put the flags whose values the server refused into an error, and its words about each."""
    lines: list[str] = []
    for detail in error.details:
        steps = [str(step) for step in detail.pointer]
        param = _param_at(action, steps)
        if param is None:
            location = f"field {'.'.join(map(str, detail.pointer))}"
        else:
            location = _location(param, steps)
            error.flag = error.flag or f"--{param.flag}"
        is_repeated = not detail.message or detail.message in error.message
        lines.append(f"look at {location}" if is_repeated else f"{location}: {detail.message}")
    if lines:
        error.hint = one_line("; ".join(lines[:_MOST_DETAILS]), _LONGEST_HINT)
    return error


def _param_at(action: Action, steps: Sequence[str]) -> Param | None:
    from callsheet.actions.params import param_at

    return param_at(action.params, steps)


def _location(param: Param, steps: Sequence[str]) -> str:
    """Return ``--flag``, or ``--flag at /0/text`` for what lies inside its value."""
    inside = "".join(f"/{step}" for step in steps[len(param.path) :])
    return f"--{param.flag} at {inside}" if inside else f"--{param.flag}"


def check_files(context: Context, request: CommandRequest) -> None:
    """Raise ``InvalidInput`` for a local file that does not exist; warn with ``--no-check``.

    An upload may cost money, so this comes before the first one.
    """
    from callsheet.engine.local_files import require_files

    try:
        require_files(request.command_action.params, request.body.value)
    except InvalidInput as error:
        error = name_flag(request.command_action, error)
        if "no-check" in context.flags:
            context.console.warn(f"sent as it is: {error.message}")
            return
        error.hint = _NO_FILE
        raise error from None


def check_body(context: Context, request: CommandRequest) -> None:
    """Raise ``InvalidInput`` for a body that the schema of its host refuses; the flag is named.

    With ``--no-check`` it warns. Where the host has no usable schema, the flags' own knowledge
    counts. What a file's link has to be is only known once it is uploaded.
    """
    files = list(bodies.local_files(request.body.value))
    body = bodies.replace_files(jsonio.to_builtins(request.body.value), _future_link)
    checks = "no-check" not in context.flags
    try:
        if not context.run(context.host.validate(request.action, body)) and checks:
            role = request.action.role
            check_fields([p for p in request.command_action.params if p.only in {"", role}], body)
    except InvalidInput as error:
        steps = tuple(jsonio.parse_pointer(error.pointer))
        if any(path[: len(steps)] == steps for path, _ in files):
            return
        if checks:
            raise name_missing(request, body, error) from None
        context.console.warn(f"the schema refuses this body: {error.message}")
    finally:
        for note in context.host.notes:
            context.console.note(note)
        context.host.notes.clear()


def name_missing(request: CommandRequest, body: Any, error: InvalidInput) -> InvalidInput:
    """Name all flags that are missing where the error is about one of several; else its own."""
    action = request.command_action
    missing = bodies.find_missing(action, body, request.action.role)
    steps = tuple(jsonio.parse_pointer(error.pointer))
    if len(missing) < 2 or steps not in {param.path for param in missing}:
        return name_flag(action, error)
    names = [
        f"the field {'.'.join(param.path)}" if param.hidden else f"--{param.flag}"
        for param in missing
    ]
    flag = "--input" if missing[0].hidden else f"--{missing[0].flag}"
    hint = "give the whole body with --input"
    return InvalidInput(f"{', '.join(names)} are needed", hint=hint, flag=flag)


def _future_link(_steps: tuple[str, ...], file: values.LocalFile) -> str:
    return _LINK + os.path.basename(file)


def check_fields(params: Iterable[Param], body: Any) -> None:
    """Raise ``InvalidInput`` for a body that the kinds and limits of its parameters refuse."""
    from callsheet.schema.validator import UnusableSchema, Validator

    try:
        violations = Validator.of(bodies.schema_of(params)).violations(jsonio.to_builtins(body))
    except UnusableSchema:
        return
    if violations:
        raise violations[0].as_error()
