"""Search for a value that shows a break."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from callsheet.schema.references import drop_keyword
from callsheet.schemadiff.difference import Counterexample
from callsheet.schemadiff.normal_form import Case
from callsheet.schemadiff.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callsheet.schema.validator import Validator
    from callsheet.schemadiff.difference import Attempt, Attempts
    from callsheet.schemadiff.normal_form import Cases
    from callsheet.schemadiff.view import Conjunction


_COMMON_VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 0.5, "", "x", "A b", [], {}, ["x"], [1, 1], {"x": 1}),
)
_MAX_VALUES = 60
_MAX_NAMES = 30
_NO_SCHEMAS = frozenset(("enum", "const", "default", "examples"))
_WITH_NAMES = frozenset(("properties", "required", "dependentRequired"))


def _vary(bodies: Sequence[Any], schemas: Sequence[Any]) -> Iterator[Any]:
    """Yield the bodies, then each with one part changed to what the schemas mention."""
    values, names = _mentioned(schemas)
    yield from bodies
    for body in bodies:
        yield from _variants(body, values, names)


def _mentioned(schemas: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Return the values and the field names in schemas, breadth first."""
    values: list[Any] = list(_COMMON_VALUES)
    names: dict[str, None] = {}
    pending = list(schemas)
    while pending:
        part = pending.pop(0)
        if isinstance(part, list):
            pending.extend(part)
        if not isinstance(part, dict):
            continue
        values.extend(_literals(part))
        for key, inner in part.items():
            if key in _WITH_NAMES:
                names |= dict.fromkeys(name for name in inner if isinstance(name, str))
            if key not in _NO_SCHEMAS:
                pending.append(list(inner.values()) if key == "properties" else inner)
    return values[:_MAX_VALUES], list(names)[:_MAX_NAMES]


def _literals(schema: dict[str, Any]) -> Iterator[Any]:
    listed = schema.get("enum")
    yield from listed if isinstance(listed, list) else ()
    yield from (schema[keyword] for keyword in ("const", "default") if keyword in schema)
    for key, limit in schema.items():
        if isinstance(limit, int | float) and not isinstance(limit, bool) and abs(limit) < 1e9:
            if key.endswith("Length") and limit < 1_000:
                yield from ("y" * (int(limit) + 1), "y" * max(int(limit) - 1, 0))
            else:
                yield from (limit, limit + 1, limit - 1)


def _variants(body: Any, values: Sequence[Any], names: Sequence[str]) -> Iterator[Any]:
    if isinstance(body, dict):
        for name in body:
            yield {other: body[other] for other in body if other != name}
            for variant in _variants(body[name], values, names):
                yield {**body, name: variant}
        for name in names:
            if name not in body:
                yield from ({**body, name: value} for value in (1, "x", None))
    elif isinstance(body, list):
        for index, element in enumerate(body[:2]):
            for variant in _variants(element, values, names):
                yield [*body[:index], variant, *body[index + 1 :]]
        yield from ([*body, value] for value in values)
    yield from values


_MAX_TRIES = 60
_MAX_CASES = 8
_MAX_NEARBY = 6_000
_MAX_TWINS = 2


class Missing:
    """Stands for a field that is left out."""


MISSING: Final = Missing()
EXTRA = "undeclared_field"
"""The name of a field that no schema declares."""


