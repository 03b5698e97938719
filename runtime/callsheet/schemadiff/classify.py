"""Classify differences as breaking, unproved, additive or textual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from callsheet.jsonio import canonical
from callsheet.schema.references import SchemaRefused
from callsheet.schemadiff.compare import UNDECLARED_VALUES, find_differences
from callsheet.schemadiff.counterexample import Search
from callsheet.schemadiff.difference import Attempt, Comparison, Difference
from callsheet.schemadiff.normal_form import Cases
from callsheet.schemadiff.view import SchemaView

if TYPE_CHECKING:
    from callsheet.errors import Pointer
    from callsheet.schemadiff.difference import Counterexample, Severity


@dataclass(frozen=True, slots=True)
class Classification:
    """A difference with its severity, and a value that shows it where the search found one."""

    difference: Difference
    severity: Severity
    counterexample: Counterexample | None = None


def compare_schemas(old: Any, new: Any, *, output: bool = False) -> list[Classification]:
    """Return what differs between two advertised schemas, in the order in which it stands.

    Of an input a caller must be able to send what it sent before; of an output nothing may
    come that could not come before. ``None`` is a missing schema.
    """
    if canonical([old]) == canonical([new]):
        return []
    if old is None or new is None:
        return [_whole("schema", "no longer has a schema" if new is None else "now has a schema")]
    try:
        comparison = Comparison(SchemaView(old), SchemaView(new))
    except SchemaRefused as error:
        phrase = f"has a different schema, which cannot be compared: {error.reason}"
        return [_whole("schema", phrase)]
    try:
        return _Classifier(comparison, output=output).classify()
    except RecursionError:
        phrase = "has a different schema, which is nested too deep to be compared"
        return [_whole("schema", phrase)]


def example(schema: Any) -> Counterexample | None:
    """Return some body that a schema allows; ``None`` where the search found none."""
    if schema is None:
        return None
    try:
        cases = Cases(SchemaView(schema))
        return Search(cases, cases).sample()
    except (SchemaRefused, RecursionError):
        return None


def _whole(
    code: str,
    phrase: str,
    severity: Severity = "unproved",
    counterexample: Counterexample | None = None,
) -> Classification:
    """Return the classification of a difference of the schema as a whole."""
    difference = Difference(code=code, pointer=(), phrase=phrase)
    return Classification(difference, severity, counterexample)


class _Classifier:
    """Classifies one comparison: a proof makes all of it harmless, a counterexample breaking."""

    def __init__(self, comparison: Comparison, *, output: bool) -> None:
        self.comparison, self.output = comparison, output
        proof = comparison.backward if output else comparison.forward
        self.search = Search(proof.inner, proof.outer)
        self.is_harmless = proof.is_included(proof.inner.view.root, proof.outer.view.root)

    def classify(self) -> list[Classification]:
        """Return every difference with its severity; at least one, as the schemas differ."""
        find_differences(self.comparison)
        differences = [*self.comparison.differences, *self._undeclared()]
        classified = [self._classify(difference) for difference in differences]
        if not self.is_harmless and not any(each.severity == "breaking" for each in classified):
            classified = self._escalate(classified)
        return classified or [_whole("text", "has a schema with different wording", "text")]

    def _classify(self, difference: Difference) -> Classification:
        if difference.severity:
            return Classification(difference, difference.severity)
        attempts = difference.gains if self.output else difference.losses
        if attempts is None or (self.is_harmless and difference.code != "field-gone"):
            return Classification(difference, "additive")
        counterexample = None if self.is_harmless else self.search.find(attempts)
        is_breaking = counterexample is not None and not difference.fields
        severity: Severity = "breaking" if is_breaking else "unproved"
        return Classification(difference, severity, counterexample)

    def _undeclared(self) -> list[Difference]:
        """Return one difference for the fields that only one side declares and both may take."""
        comparison = self.comparison
        fields = comparison.newly_allowed if self.output else comparison.newly_validated
        if not fields or self.is_harmless:
            return []
        values = None if self.output else UNDECLARED_VALUES
        attempts = tuple(Attempt(pointer, values) for pointer in fields)
        phrase = (
            "may hold fields that the old schema refuses"
            if self.output
            else "now validates fields that it let pass before"
        )
        return [
            Difference(
                code="undeclared",
                pointer=_parent(fields),
                phrase=phrase,
                losses=attempts,
                gains=attempts,
                fields=tuple(fields),
            )
        ]

    def _escalate(self, classified: list[Classification]) -> list[Classification]:
        """Search further for a counterexample where no difference has one.

        It counts for the one difference that can be to blame, else for the schema as a whole.
        """
        if any(each.difference.fields for each in classified):
            return classified
        unproved = [each for each in classified if each.severity == "unproved"]
        counterexample = self.search.search_nearby()
        if counterexample is None:
            return classified if unproved else [*classified, _whole("rules", _OTHER_RULES)]
        if len(unproved) == 1 and unproved[0].difference.code != "field-gone":
            index = classified.index(unproved[0])
            classified[index] = replace(
                unproved[0], severity="breaking", counterexample=counterexample
            )
            return classified
        return [*classified, _whole("rules", _OTHER_RULES, "breaking", counterexample)]


_OTHER_RULES = "has different rules"


def _parent(pointers: list[Pointer]) -> Pointer:
    """Return the pointer of the object that holds all the fields, else of the whole body."""
    parents = {pointer[:-1] for pointer in pointers}
    return parents.pop() if len(parents) == 1 else ()
