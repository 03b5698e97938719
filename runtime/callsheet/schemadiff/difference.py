"""Record one difference, and collect those of a comparison."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from callsheet.schemadiff.inclusion import Proof
from callsheet.schemadiff.normal_form import Cases
from callsheet.schemadiff.samples import Samples

if TYPE_CHECKING:
    from callsheet.errors import Pointer
    from callsheet.schemadiff.view import Conjunction, SchemaView


Severity = Literal["breaking", "unproved", "additive", "text"]

Kind = Literal["added", "removed", "changed"]

_DEEPEST = 24


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A value that shows a change: allowed on one side, refused on the other.

    For the input a body that was allowed and no longer is; for the output a reply that may come
    now and could not before.
    """

    value: Any


@dataclass(frozen=True, slots=True)
class Attempt:
    """Values to try at a pointer in the body; ``None`` tries samples of what may be there."""

    pointer: Pointer
    values: tuple[Any, ...] | None = None

    def inner(self) -> Attempt:
        """Return the same attempt as seen from the first step of the pointer."""
        return Attempt(self.pointer[1:], self.values)


Attempts = tuple[Attempt, ...]


def any_value(pointer: Pointer) -> Attempts:
    """Return the attempt to try samples of what may be at a pointer."""
    return (Attempt(pointer),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference at a pointer; ``phrase`` follows the name of the value there.

    ``losses`` is not ``None`` where the new schema may refuse what the old one took, ``gains``
    where it may take what the old one refused; they hold where to look for a value that shows
    it. ``severity`` is set where neither is possible. ``fields`` points at fields that one side
    does not declare, if the difference is about those: it is never called breaking.
    """

    code: str
    pointer: Pointer
    phrase: str
    kind: Kind = "changed"
    losses: Attempts | None = None
    gains: Attempts | None = None
    severity: Literal["", "text", "additive"] = ""
    fields: tuple[Pointer, ...] = ()


class Comparison:
    """Both sides, the proofs from old to new and back, and the differences so far.

    ``pending`` are the pairs still to be compared. ``newly_validated`` points at fields that the
    old side let pass undeclared, ``newly_allowed`` at those that it refused.
    """

    def __init__(self, old: SchemaView, new: SchemaView) -> None:
        self.old, self.new = Cases(old), Cases(new)
        self.forward = Proof(self.old, self.new)
        self.backward = Proof(self.new, self.old)
        self.old_samples = Samples(self.old, self.new)
        self.new_samples = Samples(self.new, self.old)
        self.differences: list[Difference] = []
        self.newly_validated: list[Pointer] = []
        self.newly_allowed: list[Pointer] = []
        self.pending: deque[tuple[Conjunction, Conjunction, Pointer]] = deque()
        self._visited: set[tuple[Any, ...]] = set()

    def add(self, code: str, pointer: Pointer, phrase: str, **details: Any) -> None:
        """Add a difference, once: alternatives may share what changed."""
        if (code, pointer, phrase) not in self._visited:
            self._visited.add((code, pointer, phrase))
            difference = Difference(code=code, pointer=pointer, phrase=phrase, **details)
            self.differences.append(difference)

    def enqueue(self, old: Conjunction, new: Conjunction, pointer: Pointer) -> None:
        """Queue the schemas that apply to one value on both sides for comparison, each pair once.

        A pair more than 24 steps deep is dropped.
        """
        pair = (self.old.view.identity(old), self.new.view.identity(new))
        if pair not in self._visited and len(pointer) <= _DEEPEST:
            self._visited.add(pair)
            self.pending.append((old, new, pointer))
