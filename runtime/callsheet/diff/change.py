"""Define a change, word it the way the command line names things, and lay changes out as lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from callsheet.actions.params import param_at
from callsheet.jsonio import to_pointer
from callsheet.schemadiff.counterexample import EXTRA
from callsheet.schemadiff.phrases import DESCRIBED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from callsheet.errors import Pointer
    from callsheet.schemadiff.classify import Classification
    from callsheet.schemadiff.difference import Counterexample, Difference, Kind, Severity
    from callsheet.spec import Action, Param


RANK: Mapping[Severity, int] = {"breaking": 0, "unproved": 1, "additive": 2, "text": 3}
_WITHOUT_HEADING = frozenset(("action-gone", "action-new"))
_WITH_CALL = frozenset(("field-gone", "field-new"))
_MAX_NAMED = 4
_LEVELS: Mapping[Severity, str] = {
    "breaking": "error",
    "unproved": "warning",
    "additive": "notice",
    "text": "notice",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of an action: ``kind`` is ``added``, ``removed`` or ``changed``.

    ``code`` names the sort of change (``field-gone``, ``values-lost``, …) for ignore files.
    ``side`` is ``input``, ``output`` or, for the action as a whole, empty. ``pointer`` is the
    JSON pointer of the value in the body or the reply (``0`` for any item, ``*`` for any
    other field), empty for the whole. ``flags`` (without dashes), ``fields`` (wire names) and
    ``names`` (Python) are those that it touches. ``text`` is a whole sentence, ``line`` the
    same beneath a heading that names the action: its ``call`` on the command line and its
    ``method`` in the library. ``command`` is the path of the command, where it has one.
    """

    kind: Kind
    action: str
    severity: Severity
    text: str
    code: str = ""
    line: str = ""
    side: Literal["", "input", "output"] = ""
    pointer: str = ""
    flags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    witness: Counterexample | None = None
    call: str = ""
    method: str = ""
    command: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints; ``witness`` only where there is one."""
        document: dict[str, Any] = {
            "kind": self.kind,
            "action": self.action,
            "command": " ".join(self.command),
            "method": self.method,
            "severity": self.severity,
            "code": self.code,
            "side": self.side,
            "pointer": self.pointer,
            "flags": list(self.flags),
            "fields": list(self.fields),
            "names": list(self.names),
            "text": self.text,
        }
        if self.witness is not None:
            document["witness"] = self.witness.value
        return document


def in_order(changes: list[Change]) -> tuple[Change, ...]:
    """Sort changes: those that break callers first, then by action and pointer."""

    def key(change: Change) -> tuple[object, ...]:
        rank = RANK[change.severity]
        return (rank, change.action, change.side, change.pointer, change.code, change.text)

    return tuple(sorted(changes, key=key))


class ChangeWriter:
    """Words the changes of one action for the command line of ``program``."""

    def __init__(self, before: Action, after: Action, program: str) -> None:
        self.before, self.after = before, after
        self.call = _call(after, program)
        self.old_call = _call(before, program)

    def removed(self, witness: Counterexample | None) -> Change:
        """Return the change of an action that is gone; the witness is a body it allowed."""
        return self._change(
            kind="removed",
            severity="breaking",
            text=f"{self.call} is gone ({self.after.id})",
            line="is gone",
            code="action-gone",
            witness=witness,
        )

    def added(self) -> Change:
        """Return the change of an action that is new."""
        return self._change(
            kind="added",
            severity="additive",
            text=f"{self.call} is new ({self.after.id})",
            line="is new",
            code="action-new",
        )

    def general_change(
        self, code: str, severity: Severity, phrase: str, witness: Counterexample | None = None
    ) -> Change:
        """Return a change outside the schemas; the phrase follows the action's name."""
        return self._change(
            kind="changed",
            severity=severity,
            text=f"{self.call} {phrase}",
            line=phrase,
            code=code,
            witness=witness,
        )

    def schema_change(self, classified: Classification, *, output: bool = False) -> Change:
        """Return a change in the schema of the body, or with ``output`` of the reply."""
        difference = classified.difference
        pointers = difference.fields or (difference.pointer,)
        params = () if output else tuple(filter(None, map(self._param, pointers)))
        line, text = self._sentences(difference, classified.severity, output=output)
        return self._change(
            kind=difference.kind,
            severity=classified.severity,
            text=text,
            line=line,
            code=difference.code,
            side="output" if output else "input",
            pointer=to_pointer("*" if s == EXTRA else str(s) for s in difference.pointer),
            flags=tuple(dict.fromkeys(param.flag for param in params)),
            fields=tuple(_dotted(pointer) for pointer in pointers if pointer),
            witness=classified.counterexample,
        )

    def _change(self, **details: Any) -> Change:
        return Change(action=self.after.id, call=self.call, command=self.after.command, **details)

    def _sentences(
        self, difference: Difference, severity: Severity, *, output: bool
    ) -> tuple[str, str]:
        """Return the line beneath the action's heading, and the whole sentence."""
        phrase = difference.phrase
        if difference.fields:
            subjects = (self._subject(field, output=output) for field in difference.fields)
            phrase = f"{phrase}: {', '.join(subjects)}"
        owner = f"the reply of {self.call}" if output else self.call
        if not difference.pointer:
            return (f"the reply {phrase}" if output else phrase), f"{owner} {phrase}"
        subject = self._subject(difference.pointer, output=output)
        in_reply = " in the reply" if output else ""
        if difference.code == "field-gone":
            more = "; the schema lets it pass" if severity == "unproved" and not output else ""
            short = f"{subject} {phrase}{' from the reply' if output else ''}{more}"
            return short, f"{subject} {phrase} from {owner}{more}"
        if difference.code == "field-new":
            is_new, separator, rest = phrase.partition(" and ")
            more = f"{separator}is {rest}" if rest else ""
            return f"{subject} {is_new}{in_reply}{more}", f"{subject} {is_new} in {owner}{more}"
        return f"{subject}{in_reply} {phrase}", f"{subject} of {owner} {phrase}"

    def _subject(self, pointer: Pointer, *, output: bool) -> str:
        """Name the flag, or the field by its wire names; of a list one of its items."""
        *parent, last = pointer
        if last in {0, EXTRA}:
            name = "an item" if last == 0 else "any other field"
            return f"{name} of {self._subject(tuple(parent), output=output)}" if parent else name
        param = None if output else self._param(pointer)
        if param is not None and param.path == pointer:
            return f"`--{param.flag}`"
        return f"`{_dotted(pointer)}`"

    def _param(self, pointer: Pointer) -> Param | None:
        return param_at(self.after.params, pointer) or param_at(self.before.params, pointer)


