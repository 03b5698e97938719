"""Define a change and its severity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.schemadiff.difference import Counterexample, Kind, Severity


RANK: Mapping[Severity, int] = {"breaking": 0, "unproved": 1, "additive": 2, "text": 3}


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
