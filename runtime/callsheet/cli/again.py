"""The command line that would do a job again."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from callsheet.cli.input import options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.cli.session import Session
    from callsheet.spec import Action, Param

_PLAIN = ("string", "integer", "number", "boolean")


def line(session: Session, action: Action, row: Mapping[str, Any]) -> str:
    """One line for a shell; flags where they say exactly the same, else ``--input``."""
    words = [session.prog]
    if "host" in session.flags:
        words += ["--host", row["host"]]
    named = bool(action.command) and action.role in {"", "create"}
    words += list(action.command) if named else ["call", action.id]
    flags = _flags(action, row["body"]) if named else None
    words += flags if flags is not None else ["--input", row["body"]]
    if row["target"]:
        words += ["--out", row["target"]]
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
