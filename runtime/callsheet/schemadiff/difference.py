"""Record one difference, and collect those of a comparison."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from callsheet.schemadiff.inclusion import Proof
from callsheet.schemadiff.normal_form import Cases
from callsheet.schemadiff.samples import Samples

if TYPE_CHECKING:
    from callsheet.schemadiff.view import Conj, SchemaView


Severity = Literal["breaking", "unproved", "additive", "text"]

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A value that shows a change: allowed on one side, refused on the other.

    For the input a body that was allowed and no longer is; for the output a reply that may come
    now and could not before.
    """

    value: Any

    def as_json(self) -> Any:
        """The value itself."""
        return self.value


Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Values to try at a place in the body; ``None`` tries samples of what may stand there."""

    steps: Steps
    values: tuple[Any, ...] | None = None


Attempts = tuple["Attempt", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
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


class Notebook(ABC):
    """Both sides, the proof from old to new and back, and the findings so far."""

    def __init__(self, old: SchemaView, new: SchemaView) -> None:
        self.old, self.new = Cases(old), Cases(new)
        self.forward = Proof(self.old, self.new)
        self.backward = Proof(self.new, self.old)
        self.was = Samples(self.old, self.new)
        self.now = Samples(self.new, self.old)
        self.found: list[Difference] = []
        self.met: set[tuple[Any, ...]] = set()
        self.judged: list[Steps] = []
        self.unknown: list[Steps] = []

    def tell(self, code: str, steps: Steps, words: str, **rest: Any) -> None:
        """Write a finding down, once: alternatives may share what changed."""
        if (code, steps, words) not in self.met:
            self.met.add((code, steps, words))
            self.found.append(Difference(code=code, steps=steps, words=words, **rest))

    def rest(self) -> None:
        """Let both sides make samples again."""
        self.was.rest()
        self.now.rest()

    def any_at(self, steps: Steps) -> tuple[Attempt, ...]:
        """Try whatever may stand at a place."""
        return (Attempt(steps),)

    @abstractmethod
    def pair(self, one: Conj, other: Conj, steps: Steps) -> None:
        """Compare what binds one value on both sides."""
