"""Check what ``diff`` says of two schemas by bodies and by a validator that nobody here wrote."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from drift.bodies import Bodies
from drift.mutations import mutate
from fidelity.tally import Row
from jsonschema.validators import validator_for
from referencing import Registry

from callsheet.diff.change import RANK
from callsheet.schema.draft import meta_uri
from callsheet.schema.references import SchemaRefused
from callsheet.schema.validator import UnusableSchema, Validator
from callsheet.schemadiff.classify import compare_schemas
from callsheet.schemadiff.normal_form import Cases
from callsheet.schemadiff.samples import Samples
from callsheet.schemadiff.view import SchemaView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fidelity.material import ActionCase

    from callsheet.schemadiff.classify import Classification


@dataclass
class DriftCampaign:
    """The rows of the table, and how often each verdict was given."""

    seed: int = 7
    bodies: int = 40
    sound: Row = field(default_factory=lambda: Row("harmless changes refuse no body of before"))
    shown: Row = field(default_factory=lambda: Row("breaking changes carry a witness"))
    reverse: Row = field(default_factory=lambda: Row("harmless replies were possible before"))
    replied: Row = field(default_factory=lambda: Row("breaking replies carry a witness"))
    silent: Row = field(default_factory=lambda: Row("every difference is reported"))
    tried: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> list[Row]:
        """Return every row, in the order of the table."""
        return [self.sound, self.shown, self.reverse, self.replied, self.silent]

    def run(self, cases: Sequence[ActionCase], count: int) -> None:
        """Play ``count`` mutations, taken in turn from the cases."""
        chance = Random(self.seed)
        for number in range(count):
            case = cases[number % len(cases)]
            new, changes = mutate(case.input, chance)
            try:
                validators = Validator.of(case.input), Validator.of(new)
            except UnusableSchema:
                self.tried["refused"] += 1
                continue
            name = f"{case.id} {'+'.join(changes)}"
            bodies = Bodies(case.input, new, chance)
            pool = [*case.valid, *case.invalid, *_samples(case.input, new)]
            verdicts = [
                (body, validators[0].allows(body), validators[1].allows(body))
                for body in bodies.near(pool, self.bodies)
            ]
            self._check(name, (case.input, new), verdicts)

    def _check(
        self, name: str, pair: tuple[Any, Any], verdicts: list[tuple[Any, bool, bool]]
    ) -> None:
        """Compare what ``diff`` says of a pair of schemas with the verdicts on the bodies."""
        old, new = pair
        for output in (False, True):
            classified = compare_schemas(old, new, output=output)
            broken = [
                body
                for body, before, after in verdicts
                if (after > before if output else before > after)
            ]
            self._count_harmless(name, classified, broken, pair, output=output)
            self._count_breaking(name, classified, pair, output=output)
            if not output:
                unreported = not classified and old != new
                self.silent.count(name, json.dumps([old, new]) if unreported else "")

    def _count_breaking(
        self, name: str, classified: list[Classification], pair: tuple[Any, Any], *, output: bool
    ) -> None:
        row = self.replied if output else self.shown
        allowing, refusing = reversed(pair) if output else pair
        for entry in classified:
            if entry.severity == "breaking":
                body = entry.counterexample.value if entry.counterexample else None
                shows = entry.counterexample is not None and _shows(allowing, refusing, body)
                problem = f"{entry.difference} {body!r:.200} {(allowing, refusing)}"
                row.count(name, "" if shows else problem)

    def _count_harmless(
        self,
        name: str,
        classified: list[Classification],
        broken: list[Any],
        pair: tuple[Any, Any],
        *,
        output: bool,
    ) -> None:
        row = self.reverse if output else self.sound
        severities = {entry.severity for entry in classified}
        worst = next((severity for severity in RANK if severity in severities), "same")
        self.tried[f"{'output' if output else 'input'} {worst}"] += 1
        if worst == "unproved" and broken:
            self.missed["output" if output else "input"] += 1
        wrong = bool(broken) and worst not in {"breaking", "unproved"}
        row.count(name, f"{broken[0]!r:.200} {json.dumps(pair)}" if wrong else "")


def _samples(old: Any, new: Any) -> list[Any]:
    """Return what the engine itself would try: no oracle, but a good start for one."""
    try:
        cases = Cases(SchemaView(old)), Cases(SchemaView(new))
    except SchemaRefused:
        return []
    return [
        body
        for own, other in (cases, reversed(cases))
        for body in Samples(own, other).of(own.view.root)
    ]


def _shows(allowing: Any, refusing: Any, body: Any) -> bool:
    """Tell whether jsonschema agrees that one side allows the body and the other refuses it."""
    try:
        return _independent(allowing)(body) and not _independent(refusing)(body)
    except TypeError:  # jsonschema does not take `items: true` beside `additionalItems`
        validators = Validator.of(allowing), Validator.of(refusing)
        return validators[0].allows(body) and not validators[1].allows(body)


def _independent(schema: Any) -> Callable[[Any], bool]:
    if isinstance(schema, bool):
        return lambda body: schema
    from callsheet.schema.draft import draft_of

    validator_class = validator_for({"$schema": meta_uri(draft_of(schema))})
    valid: Callable[[Any], bool] = validator_class(schema, registry=Registry()).is_valid
    return valid
