"""Ask a person for what is missing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from callsheet.cli.input import body as bodies
from callsheet.cli.input import options
from callsheet.cli.input.checks import check_fields, name_flag
from callsheet.errors import Interrupted, InvalidInput, UsageError
from callsheet.text import safe_text

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.cli.input.options import FieldOption
    from callsheet.cli.input.request import CommandRequest
    from callsheet.spec import Action


def ask_missing(context: Context, request: CommandRequest) -> CommandRequest:
    """Return the request with an answer for each required field that its body lacks.

    Nothing is asked without a terminal, nor where a field that was given is wrong already.
    Raises ``UsageError`` where the answers end too early, ``Interrupted`` at Ctrl-C.
    """
    action, body = request.command_action, request.body
    missing = bodies.find_missing(action, body.value, request.action.role)
    if not missing or "no-check" in context.flags or not context.console.can_ask():
        return request
    by_path = {option.param.path: option for option in reversed(options.fields(action))}
    if any(param.path not in by_path for param in missing):
        return request
    try:
        check_fields([param._replace(required=False) for param in action.params], body.value)
    except InvalidInput:
        return request
    for param in missing:
        bodies.put(body.value, param.path, _ask(context, action, by_path[param.path]))
    return request._replace(body=body.with_value(body.value))


def _ask(context: Context, action: Action, option: FieldOption) -> Any:
    """Ask for one field until the answer is one that the flag would take."""
    from callsheet.cli.help.layout import describe

    param = option.param
    context.console.warn(describe(param) or f"field {'.'.join(param.path)}")
    while True:
        texts = _read_lines(option)
        body: dict[str, Any] = {}
        try:
            raw = texts if option.multiple else texts[0]
            answer = bodies.read_option(option, raw, bodies.Sources())
            bodies.put(body, param.path, answer)
            check_fields([param], body)
        except InvalidInput as error:
            _explain(context, name_flag(action, error))
        except UsageError as error:
            _explain(context, error)
        else:
            return answer


def _explain(context: Context, error: UsageError) -> None:
    context.console.warn(error.message + (f" ({error.hint})" if error.hint else ""))


def _read_lines(option: FieldOption) -> tuple[str, ...]:
    """Read one line; of a list as many as there are, up to an empty one."""
    lines: list[str] = []
    while not lines or option.multiple:
        line = _read_line(f"--{option.flag}{' (Enter ends)' if lines else ''}: ")
        if line is None and not lines:
            flag = f"--{option.flag}"
            raise UsageError(f"{flag} is needed", flag=flag, code="invalid_input")
        if line is None or (not line and lines):
            break
        lines += [line] if line else []
    return tuple(lines)


def _read_line(prompt: str) -> str | None:
    """Return the typed line, without space at the ends; ``None`` at the end of the input."""
    try:
        sys.stderr.write(safe_text(prompt))
        sys.stderr.flush()
        line = sys.stdin.readline()
    except KeyboardInterrupt as stop:
        sys.stderr.write("\n")
        raise Interrupted("interrupted; nothing was sent") from stop
    if not line:
        sys.stderr.write("\n")
        return None
    return line.strip()
