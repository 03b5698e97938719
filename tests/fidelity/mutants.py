"""Schemas with one odd keyword each: that pointer goes unjudged, everything else still refuses."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from fidelity.material import identical
from fidelity.tally import Row
from jsonschema.validators import validator_for
from referencing import Registry

from callsheet.jsonio import to_pointer
from callsheet.schema.draft import draft_of, meta_uri
from callsheet.schema.validator import UnusableSchema, Validator
from callsheet.spec import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fidelity.material import ActionCase
    from fidelity.routes import Routes

Schema = dict[str, Any]
GONE = object()
_MOST_BODIES = 12
_OLD = ("draft-04", "draft-06", "draft-07")
_SKIPPED = (
    r"\\p{",
    '"multipleOf": 0.',
    "unevaluated",
    '"$dynamic',
    '"$recursive',
    '"$anchor',
    '"$id"',
    '"id": "http',
)
_REVERSING = ('"not"', '"if"', '"oneOf"', '"contains"')


class Oddity(NamedTuple):
    """Keywords to write into a schema, and what they mean; ``GONE`` where they mean nothing."""

    kind: str
    odd: Callable[[Schema], Schema]
    meaning: Callable[[Schema], Schema] | None = None
    fits: Callable[[Schema], bool] = lambda schema: True


def _odd(kind: str, keyword: str, *values: Any) -> list[Oddity]:
    def write(value: Any) -> Callable[[Schema], Schema]:
        return lambda _: {keyword: value}

    return [Oddity(kind, write(value)) for value in values]


def _said(kind: str, odd: Schema, meaning: Schema, *, without: Sequence[str] = ()) -> Oddity:
    return Oddity(
        kind,
        lambda _: odd,
        lambda _: meaning,
        lambda schema: not {*odd, *without} & schema.keys(),
    )


def _deep(levels: int) -> Schema:
    schema: Schema = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


LOOK = r"^(?!zz|q{2})(?=[^\n]?).{0,40}"
LOOKS = ({"not": {"type": "string", "pattern": "^(zz|q{2})"}}, {"pattern": "^.{0,40}"})
_NULLED = ("enum", "const", "$ref", "anyOf", "oneOf", "allOf", "not", "if")
ODDITIES: tuple[Oddity, ...] = (
    *_odd("mistyped", "type", "strnig", 5, [], {"type": "string"}, ["string", "date"], "file"),
    *_odd("mistyped", "minimum", "1", True, []),
    *_odd("mistyped", "maxLength", "9", -1, 1.5),
    *_odd("mistyped", "enum", {"a": "A"}, "a", 5, []),
    *_odd("mistyped", "required", "prompt", {"a": True}, 5, [5]),
    *_odd("mistyped", "additionalProperties", "false", 0, ["a"]),
    *_odd("mistyped", "properties", "none", 5, [{"name": "a"}]),
    *_odd("mistyped", "items", "string", 5),
    *_odd("mistyped", "multipleOf", 0, "2", -1),
    *_odd("mistyped", "anyOf", [], "x", {}),
    *_odd("mistyped", "pattern", 5, "[", {}),
    *_odd("misplaced", "propertyNames", "a"),
    *_odd("misplaced", "exclusiveMaximum", "x", {}),
    Oddity("misplaced", lambda _: {"exclusiveMinimum": True}, None, lambda s: "minimum" not in s),
    *_odd("over a limit", "pattern", "a" * 3_000, "(?:ab){1,9}" * 400),
    *_odd("over a limit", "maximum", 10**400, -(10**4_000)),
    *_odd("over a limit", "enum", [10**400, 1], ["\ud800"]),
    *_odd("over a limit", "items", _deep(80)),
    *_odd("look-around", "pattern", r"(?<!a)b$", r"(a)\1", r"^a(?=b)", r"x(?!y)"),
    *_odd("link", "$ref", "https://a.example/s.json#/x", "other.json", "file:///etc/passwd"),
    *_odd("link", "$ref", "#/$defs/nowhere", "#/definitions/no", "#nowhere", 5, "urn:x:y"),
    *(_said("annotation", {word: value}, {}) for word, value in (
        ("title", 5), ("description", ["a"]), ("description", "x" * 200_000), ("examples", "x"),
        ("format", {}), ("deprecated", "no"), ("readOnly", 1), ("$comment", {}),
        ("title", "\udfff"),        ("minLength", None), ("$ref", None), ("format", "x"),
        ("x-order", {"a": float("inf")}),
    )),
    _said("look-ahead", {"pattern": LOOK}, {"allOf": list(LOOKS)}, without=("allOf",)),
    _said("brace", {"pattern": "^[^{]|{a"}, {"pattern": r"^[^{]|\{a"}),
    _said("empty", {"properties": []}, {}, without=("$ref",)),
    _said("mark", {"minimum": 3, "exclusiveMinimum": True}, {"exclusiveMinimum": 3}),
    Oddity(
        "case",
        lambda schema: {"type": schema["type"].upper()},
        lambda schema: {"type": schema["type"]},
        lambda schema: isinstance(schema.get("type"), str),
    ),
    Oddity(
        "nullable",
        lambda _: {"nullable": True},
        lambda schema: {"type": list({schema["type"]: 0, "null": 0})},
        lambda schema: isinstance(schema.get("type"), str) and not {*_NULLED} & schema.keys(),
    ),
    Oddity(
        "twice",
        lambda schema: {"required": schema["required"] * 2},
        lambda schema: {"required": schema["required"]},
        lambda schema: bool(schema.get("required")),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A case with an odd keyword; ``pointer`` is where it stands, or empty if it has a meaning."""

    case: ActionCase
    kind: str
    pointer: str


