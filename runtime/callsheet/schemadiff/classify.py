"""Classify differences as breaking, unproved, additive or textual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from callsheet.jsonio import canonical
from callsheet.schema.references import SchemaRefused
from callsheet.schemadiff.compare import Walk
from callsheet.schemadiff.compare_kinds import ODD
from callsheet.schemadiff.counterexample import Search
from callsheet.schemadiff.difference import Attempt, Difference
from callsheet.schemadiff.normal_form import Cases
from callsheet.schemadiff.view import SchemaView

if TYPE_CHECKING:
    from callsheet.schemadiff.difference import Counterexample, Severity, Steps


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding with what it means, and a value that shows it where one was found."""

    finding: Difference
    severity: Severity
    witness: Counterexample | None = None


def compare(old: Any, new: Any, *, output: bool = False) -> list[Judged]:
    """What differs between two advertised schemas, in the order in which it stands.

    Of an input a caller must be able to send what it sent before; of an output nothing may
    come that could not come before. ``None`` is a schema that is not there.
    """
    if canonical([old]) == canonical([new]):
        return []
    if old is None or new is None:
        words = "has no schema any more" if new is None else "has a schema now"
        return [Judged(Difference(code="schema", steps=(), words=words), "unproved")]
    try:
        sides = SchemaView(old), SchemaView(new)
    except SchemaRefused as refused:
        words = f"has another schema, which cannot be compared: {refused.reason}"
        return [Judged(Difference(code="schema", steps=(), words=words), "unproved")]
    try:
        return _Comparison(*sides, output=output).run()
    except RecursionError:
        words = "has another schema, which is nested too deep to be compared"
        return [Judged(Difference(code="schema", steps=(), words=words), "unproved")]


class _Comparison:
    """One comparison: the walk finds, the proof clears, the search convicts."""

    def __init__(self, old: SchemaView, new: SchemaView, *, output: bool) -> None:
        self.walk = Walk(old, new)
        self.output = output
        before, after = self.walk.old, self.walk.new
        self.search = Search(after, before) if output else Search(before, after)
        proof = self.walk.backward if output else self.walk.forward
        roots = (before.side.conj(old.root), after.side.conj(new.root))
        self.safe = proof.included(*(reversed(roots) if output else roots))

    def run(self) -> list[Judged]:
        found = [self._judged(one) for one in [*self.walk.run(), *self._undeclared()]]
        if not self.safe and not any(one.severity == "breaking" for one in found):
            found = self._convicted(found)
        if not found:
            words = "has a schema that is worded otherwise"
            found.append(Judged(Difference(code="text", steps=(), words=words), "text"))
        return found

    def _judged(self, finding: Difference) -> Judged:
        if finding.told:
            return Judged(finding, finding.told)
        harm = finding.more if self.output else finding.less
        if harm is None:
            return Judged(finding, "additive")
        if self.safe and finding.code != "field-gone":
            return Judged(finding, "additive")
        witness = None if self.safe else self.search.find(harm)
        if witness is None or finding.soft:
            return Judged(finding, "unproved", witness)
        return Judged(finding, "breaking", witness)

    def _undeclared(self) -> list[Difference]:
        """Fields that one side declares and the other lets pass or refuses undeclared."""
        places = self.walk.unknown if self.output else self.walk.judged
        if not places or self.safe:
            return []
        tries = tuple(Attempt(place, None if self.output else ODD) for place in places)
        words = (
            "may hold fields that the old schema refuses"
            if self.output
            else "now judges fields that it let pass before"
        )
        return [
            Difference(
                code="undeclared",
                steps=_above(places),
                words=words,
                less=tries,
                more=tries,
                soft=True,
                others=tuple(places),
            )
        ]

    def _convicted(self, found: list[Judged]) -> list[Judged]:
        """Look further for a body where nothing was shown to break.

        It counts for the one finding that can be to blame, else for the schema as a whole.
        """
        if any(one.finding.soft for one in found):
            return found
        open_ = [one for one in found if one.severity == "unproved"]
        witness = self.search.roam()
        if witness is not None and len(open_) == 1 and open_[0].finding.code != "field-gone":
            return [
                replace(one, severity="breaking", witness=witness) if one is open_[0] else one
                for one in found
            ]
        if witness is None and open_:
            return found
        finding = Difference(code="rules", steps=(), words="obeys other rules")
        return [*found, Judged(finding, "unproved" if witness is None else "breaking", witness)]


def _above(places: list[Steps]) -> Steps:
    """The object that holds the fields, where it is one and the same."""
    above = {place[:-1] for place in places}
    return above.pop() if len(above) == 1 else ()


def example(schema: Any) -> Counterexample | None:
    """Some body that a schema allows; ``None`` where none was found."""
    if schema is None:
        return None
    try:
        cases = Cases(SchemaView(schema))
        return Search(cases, cases).sample()
    except (SchemaRefused, RecursionError):
        return None