def _call(action: Action, program: str) -> str:
    if action.role == "wait" and not action.command and action.family and action.family.create:
        return f"`{program} call {action.id}`"
    words = action.command or ("call", action.id)
    return f"`{' '.join((program, *words))}`"


def _dotted(pointer: Pointer) -> str:
    text = ""
    for step in pointer:
        if isinstance(step, int):
            text += f"[{step or ''}]"
        else:
            text += f".{'*' if step == EXTRA else step}"
    return text.removeprefix(".")


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


def text_lines(changes: Sequence[Change]) -> list[str]:
    """Return lines for people, the worst first; actions that changed alike share a heading."""
    lines = [_single(change) for change in changes if change.code == "action-gone"]
    for group in _groups(changes):
        lines.append(_heading(group))
        lines.extend(f"  {severity:9} {line}" for severity, line in _rows(group))
    return lines + [_single(change) for change in changes if change.code == "action-new"]


def _single(change: Change) -> str:
    return f"{change.severity:9} {change.text}"


def markdown_lines(changes: Sequence[Change]) -> list[str]:
    """Return lines of Markdown for a pull request."""
    single = [change for change in changes if change.code in _WITHOUT_HEADING]
    lines = [f"**{summary(changes)}**", ""]
    lines += [f"- **{change.severity}**: {change.text}" for change in single]
    for group in _groups(changes):
        lines += ["", f"#### {_heading(group)}", ""]
        lines.extend(f"- **{severity}**: {line}" for severity, line in _rows(group))
    return lines


def github_lines(changes: Sequence[Change], file: str) -> list[str]:
    """Return a workflow command of GitHub for each change, to be shown beside the lock."""
    return [
        f"::{_LEVELS[change.severity]} file={_property(file)},"
        f"title={_property(f'{change.severity}: {change.action}')}::{_message(change.text)}"
        for change in changes
    ]


def document_of(changes: Sequence[Change]) -> dict[str, Any]:
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
    """Return the names without an action's id where another of them is ``call ID``."""
    listed = list(names)
    return [name for name in listed if not any(f" {name}`" in other for other in listed)]


def _message(message: str) -> str:
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
