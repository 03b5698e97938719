"""Repair an advertised schema, so that an odd keyword costs itself and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.jsonio import canonical, to_pointer
from callsheet.schema.draft import (
    draft_of,
    invalid_places,
    is_valid_schema,
    repair_identity,
    require_marked,
    translate,
)
from callsheet.schema.keywords import (
    APPLIES_TO,
    IN_PLACE,
    KEYWORDS,
    LINKS,
    NAMED,
    NEWER,
    ONE,
    SEVERAL,
    SILENT,
    UNCHECKED,
    subschemas,
)
from callsheet.schema.limits import Copier, CostCutter
from callsheet.schema.references import (
    Location,
    ReferenceIndex,
    SchemaRefused,
    base_uri,
    follow,
    is_admitted,
    is_metaschema,
    local_ref,
    root_base,
    with_uri_refs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from callsheet.schema.references import Draft


_MOST_ROUNDS = 8
_LONGEST = 500
_NOTHING = object()
_MISREAD = (r"\<", r"\>")
_BESIDE_AN_OLD_REF = frozenset(("title", "description", "default", "$defs", "definitions"))
_CONDITION = ("if", "then", "else")
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
_EVALUATING = (
    (IN_PLACE - {"not"})
    | LINKS
    | frozenset(
        (
            *(
                "",
                "properties",
                "patternProperties",
                "additionalProperties",
                "items",
                "prefixItems",
            ),
            *("additionalItems", "contains", *_UNEVALUATED),
        )
    )
)
"""Keywords that count as naming fields or entries; the empty one stands for all."""
_NAMES_FIELDS = {"properties", "patternProperties"}


class _Position(NamedTuple):
    """Where a schema was advertised, and the base of its references."""

    schema: dict[str, Any]
    pointer: str
    base: str


def repair(raw: object) -> RepairedSchema:
    """Repair a schema; raise ``SchemaRefused`` for what is not one, or too large."""
    if not isinstance(raw, dict):
        raise SchemaRefused("this is not a JSON Schema: neither an object nor true or false", "")
    return RepairedSchema(raw)


class RepairedSchema:
    """A repaired copy of one schema.

    What older drafts, OpenAPI and other languages write otherwise is translated. What cannot be
    read is taken out, with whatever could refuse more without it; ``notes`` name the pointer
    of each such keyword in the advertised schema. ``is_misread`` tells whether a pattern means
    something else to the engine that runs in linear time.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        copier = Copier()
        self.schema: dict[str, Any] = with_uri_refs(copier.copy(raw))
        self.draft: Draft = draft_of(self.schema)
        self.notes: list[str] = []
        self.is_misread = False
        self._is_old = self.draft.startswith("draft")
        self._troubles = copier.troubles
        self._places: dict[int, _Position] = {}
        self._targets: dict[tuple[int, str], Any] = {}
        self._loosener = Loosener()
        repair_identity(self.schema, self.draft)
        self._repair_root((), self.schema, root_base(self.schema))
        self._check_links()
        cutter = CostCutter(lambda schema, key: self._targets.get((id(schema), key)), self._lose)
        for place in list(self._places.values()):
            cutter.cut(place.schema)
        self._loosen()

    def repair_patterns(self) -> None:
        """Rewrite the patterns that cannot run in linear time, or take them out."""
        from callsheet.schema.limits import repair_patterns

        for place in list(self._places.values()):
            repair_patterns(place.schema, self._lose)
        self._loosen()

    def mark(self) -> None:
        """Write into each schema what it lost; schemas that lost the same then compare equal."""
        self._loosener.mark()

    def certain(self) -> dict[str, Any]:
        """Copy the schema so that it refuses every value that a lost keyword might refuse."""
        schema: dict[str, Any] = self._loosener.tighten(self.schema)
        return schema

    def _loosen(self) -> None:
        schemas = [place.schema for place in self._places.values()]
        self._loosener.loosen(schemas, self._targets)

    def _repair_root(self, location: Location, schema: dict[str, Any], base: str) -> None:
        """Repair what stands beneath one root: the document, or the target of a reference."""
        for steps, reason in list(self._troubles.items()):
            inner = steps[len(location) :]
            if steps == (*location, *inner) and self._drop_at(schema, location, inner, reason):
                del self._troubles[steps]
        self._visit(_Position(schema, to_pointer(location), base))
        for _ in range(_MOST_ROUNDS):
            if is_valid_schema(schema, self.draft):
                return
            for steps in invalid_places(schema, self.draft):
                self._drop_at(schema, location, steps, "")
        self._loosener.lost(schema, "", dict(schema))
        schema.clear()
        self._note(to_pointer(location), f"this is not a valid JSON Schema ({self.draft})")

    def _visit(self, place: _Position) -> None:
        """Translate a schema and those beneath it, and remember where they were advertised."""
        schema = place.schema
        if id(schema) in self._places:
            return
        repair_identity(schema, self.draft)
        place = place._replace(base=base_uri(schema, place.base))
        self._places[id(schema)] = place
        self.is_misread |= any(escape in str(schema.get("pattern", "")) for escape in _MISREAD)
        require_marked(schema)
        for inner, steps in list(self._beneath(schema)):
            self._visit(_Position(inner, place.pointer + to_pointer(steps), place.base))
        if not self._is_silenced(schema):
            before = dict(schema)
            for key, reason in translate(schema, self.draft):
                self._report(schema, key, reason, before[key])
        for inner, _ in self._beneath(schema):
            self._places.setdefault(id(inner), _Position(inner, place.pointer, place.base))

    def _beneath(self, schema: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Location]]:
        """Yield each schema right beneath one that is enforced, with the steps to it."""
        is_silenced = self._is_silenced(schema)
        for key in list(schema):
            if self._is_unknown(key) or (is_silenced and key not in _BESIDE_AN_OLD_REF):
                continue
            for steps, inner in _parts(key, schema[key]):
                if isinstance(inner, dict):
                    yield inner, steps

    def _is_silenced(self, schema: dict[str, Any]) -> bool:
        """Tell whether a ``$ref`` hides what stands beside it: before 2019-09, but for nullable."""
        return self._is_old and isinstance(schema.get("$ref"), str) and "nullable" not in schema

    def _is_unknown(self, key: str) -> bool:
        return self._is_old and key in NEWER and key != "$defs"

    def _drop_at(
        self, root: dict[str, Any], location: Location, steps: Location, reason: str
    ) -> bool:
        """Drop the keyword within which the steps from a root end; False where none is known."""
        schema, path, waiting = root, list(location), list(steps)
        while waiting:
            start, key = len(path), waiting.pop(0)
            path.append(key)
            content = schema.get(key)
            inner = _enter(content, key, waiting, path)
            if isinstance(inner, dict) and waiting:
                schema = inner
                continue
            if key not in KEYWORDS or self._is_unknown(key):
                return False
            if key in schema:
                self._drop(schema, path, start, reason)
            return True
        return False

    def _drop(self, schema: dict[str, Any], path: list[str], start: int, reason: str) -> None:
        """Drop the keyword at ``path[start]``, or the entry of it in which the path ends."""
        place, key = self._places.get(id(schema)), path[start]
        above = to_pointer(path[:start]) if place is None else place.pointer
        if key in SILENT or (self._is_silenced(schema) and key not in LINKS):
            if not (reason and isinstance(schema[key], str)):  # a text was cut already
                del schema[key]
            return
        odd: Any = schema[key]
        if len(path) - start == 1 or key == "dependencies":
            self._take_out(schema, key)
        else:
            entry = int(path[-1]) if isinstance(odd, list) else path[-1]
            entries, odd = odd, _at(odd, entry)
            if odd is _NOTHING:  # an earlier step took it
                return
            if reason and key in NAMED and odd is not None:  # it is the name that is too long
                self._loosener.lost(schema, key, [entry, entries.pop(entry)])
            else:
                hole: dict[str, Any] = {}
                entries[entry] = hole
                self._loosener.lost(hole, "", odd)
                pointer = above + to_pointer(path[start:])
                self._places[id(hole)] = _Position(hole, pointer, place.base if place else "")
        reason = reason or f"{canonical(odd)[:80]} is not what JSON Schema allows there"
        self._note(above + to_pointer(path[start:]), reason)

    def _take_out(self, schema: dict[str, Any], key: str) -> None:
        self._loosener.lost(schema, key, schema.pop(key, None))
        if key in LINKS and self._is_old:
            for other in [other for other in schema if other not in _BESIDE_AN_OLD_REF]:
                del schema[other]

    def _report(
        self, schema: dict[str, Any], key: str, reason: str, content: object = None
    ) -> None:
        """Note the keyword of a schema that says nothing any more."""
        self._loosener.lost(schema, key, content)
        self._note(self._places[id(schema)].pointer + to_pointer([key]), reason)

    def _lose(self, schema: dict[str, Any], key: str, reason: str) -> None:
        """Take a keyword out of a schema, and note it."""
        self._take_out(schema, key)
        self._report(schema, key, reason)

    def _note(self, pointer: str, reason: str) -> None:
        place = pointer if len(pointer) <= _LONGEST else f"{pointer[:_LONGEST]}…"
        self.notes.append(f"{place or 'the schema'} is not checked: {reason}")

    def _check_links(self) -> None:
        """Find the target of each link and repair it; take out the links that lead nowhere."""
        index = ReferenceIndex(self.schema)
        done: set[int] = set()
        while len(done) < len(self._places):
            for mark, place in list(self._places.items()):
                if mark not in done:
                    done.add(mark)
                    for key in sorted(LINKS & place.schema.keys()):
                        if not self._is_unknown(key):
                            self._check_link(index, place, key)

    def _check_link(self, index: ReferenceIndex, place: _Position, key: str) -> None:
        ref = str(place.schema[key])
        if is_metaschema(ref):
            return
        try:
            location = None if ref.startswith("//") else index.locate(ref, place.base)
            target = None if location is None else follow(local_ref(location), self.schema)
        except SchemaRefused as refusal:
            self._lose(place.schema, key, f"{ref[:120]!r}: {refusal.reason}")
            return
        if location is None:
            self._lose(place.schema, key, f"{ref[:120]!r} points out of the schema")
        elif not isinstance(target, dict | bool) or _holds_schemas(location):
            self._lose(place.schema, key, f"{ref[:120]!r} leads to something that is not a schema")
        else:
            self._targets[id(place.schema), key] = target
            is_covered = is_admitted(location) and not (self._is_old and "$defs" in location)
            if isinstance(target, dict) and not is_covered:
                self._repair_root(location, target, place.base)


