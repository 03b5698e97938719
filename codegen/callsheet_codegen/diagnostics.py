"""Represent problems as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable


Level = Literal["note", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A problem, its location, and what to do.

    ``warning`` means that something fell back (``--strict`` turns it into exit 1); ``note`` is
    for reading only. ``pointer`` is a JSON pointer into the action's schema.
    """

    level: Level
    code: str
    action: str = ""
    pointer: str = ""
    message: str
    hint: str = ""

    def line(self) -> str:
        """Return one line for a person."""
        location = f"{self.action}{self.pointer}: " if self.action else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.level}: {location}{self.message}{hint}"

    def as_json(self) -> dict[str, str]:
        """Return the object that ``--json`` prints."""
        return asdict(self)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort diagnostics in an order that no dictionary decides, without repetition."""
    return tuple(sorted(set(diagnostics), key=lambda d: (d.action, d.pointer, d.code, d.message)))


def fell_back(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any is worse than a note."""
    return any(d.level != "note" for d in diagnostics)