class Search:
    """A search for bodies that one side allows and the other side refuses."""

    def __init__(self, allowing: Cases, refusing: Cases) -> None:
        self.allowing, self.refusing = allowing, refusing
        self.samples = Samples(allowing, refusing)

    def find(self, attempts: Attempts) -> Counterexample | None:
        """Return the first body of the attempts that both validators confirm."""
        roots = self.allowing.view.root, self.refusing.view.root
        for attempt in attempts:
            if not self.samples.renew_budget():
                return None
            bodies = self._bodies(*roots, attempt)
            counterexample = self._first_confirmed(islice(bodies, _MAX_TRIES))
            if counterexample is not None:
                return counterexample
        return None

    def search_nearby(self) -> Counterexample | None:
        """Return a confirmed body that is near to what either side allows."""
        return self._first_confirmed(islice(self._nearby(), _MAX_NEARBY))

    def sample(self) -> Counterexample | None:
        """Return any body that the allowing side takes."""
        if self._validators is None:
            return None
        allows = self._validators[0].allows
        samples = self.samples.of(self.allowing.view.root, self.refusing.view.root)
        return next((Counterexample(body) for body in samples if allows(body)), None)

    def _first_confirmed(self, bodies: Iterable[Any]) -> Counterexample | None:
        if self._validators is None:
            return None
        allowing, refusing = self._validators
        return next(
            (
                Counterexample(body)
                for body in bodies
                if not refusing.allows(body) and allowing.surely_allows(body)
            ),
            None,
        )

    def _nearby(self) -> Iterator[Any]:
        self.samples.renew_budget()
        allowing, refusing = self.allowing.view, self.refusing.view
        backward = Samples(self.refusing, self.allowing)
        bodies = self.samples.of(allowing.root, refusing.root)
        bodies += backward.of(refusing.root, allowing.root)
        yield from _vary(bodies, (allowing.schema, refusing.schema))

    @cached_property
    def _validators(self) -> tuple[Validator, Validator] | None:
        """Compile both advertised schemas; ``None`` where one has no validator."""
        from callsheet.schema.validator import UnusableSchema, Validator

        raws = _asserting(self.allowing.view.raw), _asserting(self.refusing.view.raw)
        try:
            return Validator.of(raws[0]), Validator.of(raws[1])
        except UnusableSchema:
            return None

    def _bodies(
        self, allowing: Conjunction, refusing: Conjunction, attempt: Attempt, depth: int = 0
    ) -> Iterator[Any]:
        """Yield whole bodies with each value of an attempt at its pointer."""
        if not attempt.pointer:
            values = attempt.values
            yield from self.samples.of(allowing, refusing) if values is None else values
            return
        is_index = isinstance(attempt.pointer[0], int)
        build = self._arrays if is_index else self._objects
        for case in self.allowing.of(allowing)[:_MAX_CASES]:
            if _has_any(case, "array" if is_index else "object"):
                yield from build(case, refusing, attempt, depth)

    def _objects(
        self, case: Case, refusing: Conjunction, attempt: Attempt, depth: int
    ) -> Iterator[dict[str, Any]]:
        name = str(attempt.pointer[0])
        start = self.samples.build_object(case, refusing, omit=name, depth=depth)
        if start is None:
            return
        if attempt.values == (MISSING,) and len(attempt.pointer) == 1:
            yield start
            return
        field = case.field(name)
        for twin in self._twins(refusing, "object"):
            twin_field = twin.field(name)
            for value in self._bodies(field, twin_field, attempt.inner(), depth + 1):
                yield {**start, name: value}

    def _arrays(
        self, case: Case, refusing: Conjunction, attempt: Attempt, depth: int
    ) -> Iterator[list[Any]]:
        index = int(attempt.pointer[0])
        start = self.samples.fill_array(case, [], depth) or []
        while len(start) < index:
            options = self.samples.of(case.item(len(start)))
            if not options:
                return
            start.append(options[0])
        element = case.item(index)
        for twin in self._twins(refusing, "array"):
            twin_element = twin.item(index)
            for value in self._bodies(element, twin_element, attempt.inner(), depth + 1):
                yield [*start[:index], value, *start[index + 1 :]]

    def _twins(self, refusing: Conjunction, kind: str) -> list[Case]:
        """Return the cases of the refusing side that a value of a kind may pass."""
        cases = [case for case in self.refusing.of(refusing) if _has_any(case, kind)]
        return cases[:_MAX_TWINS] or [Case()]


def _has_any(case: Case, kind: str) -> bool:
    return kind in case.kinds and case.values is None


def _asserting(schema: Any) -> Any:
    """Copy a schema without the keywords on which validators disagree."""
    return drop_keyword(drop_keyword(schema, "contentEncoding"), "contentMediaType")
