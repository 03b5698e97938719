"""Ask a person for what is missing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from callsheet.cli.input import body as bodies
from callsheet.cli.input import options
from callsheet.cli.input.body import Sources
from callsheet.errors import Interrupted, UsageError
from callsheet.text import safe_text

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.cli.input.body import Body
    from callsheet.cli.input.options import FieldOption
    from callsheet.spec import Action


def may_ask(context: Context) -> bool:
    """Whether somebody is there to answer: both ends are a terminal, without ``--no-input``."""
    return "no-input" not in context.flags and sys.stdin.isatty() and sys.stderr.isatty()


def completed(context: Context, action: Action, body: Body, member: str) -> Body:
    """The body with an answer for each required field that it lacks.

    Raises ``UsageError`` where the answers end too early, ``Interrupted`` at Ctrl-C.
    """
    wanted = bodies.missing(action, body.value, member)
    if not wanted or body.doubt is not None or not may_ask(context):
        return body
    by_path = {one.param.path: one for one in reversed(options.fields(action))}
    if any(param.path not in by_path for param in wanted):
        return body
    value = body.value
    for param in wanted:
        bodies.put(value, param.path, _answer(context, by_path[param.path]))
    return body.changed(value)


def _answer(context: Context, option: FieldOption) -> Any:
    """The value of one field, asked for until it is one that the flag would take."""
    from callsheet.cli.help.layout import describe

    context.console.warn(describe(option.param) or f"field {'.'.join(option.param.path)}")
    while True:
        texts = _texts(option)
        doubts: list[UsageError] = []
        try:
            found = bodies.meant(option, texts if option.multiple else texts[0], Sources(), doubts)
        except UsageError as error:
            doubts.append(error)
        if not doubts:
            return found
        context.console.warn(doubts[0].message + (f" ({doubts[0].hint})" if doubts[0].hint else ""))


def _texts(option: FieldOption) -> tuple[str, ...]:
    """One line; of a list as many as there are, up to an empty one."""
    found: list[str] = []
    while not found or option.multiple:
        line = _line(f"--{option.flag}{' (Enter ends)' if found else ''}: ")
        if line is None and not found:
            flag = f"--{option.flag}"
            raise UsageError(f"{flag} is needed", flag=flag, code="invalid_input")
        if line is None or (not line and found):
            break
        found += [line] if line else []
    return tuple(found)


def _line(prompt: str) -> str | None:
    """What was typed, without space at the ends; ``None`` at the end of the input."""
    sys.stderr.write(safe_text(prompt))
    sys.stderr.flush()
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt as stop:
        sys.stderr.write("\n")
        raise Interrupted("interrupted; nothing was sent") from stop
    if not line:
        sys.stderr.write("\n")
        return None
    return line.strip()
