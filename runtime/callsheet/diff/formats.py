"""Print changes as text, Markdown, GitHub annotations or JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from callsheet.diff.change import RANK, Change
from callsheet.schemadiff.phrases import DESCRIBED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from callsheet.schemadiff.difference import Severity


_WITHOUT_HEADING = frozenset(("action-gone", "action-new"))
_WITH_CALL = frozenset(("field-gone", "field-new"))
_MAX_NAMED = 4
_LEVELS: Mapping[Severity, str] = {
    "breaking": "error",
    "unproved": "warning",
    "additive": "notice",
    "text": "notice",
}
Group = list[list[Change]]
"""The changes of each of several actions, where all have the same lines."""


def summary(changes: Sequence[Change]) -> str:
    """Return how many changes of each severity there are, and in how many actions."""
    if not changes:
        return "no change"
    counts = Counter(change.severity for change in changes)
    by_severity = ", ".join(f"{counts[name]} {name}" for name in RANK if counts[name])
    actions = len({change.action for change in changes})
    return f"{by_severity} in {actions} action{'s' if actions > 1 else ''}"


def text(changes: Sequence[Change]) -> list[str]:
    """Return lines for people, the worst first; actions that changed alike share a heading."""
    lines = [_single(change) for change in changes if change.code == "action-gone"]
    for group in _groups(changes):
        lines.append(_heading(group))
        lines.extend(f"  {severity:9} {line}" for severity, line in _rows(group))
    return lines + [_single(change) for change in changes if change.code == "action-new"]


def _single(change: Change) -> str:
    return f"{change.severity:9} {change.text}"


def markdown(changes: Sequence[Change]) -> list[str]:
    """Return lines of Markdown for a pull request."""
    single = [change for change in changes if change.code in _WITHOUT_HEADING]
    lines = [f"**{summary(changes)}**", ""]
    lines += [f"- **{change.severity}**: {change.text}" for change in single]
    for group in _groups(changes):
        lines += ["", f"#### {_heading(group)}", ""]
        lines.extend(f"- **{severity}**: {line}" for severity, line in _rows(group))
    return lines


def github(changes: Sequence[Change], file: str) -> list[str]:
    """Return a workflow command of GitHub for each change, to be shown beside the lock."""
    return [
        f"::{_LEVELS[change.severity]} file={_property(file)},"
        f"title={_property(f'{change.severity}: {change.action}')}::{_message(change.text)}"
        for change in changes
    ]


def document(changes: Sequence[Change]) -> dict[str, Any]:
    """Return the changes and their counts as a part of a JSON document."""
    counts = Counter(change.severity for change in changes)
    return {
        "counts": {severity: counts[severity] for severity in RANK},
        "changes": [change.as_json() for change in changes],
    }


def _groups(changes: Sequence[Change]) -> list[Group]:
    by_action: dict[str, list[Change]] = {}
    for change in changes:
        if change.code not in _WITHOUT_HEADING:
            by_action.setdefault(change.action, []).append(change)
    by_lines: dict[tuple[tuple[str, str], ...], Group] = {}
    for own in by_action.values():
        own.sort(key=lambda change: RANK[change.severity])
        lines = tuple((change.severity, change.line) for change in own)
        by_lines.setdefault(lines, []).append(own)
    return list(by_lines.values())


def _rows(group: Group) -> list[tuple[str, str]]:
    """Return severity and line of each change; changed descriptions share one line."""
    changes, with_call = group[0], _WITH_CALL if len(group) == 1 else frozenset[str]()
    rows: list[tuple[str, str]] = [
        (change.severity, change.text if change.code in with_call else change.line)
        for change in changes
        if not change.line.endswith(DESCRIBED)
    ]
    described = [
        change.line.removesuffix(DESCRIBED).strip()
        for change in changes
        if change.line.endswith(DESCRIBED)
    ]
    return [*rows, ("text", _described(described))] if described else rows


def _described(subjects: list[str]) -> str:
    """Return the line about changed descriptions; an empty subject is the action itself."""
    fields = [subject for subject in subjects if subject]
    if not fields:
        return DESCRIBED
    names = _shorten(fields)
    if len(fields) < len(subjects):
        return f"{DESCRIBED}, with {names}"
    return f"{names} {DESCRIBED if len(fields) == 1 else DESCRIBED.replace('is', 'are', 1)}"


def _heading(group: Group) -> str:
    changes = [own[0] for own in group]
    if len(changes) > 1:
        return _shorten([change.call for change in changes])
    (change,) = changes
    method = f"`{change.method}`" if change.method else ""
    return " · ".join(_without_repetition(filter(None, (change.call, method, change.action))))


def _shorten(names: list[str]) -> str:
    """Return the names separated by commas, the first four of many."""
    more = len(names) - _MAX_NAMED
    return f"{', '.join(names[:_MAX_NAMED])} and {more} more" if more > 1 else ", ".join(names)


def _without_repetition(names: Iterable[str]) -> list[str]:
    """Leave the id out where the command is a call of it."""
    listed = list(names)
    return [name for name in listed if not any(f" {name}`" in other for other in listed)]


def _message(message: str) -> str:
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
