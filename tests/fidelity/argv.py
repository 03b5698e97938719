"""A body as a command line: what a person would type so that exactly this body is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

    from callsheet.spec import Action, Param


def words(action: Action, body: dict[str, Any], chance: Random) -> list[str]:
    """Return the flags for a body; what has no flag goes through ``--input``.

    ``chance`` picks among the forms that mean the same: nested flags or JSON, repeated flags
    or a list, a space or ``=``.
    """
    flags = {param.path: param for param in action.params if param.flag and not param.hidden}
    rest = {name: argument for name, argument in body.items() if (name,) not in flags}
    argv = ["--input", json.dumps(rest, ensure_ascii=chance.random() < 0.5)] if rest else []
    for name, argument in body.items():
        if (name,) in flags:
            argv += _Writer(flags, chance).field(flags[(name,)], argument)
    return argv


class _Writer:
    def __init__(self, flags: dict[tuple[str, ...], Param], chance: Random) -> None:
        self.flags, self.chance = flags, chance

    def field(self, param: Param, argument: Any) -> list[str]:
        """Return one field: by flags of its own, or by those of the fields inside it."""
        inner = self._inside(param, argument)
        if inner:
            return [word for child, inner_value in inner for word in self.field(child, inner_value)]
        ours = param.flag.startswith("input.")
        bare = param.kind == "boolean" and not ours and self.chance.random() < 0.5
        if isinstance(argument, bool) and bare:
            head, _, last = f"--{param.flag}".rpartition(".")
            negative = f"{head}.no-{last}" if head else f"--no-{param.flag}"
            return [f"--{param.flag}"] if argument else self._no(param, negative)
        return [word for text in self.texts(param, argument) for word in self._pair(param, text)]

    def _no(self, param: Param, negative: str) -> list[str]:
        flags = {f"--{other.flag}" for other in self.flags.values()}
        return [f"--{param.flag}", "false"] if negative in flags else [negative]

    def _pair(self, param: Param, text: str) -> list[str]:
        if self.chance.random() < 0.5 or text.startswith("-"):
            return [f"--{param.flag}={text}"]
        return [f"--{param.flag}", text]

    def _inside(self, param: Param, members: Any) -> list[tuple[Param, Any]]:
        """Return the fields of an object with their flags, where each has one."""
        if not isinstance(members, dict) or not members or self.chance.random() < 0.3:
            return []
        pairs = [(self.flags.get((*param.path, name)), member) for name, member in members.items()]
        named = [(child, member) for child, member in pairs if child is not None]
        return named if len(named) == len(pairs) else []

    def texts(self, param: Param, argument: Any) -> list[str]:
        """Return the texts after the flag, once for each use of it."""
        if param.flag.startswith("input."):
            return [json.dumps(argument)]
        if isinstance(argument, str) and param.kind in {"string", "any"}:
            return [self._text(param, argument)]
        if (
            isinstance(argument, list)
            and argument
            and param.kind == "array"
            and self._repeatable(argument)
        ):
            bare = param.items == "string"
            return [
                entry if bare and isinstance(entry, str) else json.dumps(entry)
                for entry in argument
            ]
        return [json.dumps(argument, ensure_ascii=self.chance.random() < 0.5)]

    def _repeatable(self, entries: list[Any]) -> bool:
        plain = all(isinstance(entry, int | float) for entry in entries)
        texts = all(
            isinstance(entry, str) and entry.isalnum() and entry != "null" for entry in entries
        )
        return (plain or texts) and self.chance.random() < 0.5

    def _text(self, param: Param, text: str) -> str:
        """Return a text as it is; in quotes where it would mean something else."""
        special = _means_more(param, text) or (param.kind == "any" and _is_json(text))
        return json.dumps(text) if special else text


def _means_more(param: Param, text: str) -> bool:
    """Tell whether the text would be read as null, as a file, or as a text in quotes."""
    inner = _unquoted(text)
    if param.media:
        return text.startswith("@") or inner is not None or (param.nullable and text == "null")
    if not param.nullable:
        return False
    return text == "null" or (inner is not None and _means_more(param, inner))


def _unquoted(text: str) -> str | None:
    parsed = json.loads(text) if text[:1] == '"' and _is_json(text) else None
    return parsed if isinstance(parsed, str) else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