def mutants(cases: Sequence[ActionCase], count: int, seed: int = 7) -> list[Mutant]:
    """Make so many mutants; each oddity is used as often as any other."""
    chance = Random(seed)
    usable = [case for case in cases if _is_usable(case)]
    made: list[Mutant] = []
    number = 0
    while len(made) < count:
        oddity, case = ODDITIES[len(made) % len(ODDITIES)], usable[number % len(usable)]
        number += 1
        mutant = _mutant(case, oddity, chance)
        if mutant is not None:
            name = f"mutant{len(made)}.{mutant.kind.split()[0].replace('-', '_')}"
            made.append(replace(mutant, case=replace(mutant.case, id=name)))
    return made


def _is_usable(case: ActionCase) -> bool:
    text = json.dumps(case.input)
    is_reversed = '"$ref"' in text and any(word in text for word in _REVERSING)
    return (
        isinstance(case.input, dict)
        and not is_reversed
        and not any(map(text.__contains__, _SKIPPED))
    )


def _mutant(case: ActionCase, oddity: Oddity, chance: Random) -> Mutant | None:
    places = [steps for steps, schema in _places(case.input, ()) if _fits(schema, oddity, case)]
    if not places:
        return None
    steps = chance.choice(places)
    odd, rest = copy.deepcopy(case.input), copy.deepcopy(case.input)
    target = _at(odd, steps)
    keywords = oddity.odd(target)
    _write(_at(rest, steps), keywords, oddity, is_old=draft_of(case.input) in _OLD)
    target.update(keywords)
    if draft_of(odd) != draft_of(case.input):
        return None
    pointer = "" if oddity.meaning else to_pointer([*steps, next(iter(keywords))])
    bodies = [*case.valid[:_MOST_BODIES], *case.invalid[:_MOST_BODIES]]
    allows = _oracle(rest, draft_of(case.input))
    valid = tuple(body for body in bodies if allows(body))
    invalid = tuple(body for body in bodies if not allows(body))
    return Mutant(
        replace(case, input=odd, output=None, valid=valid, invalid=invalid), oddity.kind, pointer
    )