def _holds_schemas(location: Location) -> bool:
    """Tell whether a location is that of a mapping of schemas by name."""
    return bool(location) and location[-1] in NAMED and not is_admitted(location)


def _parts(key: str, content: Any) -> list[tuple[Location, Any]]:
    """List what a keyword holds where schemas stand, with the steps from its schema."""
    if key in NAMED and isinstance(content, dict):
        return [((key, name), inner) for name, inner in content.items()]
    if (key in SEVERAL or key == "items") and isinstance(content, list):
        return [((key, str(number)), inner) for number, inner in enumerate(content)]
    return [((key,), content)] if key in ONE else []


def _at(entries: Any, entry: Any) -> object:
    if isinstance(entries, dict):
        return entries.get(entry, _NOTHING)
    return entries[entry] if isinstance(entries, list) and entry < len(entries) else _NOTHING


def _enter(content: object, key: str, waiting: list[str], path: list[str]) -> object:
    """Return the schema that the next steps lead to, after taking a step for a name or index."""
    if key in NAMED and isinstance(content, dict) and waiting:
        path.append(waiting.pop(0))
        return content.get(path[-1])
    if (key in SEVERAL or key == "items") and isinstance(content, list) and waiting:
        path.append(waiting.pop(0))
        return content[int(path[-1])] if int(path[-1]) < len(content) else None
    return content if key in ONE else None


