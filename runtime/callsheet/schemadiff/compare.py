"""Walk two schemas side by side."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from callsheet.schemadiff import phrases
from callsheet.schemadiff.cases import kind_of, mark
from callsheet.schemadiff.compare_kinds import KindsWalk
from callsheet.schemadiff.difference import Attempt

if TYPE_CHECKING:
    from callsheet.schemadiff.cases import Case, OpaqueRule
    from callsheet.schemadiff.difference import Difference, Steps
    from callsheet.schemadiff.view import Conj, SchemaView


_WORDED = ("title", "description", "examples", "readOnly", "writeOnly")
_DEEPEST = 24


class Walk(KindsWalk):
    """Collects the findings; a pair of schemas that is met again is told once."""

    def __init__(self, old: SchemaView, new: SchemaView) -> None:
        super().__init__(old, new)
        self._waiting: deque[tuple[Conj, Conj, Steps]] = deque()

    def run(self) -> list[Difference]:
        """Everything that differs; a schema that is met in several places at the shallowest."""
        root = (self.old.side.conj(self.old.side.root), self.new.side.conj(self.new.side.root))
        self.pair(*root, ())
        while self._waiting:
            self.rest()
            self._compared(*self._waiting.popleft())
        return self.found

    def pair(self, one: Conj, other: Conj, steps: Steps) -> None:
        """Compare what binds one value on both sides, later."""
        met = (self.old.side.mark(one), self.new.side.mark(other))
        if met not in self.met and len(steps) <= _DEEPEST:
            self.met.add(met)
            self._waiting.append((one, other, steps))

    def _compared(self, one: Conj, other: Conj, steps: Steps) -> None:
        if self.old.side.said(one) == self.new.side.said(other):
            return
        self._texts(one, other, steps)
        alike = self.old.side.keys(one) == self.new.side.keys(other)
        self._cases(one, other, steps, alike=alike)

    def _texts(self, one: Conj, other: Conj, steps: Steps) -> None:
        old, new = self.old.side.notes(one), self.new.side.notes(other)
        had, has = "default" in old, "default" in new
        if had != has or mark(old.get("default")) != mark(new.get("default")):
            words = phrases.default(old.get("default"), new.get("default"), had=had, has=has)
            self.tell("default", steps, words, told="additive")
        if bool(old.get("deprecated")) != bool(new.get("deprecated")):
            word = "is deprecated now" if new.get("deprecated") else "is no longer deprecated"
            self.tell("deprecated", steps, word, told="text")
        if any(mark(old.get(key)) != mark(new.get(key)) for key in _WORDED):
            self.tell("text", steps, "is described otherwise", told="text")

    def _cases(self, one: Conj, other: Conj, steps: Steps, *, alike: bool) -> None:
        left, right = self.old.of(one), self.new.of(other)
        if not alike:
            self._kinds(left, right, steps)
            self._rules(left, right, steps)
        for kind in ("string", "number", "array", "object"):
            mine = [case for case in left if kind in case.kinds and case.values is None]
            theirs = [case for case in right if kind in case.kinds and case.values is None]
            if mine and theirs:
                self.variants(kind, mine, theirs, steps)

    def _kinds(self, left: tuple[Case, ...], right: tuple[Case, ...], steps: Steps) -> None:
        """Which kinds and which listed values come and go."""
        old, new = _general(left), _general(right)
        had, has = _listed(left, old), _listed(right, new)
        gone, come = old - new, new - old
        only = [has[key] for key in has if kind_of(has[key]) in gone]
        were = {kind_of(value) for value in had.values()}
        if gone and come and not old & new and not had and not has:
            words = f"takes {_said_kinds(come, right)} instead of {_said_kinds(gone, left)}"
            self.tell("kind", steps, words, less=self.any_at(steps), more=self.any_at(steps))
            return
        if only:
            words = f"takes only {phrases.listed(only)} now"
            self.tell("values-lost", steps, words, less=self.any_at(steps))
        lost = gone - {kind_of(value) for value in only}
        if lost:
            words = f"no longer takes {_said_kinds(lost, left)}"
            self.tell("kind-lost", steps, words, less=self.any_at(steps))
        if come & were:
            words = f"takes any {_said_kinds(come & were, right)} now"
            self.tell("values-new", steps, words, more=self.any_at(steps))
        if come - were:
            words = f"takes {_said_kinds(come - were, right)} too"
            self.tell("kind-new", steps, words, more=self.any_at(steps))
        self._values(had, has, (old, new), steps)

    def _values(
        self,
        had: dict[str, Any],
        has: dict[str, Any],
        general: tuple[frozenset[str], frozenset[str]],
        steps: Steps,
    ) -> None:
        old, new = general
        lost = [had[key] for key in had if key not in has and kind_of(had[key]) not in new]
        come = [has[key] for key in has if key not in had and kind_of(has[key]) not in old]
        if lost:
            words = f"no longer takes {phrases.listed(lost)}"
            self.tell("values-lost", steps, words, less=(Attempt(steps, tuple(lost)),))
        if come:
            words = f"takes {phrases.listed(come)} too"
            self.tell("values-new", steps, words, more=(Attempt(steps, tuple(come)),))

    def _rules(self, left: tuple[Case, ...], right: tuple[Case, ...], steps: Steps) -> None:
        """Rules that are compared as a whole."""
        old = {rule: None for case in left for rule in sorted(case.opaque, key=_key)}
        new = {rule: None for case in right for rule in sorted(case.opaque, key=_key)}
        gone = [rule for rule in old if rule not in new]
        for rule in [rule for rule in new if rule not in old]:
            twin = next((one for one in gone if one.word == rule.word), None)
            if twin is not None:
                gone.remove(twin)
            words = phrases.rule(rule.word, _said(twin), _said(rule))
            more = None if twin is None else self.any_at(steps)
            self.tell("rule", steps, words, less=self.any_at(steps), more=more)
        for rule in gone:
            words = phrases.rule(rule.word, _said(rule), None)
            self.tell("rule", steps, words, more=self.any_at(steps))


def _said_kinds(kinds: frozenset[str], cases: tuple[Case, ...]) -> str:
    numeric = [case for case in cases if "number" in case.kinds]
    whole = numeric and all(case.whole for case in numeric)
    return phrases.kinds("integer" if whole and kind == "number" else kind for kind in kinds)


def _key(rule: OpaqueRule) -> tuple[str, str]:
    return rule.word, rule.key


def _said(rule: OpaqueRule | None) -> Any:
    if rule is None:
        return None
    return rule.schema.get(rule.word) if isinstance(rule.schema, dict) else rule.schema


def _general(cases: tuple[Case, ...]) -> frozenset[str]:
    """The kinds of which any value may come, and null, of which there is but one."""
    found = {kind for case in cases if case.values is None for kind in case.kinds}
    if any(case.values is not None and mark(None) in case.values for case in cases):
        found.add("null")
    return frozenset(found)


def _listed(cases: tuple[Case, ...], general: frozenset[str]) -> dict[str, Any]:
    """The listed values of kinds of which not any value may come."""
    return {
        name: value
        for case in cases
        for name, value in (case.values or {}).items()
        if kind_of(value) in case.kinds and kind_of(value) not in general
    }
