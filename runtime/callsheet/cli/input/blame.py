"""Which flag a fault belongs to, whether the schema found it or the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.params import param_at
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.errors import InvalidInput, ServerError
    from callsheet.spec import Action

_MOST = 3
_LONGEST = 300


def by_schema(asked: Action, error: InvalidInput) -> InvalidInput:
    """The error in the words of the command line; what no flag carries came by ``--input``."""
    words = error.message.removeprefix(f"{error.pointer or 'the body'}: ")
    steps = [word.replace("~1", "/").replace("~0", "~") for word in error.pointer.split("/")[1:]]
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
    param = param_at(asked.params, steps)
    if param is None:
        return None
    inside = "".join(f"/{step}" for step in steps[len(param.path) :])
    return f"--{param.flag} at {inside}" if inside else f"--{param.flag}"
