"""Judges what ``diff`` says of two schemas by bodies and by a validator that nobody here wrote."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from drift.bodies import Bodies
from drift.mutations import mutated
from fidelity.tally import Row
from jsonschema.validators import validator_for
from referencing import Registry

from callsheet.schema import validator
from callsheet.schema.admission import meta_uri
from callsheet.schema.references import SchemaRefused
from callsheet.schemadiff.classify import compare
from callsheet.schemadiff.normal_form import Cases
from callsheet.schemadiff.samples import Samples
from callsheet.schemadiff.view import SchemaView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fidelity.material import Case

_GRAVE = ("breaking", "unproved")


@dataclass
class Campaign:
    """The rows of the table, and how often each verdict was given."""

    seed: int = 7
    bodies: int = 40
    sound: Row = field(default_factory=lambda: Row("harmless changes refuse no body of before"))
    shown: Row = field(default_factory=lambda: Row("breaking changes carry a witness"))
    reverse: Row = field(default_factory=lambda: Row("harmless replies were possible before"))
    replied: Row = field(default_factory=lambda: Row("breaking replies carry a witness"))
    silent: Row = field(default_factory=lambda: Row("every difference is told"))
    tried: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> list[Row]:
        """Every row, in the order of the table."""
        return [self.sound, self.shown, self.reverse, self.replied, self.silent]

    def run(self, cases: Sequence[Case], count: int) -> None:
        """``count`` mutations, taken in turn from the cases."""
        chance = Random(self.seed)
        done = 0
        while done < count:
            case = cases[done % len(cases)]
            new, kinds = mutated(case.input, chance)
            done += 1
            try:
                judges = validator.compile(case.input), validator.compile(new)
            except validator.UnusableSchema:
                self.tried["refused"] += 1
                continue
            self._one(case, new, judges, (kinds, chance))

    def _one(
        self,
        case: Case,
        new: Any,
        judges: tuple[validator.Validator, validator.Validator],
        drawn: tuple[list[str], Random],
    ) -> None:
        kinds, chance = drawn
        old = case.input
        drawn_bodies = Bodies(old, new, chance)
        pool = [*case.valid, *case.invalid, *_samples(old, new)]
        verdicts = [
            (body, judges[0].allows(body), judges[1].allows(body))
            for body in drawn_bodies.near(pool, self.bodies)
        ]
        name = f"{case.id} {'+'.join(kinds)}"
        for output in (False, True):
            found = compare(old, new, output=output)
            said = {one.severity for one in found}
            lost = [body for body, was, now in verdicts if (now > was if output else was > now)]
            self._sound(name, said, lost, (old, new), output=output)
            for one in found:
                if one.severity == "breaking":
                    value = one.witness.value if one.witness else None
                    row = self.replied if output else self.shown
                    pair = (new, old) if output else (old, new)
                    good = one.witness is not None and _shows(*pair, value)
                    row.count(name, "" if good else f"{one.finding} {value!r:.200} {pair}")
            if not output:
                self.silent.count(name, "" if found or old == new else json.dumps([old, new]))

    def _sound(
        self, name: str, said: set[str], lost: list[Any], pair: tuple[Any, Any], *, output: bool
    ) -> None:
        row = self.reverse if output else self.sound
        worst = next((one for one in (*_GRAVE, "additive", "text") if one in said), "same")
        self.tried[f"{'output' if output else 'input'} {worst}"] += 1
        if worst == "unproved" and lost:
            self.missed["output" if output else "input"] += 1
        wrong = bool(lost) and worst not in _GRAVE
        row.count(name, f"{lost[0]!r:.200} {json.dumps(pair)}" if wrong else "")


def _samples(old: Any, new: Any) -> list[Any]:
    """What the engine itself would try: no oracle, but a good start for one."""
    try:
        sides = [Cases(SchemaView(one)) for one in (old, new)]
    except SchemaRefused:
        return []
    roots = [side.side.conj(side.side.root) for side in sides]
    return [
        body
        for one, other, root in ((*sides, roots[0]), (*reversed(sides), roots[1]))
        for body in Samples(one, other).of(root)
    ]


def _shows(left: Any, right: Any, value: Any) -> bool:
    """Whether jsonschema agrees that one side allows the value and the other refuses it."""
    try:
        return _independent(left)(value) and not _independent(right)(value)
    except TypeError:  # jsonschema does not take `items: true` beside `additionalItems`
        return validator.compile(left).allows(value) and not validator.compile(right).allows(value)


def _independent(schema: Any) -> Callable[[Any], bool]:
    if isinstance(schema, bool):
        return lambda value: schema
    from callsheet.schema.admission import draft_of

    kind = validator_for({"$schema": meta_uri(draft_of(schema))})
    valid: Callable[[Any], bool] = kind(schema, registry=Registry()).is_valid
    return valid