class Loosener:
    """Record of the schemas that lost a keyword; loosens in place what depends on them.

    The other way round than a limit work ``not``, conditions, an upper bound on matches,
    ``oneOf``, and what counts the fields or entries that no other keyword names.
    """

    def __init__(self) -> None:
        self._lost: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}

    def lost(self, schema: dict[str, Any], key: str, content: Any = None) -> None:
        """Remember that a schema lost a keyword; an empty one stands for all that it said."""
        self._lost.setdefault(id(schema), (schema, {}))[1].setdefault(key, content)

    def mark(self) -> None:
        """Write into each schema, under ``UNCHECKED``, the keywords that it lost."""
        for schema, lost in self._lost.values():
            schema[UNCHECKED] = lost

    def loosen(
        self, schemas: Sequence[dict[str, Any]], targets: Mapping[tuple[int, str], Any]
    ) -> None:
        """Loosen these schemas in place; ``targets`` are those of their links."""
        if not self._lost:
            return
        schemas = _with_inner(schemas)
        uncertain = _closure(self._lost, _parents(schemas, targets, in_place=False))
        for schema in schemas:
            self._loosen_counts(schema, uncertain)
            self._loosen_reversed(schema, uncertain)
        evaluating = [mark for mark, (_, keys) in self._lost.items() if keys.keys() & _EVALUATING]
        clouded = _closure(evaluating, _parents(schemas, targets, in_place=True))
        for schema in schemas:
            if id(schema) in clouded:
                self._drop(schema, *_UNEVALUATED)

    def tighten(self, node: Any) -> Any:
        """Copy a schema; where a keyword was lost, refuse every value that it may have refused."""
        if isinstance(node, list):
            return [self.tighten(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        copy = {key: self.tighten(inner) for key, inner in node.items()}
        if id(node) in self._lost:
            kinds = {APPLIES_TO.get(key, "") for key in self._lost[id(node)][1]}
            refused = {} if "" in kinds else {"type": sorted(kinds)}
            copy["allOf"] = [*copy.get("allOf", ()), {"not": refused}]
        return copy

    def _drop(self, schema: dict[str, Any], *keys: str) -> None:
        for key in keys:
            if key in schema:
                self.lost(schema, key, schema.pop(key))

    def _loosen_counts(self, schema: dict[str, Any], uncertain: set[int]) -> None:
        """Drop what counts the fields or entries that a lost keyword may have named."""
        _, keys = self._lost.get(id(schema), (schema, {}))
        if keys.keys() & _NAMES_FIELDS:
            self._drop(schema, "additionalProperties")
        if "prefixItems" in keys:
            self._drop(schema, "items")
        if "minContains" in keys and "contains" in schema:
            schema["minContains"] = 0
        if id(schema.get("contains")) in uncertain:
            self._drop(schema, "maxContains")

    def _loosen_reversed(self, schema: dict[str, Any], uncertain: set[int]) -> None:
        if id(schema.get("not")) in uncertain:
            self._drop(schema, "not")
        if id(schema.get("if")) in uncertain:
            branches = [schema[key] for key in _CONDITION[1:] if key in schema]
            self._drop(schema, *_CONDITION)
            if len(branches) > 1:
                schema["allOf"] = [*schema.get("allOf", ()), {"anyOf": branches}]
        branches = schema.get("oneOf", [])
        sure = [branch for branch in branches if id(branch) not in uncertain]
        if len(sure) < len(branches):
            # each branch is held against the others
            self.lost(schema, "not", ["oneOf", schema.pop("oneOf")])
            parts: list[Any] = [{"anyOf": branches}]
            if len(sure) > 1:
                parts.append({"oneOf": [*sure, {"not": {"anyOf": sure}}]})
            schema["allOf"] = [*schema.get("allOf", ()), *parts]


def _with_inner(schemas: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """List schemas and those beneath them, each once."""
    by_mark: dict[int, dict[str, Any]] = {}
    waiting: list[object] = list(schemas)
    while waiting:
        schema = waiting.pop()
        if isinstance(schema, dict) and id(schema) not in by_mark:
            by_mark[id(schema)] = schema
            waiting.extend(subschemas(schema))
    return list(by_mark.values())


def _parents(
    schemas: Sequence[dict[str, Any]], targets: Mapping[tuple[int, str], Any], *, in_place: bool
) -> dict[int, list[int]]:
    """Map each schema to those that hold it or link to it, by identity."""
    above: dict[int, list[int]] = {}
    for schema in _with_inner(schemas):
        part = {k: v for k, v in schema.items() if k in IN_PLACE} if in_place else schema
        inner = [*subschemas(part), *(targets.get((id(schema), key)) for key in LINKS)]
        for child in inner:
            if isinstance(child, dict):
                above.setdefault(id(child), []).append(id(schema))
    return above


def _closure(marks: Iterable[int], above: Mapping[int, list[int]]) -> set[int]:
    """Return the marks and all marks above them."""
    reached: set[int] = set()
    waiting = list(marks)
    while waiting:
        mark = waiting.pop()
        if mark not in reached:
            reached.add(mark)
            waiting += above.get(mark, ())
    return reached
