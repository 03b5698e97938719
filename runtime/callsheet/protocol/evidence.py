"""Say why a reply was read as it was: each candidate, its place, and what spoke for and against."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from callsheet.jsonio import parse_pointer
from callsheet.text import one_line, shell_word

if TYPE_CHECKING:
    from collections.abc import Iterable


Part = Literal["refusal", "task_id", "state", "media", "reason", "progress", "cost"]

SETTINGS: dict[Part, str] = {
    "refusal": "envelope-ok",
    "task_id": "task-id",
    "state": "state",
    "media": "media",
    "reason": "error-message",
}
"""The setting that forces a part; progress and cost have none."""
_SHOWN = 120
_PLAIN_KEY = r"[^.\[\],=*$\s]+"


class Candidate(NamedTuple):
    """A value of a reply that was considered for one part of its reading.

    ``pointer`` is a JSON pointer into the reply, ``value`` the text that stands there, ``rules``
    are the names of the rules that spoke for it (``+state key``) or against it
    (``-an input``). ``chosen`` is true for what was decided on.
    """

    part: Part
    pointer: str
    value: str
    rules: tuple[str, ...] = ()
    chosen: bool = False


def evidence_lines(evidence: Iterable[Candidate]) -> list[str]:
    """Return one line a candidate, safe to show: part, verdict, place, value, rules, setting."""
    return [_line(candidate) for candidate in evidence]


def _line(candidate: Candidate) -> str:
    verdict = "chosen" if candidate.chosen else "not chosen"
    rules = f" ({', '.join(candidate.rules)})" if candidate.rules else ""
    place = one_line(candidate.pointer, _SHOWN) or "the whole reply"
    value = one_line(candidate.value, _SHOWN)
    setting = "" if candidate.chosen else setting_for(candidate)
    hint = f"; choose it with --set {shell_word(setting)}" if setting else ""
    return f"{candidate.part.replace('_', ' ')}: {verdict}: {place} = {value}{rules}{hint}"


def setting_for(candidate: Candidate) -> str:
    """Return the ``NAME=PATH`` that chooses a candidate; empty where no setting can."""
    name, path = SETTINGS.get(candidate.part), path_of(candidate)
    if not name or not path:
        return ""
    return f"{name}={path}" + (f"={candidate.value}" if candidate.part == "refusal" else "")


def path_of(candidate: Candidate) -> str:
    """Return the place of a candidate as the path of a setting; empty where no path leads there.

    Indexes become ``[]`` for media, which are chosen together.
    """
    path = ""
    for step in parse_pointer(candidate.pointer):
        if step.isdecimal():
            path += "[]" if candidate.part == "media" else f"[{step}]"
        elif re.fullmatch(_PLAIN_KEY, step):
            path += f".{step}"
        else:
            return ""
    return path.lstrip(".")
