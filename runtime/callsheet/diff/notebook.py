"""What a walk over two schemas works with and writes down."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from callsheet.diff.finding import Finding
from callsheet.diff.normal import Cases
from callsheet.diff.proof import Proof
from callsheet.diff.samples import Samples
from callsheet.diff.witness import Attempt

if TYPE_CHECKING:
    from callsheet.diff.sides import Conj, Side
    from callsheet.diff.witness import Steps


class Notebook(ABC):
    """Both sides, the proof from old to new and back, and the findings so far."""

    def __init__(self, old: Side, new: Side) -> None:
        self.old, self.new = Cases(old), Cases(new)
        self.forward = Proof(self.old, self.new)
        self.backward = Proof(self.new, self.old)
        self.was = Samples(self.old, self.new)
        self.now = Samples(self.new, self.old)
        self.found: list[Finding] = []
        self.met: set[tuple[Any, ...]] = set()
        self.judged: list[Steps] = []
        self.unknown: list[Steps] = []

    def tell(self, code: str, steps: Steps, words: str, **rest: Any) -> None:
        """Write a finding down, once: alternatives may share what changed."""
        if (code, steps, words) not in self.met:
            self.met.add((code, steps, words))
            self.found.append(Finding(code=code, steps=steps, words=words, **rest))

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
