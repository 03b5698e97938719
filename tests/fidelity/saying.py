"""A body as a command line: what a person would type so that exactly this body is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

    from callsheet.spec import Action, Param


def words(action: Action, body: dict[str, Any], chance: Random) -> list[str]:
    """The flags for a body; what has no flag goes through ``--input``.

    ``chance`` picks among the forms that mean the same: nested flags or JSON, repeated flags
    or a list, a space or ``=``.
    """
    flags = {one.path: one for one in action.params if one.flag and not one.hidden}
    rest = {name: value for name, value in body.items() if (name,) not in flags}
    said = ["--input", json.dumps(rest, ensure_ascii=chance.random() < 0.5)] if rest else []
    for name, value in body.items():
        if (name,) in flags:
            said += _Saying(flags, chance).field(flags[(name,)], value)
    return said


class _Saying:
    def __init__(self, flags: dict[tuple[str, ...], Param], chance: Random) -> None:
        self.flags, self.chance = flags, chance

    def field(self, one: Param, value: Any) -> list[str]:
        """One field: by flags of its own, or by those of the fields inside it."""
        inner = self._inside(one, value)
        if inner:
            return [word for param, item in inner for word in self.field(param, item)]
        ours = one.flag.startswith("input.")
        bare = one.kind == "boolean" and not ours and self.chance.random() < 0.5
        if isinstance(value, bool) and bare:
            head, _, last = f"--{one.flag}".rpartition(".")
            negative = f"{head}.no-{last}" if head else f"--no-{one.flag}"
            return [f"--{one.flag}"] if value else self._no(one, negative)
        return [word for text in self.texts(one, value) for word in self._pair(one, text)]

    def _no(self, one: Param, negative: str) -> list[str]:
        taken = {f"--{param.flag}" for param in self.flags.values()}
        return [f"--{one.flag}", "false"] if negative in taken else [negative]

    def _pair(self, one: Param, text: str) -> list[str]:
        if self.chance.random() < 0.5 or text.startswith("-"):
            return [f"--{one.flag}={text}"]
        return [f"--{one.flag}", text]

    def _inside(self, one: Param, value: Any) -> list[tuple[Param, Any]]:
        """The fields of an object with their flags, where each has one."""
        if not isinstance(value, dict) or not value or self.chance.random() < 0.3:
            return []
        found = [(self.flags.get((*one.path, name)), item) for name, item in value.items()]
        whole = [(param, item) for param, item in found if param is not None]
        return whole if len(whole) == len(found) else []

    def texts(self, one: Param, value: Any) -> list[str]:
        """What stands after the flag, once for each use of it."""
        if one.flag.startswith("input."):
            return [json.dumps(value)]
        if isinstance(value, str) and one.kind in {"string", "any"}:
            return [self._text(one, value)]
        if isinstance(value, list) and value and one.kind == "array" and self._repeatable(value):
            bare = one.items == "string"
            return [item if bare and isinstance(item, str) else json.dumps(item) for item in value]
        return [json.dumps(value, ensure_ascii=self.chance.random() < 0.5)]

    def _repeatable(self, value: list[Any]) -> bool:
        plain = all(isinstance(item, int | float) for item in value)
        texts = all(isinstance(item, str) and item.isalnum() and item != "null" for item in value)
        return (plain or texts) and self.chance.random() < 0.5

    def _text(self, one: Param, value: str) -> str:
        """A text as it is; in quotes where it would mean something else."""
        special = _means_more(one, value) or (one.kind == "any" and _is_json(value))
        return json.dumps(value) if special else value


def _means_more(one: Param, value: str) -> bool:
    """Whether the text would be read as null, as a file, or as a text in quotes."""
    inner = _unquoted(value)
    if one.media:
        return value.startswith("@") or inner is not None or (one.nullable and value == "null")
    if not one.nullable:
        return False
    return value == "null" or (inner is not None and _means_more(one, inner))


def _unquoted(text: str) -> str | None:
    value = json.loads(text) if text[:1] == '"' and _is_json(text) else None
    return value if isinstance(value, str) else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
