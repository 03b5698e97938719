"""One difference between two schemas, before anybody knows whom it harms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from callsheet.diff.change import Kind
    from callsheet.diff.witness import Attempt, Steps

Attempts = tuple["Attempt", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What differs at a place.

    ``words`` follow the name of the place. ``less`` is not ``None`` where the new schema may
    refuse what the old one took, ``more`` where it may take what the old one refused; they hold
    where to look for a value that shows it. ``told`` is set where neither can be. ``soft``
    differences concern fields that one side does not declare: they are never called breaking.
    """

    code: str
    steps: Steps
    words: str
    kind: Kind = "changed"
    less: Attempts | None = None
    more: Attempts | None = None
    told: Literal["", "text", "additive"] = ""
    soft: bool = False
    others: tuple[Steps, ...] = ()