def _fits(schema: Schema, oddity: Oddity, case: ActionCase) -> bool:
    keywords = oddity.odd(schema) if oddity.fits(schema) else {}
    is_old = draft_of(case.input) in _OLD
    is_silenced = is_old and "$ref" in schema and "$ref" not in keywords
    is_list = isinstance(schema.get("items"), list) and "items" in keywords
    is_draft_4 = draft_of(case.input) == "draft-04"
    return bool(keywords) and not (is_silenced or is_list or is_draft_4 or "prefixItems" in schema)


def _write(schema: Schema, keywords: Schema, oddity: Oddity, *, is_old: bool) -> None:
    """Write into a schema what an oddity means; without a meaning its keywords are gone."""
    meaning = oddity.meaning(schema) if oddity.meaning else {}
    for keyword in keywords:
        schema.pop(keyword, None)
    if "properties" in keywords and not oddity.meaning:
        schema.pop("additionalProperties", None)  # what it leaves over is not known
    if "$ref" in keywords and is_old and not oddity.meaning:
        for keyword in schema.keys() - {"definitions", "$defs", "$schema"}:
            del schema[keyword]
    schema.update(meaning)


def _places(schema: Any, steps: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Yield each schema that can be reached over keywords that only ever add rules."""
    if not isinstance(schema, dict):
        return
    yield steps, schema
    for name, part in schema.get("properties", {}).items():
        yield from _places(part, (*steps, "properties", name))
    for key in ("items", "additionalProperties"):
        yield from _places(schema.get(key), (*steps, key))
    for key in ("allOf", "anyOf"):
        for index, part in enumerate(schema.get(key, ())):
            yield from _places(part, (*steps, key, str(index)))


def _at(schema: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        schema = schema[int(step)] if isinstance(schema, list) else schema[step]
    return schema


def _oracle(schema: Schema, draft: Any) -> Callable[[Any], bool]:
    """Return the verdict of the package jsonschema on a schema without its odd keyword."""
    validator = validator_for({"$schema": meta_uri(draft)})(schema, registry=Registry())
    return lambda body: bool(validator.is_valid(body))


class MutantCampaign:
    """The rows about mutants; ``run`` fills them."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.named = Row("mutants: the odd pointer is named, and it alone")
        self.same = Row("mutants: valid bodies identical on the wire")
        self.refused = Row("mutants: invalid bodies refused, with a pointer", goal=99.95)
        self.faultless = Row("mutants without any fault", goal=99.9)

    @property
    def rows(self) -> list[Row]:
        """Return every row, in the order of the table."""
        return [self.named, self.same, self.refused, self.faultless]

    def run(self, played: Sequence[Mutant]) -> None:
        """Try every body of every mutant."""
        for mutant in played:
            self._name(mutant)
            for body in mutant.case.valid:
                sent = self.routes.library(Action(id=mutant.case.id), body)
                good = sent.body is not None and identical(sent.json, body)
                self.same.count(mutant.case.id, "" if good else f"{json.dumps(body)} -> {sent}")
            for body in mutant.case.invalid:
                sent = self.routes.library(Action(id=mutant.case.id), body)
                good = sent.body is None and sent.code == 2 and sent.pointer is not None
                self.refused.count(mutant.case.id, "" if good else f"{json.dumps(body)} -> {sent}")
        wrong = {name for row in self.rows for name, _ in row.wrong}
        for mutant in played:
            self.faultless.count(mutant.case.id, "see above" if mutant.case.id in wrong else "")

    def _name(self, mutant: Mutant) -> None:
        try:
            notes = Validator.of(mutant.case.input).notes
        except UnusableSchema as error:
            self.named.count(mutant.case.id, str(error))
            return
        expected = [mutant.pointer] if mutant.pointer else []
        good = len(notes) == len(expected) and all(map(str.startswith, notes, expected))
        self.named.count(mutant.case.id, "" if good else f"{expected} {notes}")
