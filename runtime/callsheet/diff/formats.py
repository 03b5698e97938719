"""Print changes as text, Markdown, GitHub annotations or JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from callsheet.diff.change import RANK, Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from callsheet.schemadiff.difference import Severity


_ALONE = frozenset(("action-gone", "action-new"))
_WITH_CALL = frozenset(("field-gone", "field-new"))
_MOST_NAMED = 4
_WORDED = "is described otherwise"
_LEVELS: Mapping[Severity, str] = {
    "breaking": "error",
    "unproved": "warning",
    "additive": "notice",
    "text": "notice",
}
Block = tuple[list[list[Change]], list[Change]]
"""Actions with the very same lines, and those lines once."""


def summary(changes: Sequence[Change]) -> str:
    """How many changes of each kind, in how many actions."""
    counts = Counter(one.severity for one in changes)
    said = ", ".join(f"{counts[name]} {name}" for name in RANK if counts[name])
    actions = len({one.action for one in changes})
    return f"{said} in {actions} action{'s' if actions > 1 else ''}" if changes else "no change"


def text(changes: Sequence[Change]) -> list[str]:
    """Lines for people, what breaks callers first; one heading for actions that changed alike."""
    lines = [_alone(one) for one in changes if one.code == "action-gone"]
    for actions, shown in _blocks(changes):
        lines.append(_heading([one[0] for one in actions]))
        lines.extend(f"  {sort:9} {line}" for sort, line in _rows(shown, len(actions)))
    return lines + [_alone(one) for one in changes if one.code == "action-new"]


def _alone(one: Change) -> str:
    return f"{one.severity:9} {one.text}"


def markdown(changes: Sequence[Change]) -> list[str]:
    """The same for a pull request."""
    alone = [one for one in changes if one.code in _ALONE]
    lines = [f"**{summary(changes)}**", ""]
    lines += [f"- **{one.severity}**: {one.text}" for one in alone]
    for actions, shown in _blocks(changes):
        lines += ["", f"#### {_heading([one[0] for one in actions])}", ""]
        lines.extend(f"- **{sort}**: {line}" for sort, line in _rows(shown, len(actions)))
    return lines


def github(changes: Sequence[Change], file: str) -> list[str]:
    """Workflow commands of GitHub, which show beside the lock: one for each change."""
    return [
        f"::{_LEVELS[one.severity]} file={_property(file)},"
        f"title={_property(f'{one.severity}: {one.action}')}::{_message(one.text)}"
        for one in changes
    ]


def document(changes: Sequence[Change]) -> dict[str, Any]:
    """The part of the JSON document that tells the changes."""
    counts = Counter(one.severity for one in changes)
    return {
        "counts": {name: counts[name] for name in RANK},
        "changes": [one.as_json() for one in changes],
    }


def _blocks(changes: Sequence[Change]) -> list[Block]:
    by_action: dict[str, list[Change]] = {}
    for one in changes:
        if one.code not in _ALONE:
            by_action.setdefault(one.action, []).append(one)
    alike: dict[tuple[tuple[str, str], ...], list[list[Change]]] = {}
    for held in by_action.values():
        held.sort(key=lambda one: RANK[one.severity])
        mark = tuple((one.severity, one.line) for one in held)
        alike.setdefault(mark, []).append(held)
    return [(found, found[0]) for found in alike.values()]


def _rows(shown: Sequence[Change], actions: int) -> list[tuple[str, str]]:
    """Severity and line of each change; what is only described otherwise is one line."""
    worded = [one.line.removesuffix(_WORDED).strip() for one in shown if one.line.endswith(_WORDED)]
    rows: list[tuple[str, str]] = [
        (one.severity, _line(one, actions)) for one in shown if not one.line.endswith(_WORDED)
    ]
    own = [one for one in worded if one]
    if not worded:
        return rows
    if not own:
        return [*rows, ("text", _WORDED)]
    more = len(own) - _MOST_NAMED
    said = ", ".join(own[: _MOST_NAMED if more > 1 else None])
    tail = f" and {more} more" if more > 1 else ""
    if len(own) < len(worded):
        return [*rows, ("text", f"{_WORDED}, with {said}{tail}")]
    return [*rows, ("text", f"{said}{tail} {'are' if len(own) > 1 else 'is'}{_WORDED[2:]}")]


def _line(one: Change, actions: int) -> str:
    return one.text if one.code in _WITH_CALL and actions == 1 else one.line


def _heading(actions: Sequence[Change]) -> str:
    if len(actions) == 1:
        one = actions[0]
        names = [one.call, *([f"`{one.method}`"] if one.method else []), one.action]
        return " · ".join(_different(names))
    more = len(actions) - _MOST_NAMED
    calls = [one.call for one in actions[: _MOST_NAMED if more > 1 else None]]
    return f"{', '.join(calls)}{f' and {more} more' if more > 1 else ''}"


def _different(names: Iterable[str]) -> list[str]:
    """The id is not repeated where the command is a call of it."""
    found = list(names)
    return [one for one in found if not any(f" {one}`" in other for other in found)]


def _message(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _message(value).replace(":", "%3A").replace(",", "%2C")
