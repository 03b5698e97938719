"""Loosen a schema around the keywords that it lost, so that it never refuses more without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.schema.keywords import BINDS, IN_PLACE, LINKS, UNCHECKED, subschemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


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


class Loosener:
    """Remembers which schemas lost a keyword, and loosens what depends on them.

    The other way round than a limit work ``not``, conditions, an upper bound on matches,
    ``oneOf``, and what counts the fields or entries that no other keyword names.
    """

    def __init__(self) -> None:
        self._lost: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}

    def lost(self, schema: dict[str, Any], key: str, content: Any = None) -> None:
        """Remember that a schema lost a keyword; an empty one stands for all that it said."""
        self._lost.setdefault(id(schema), (schema, {}))[1].setdefault(key, content)

    def mark(self) -> None:
        """Write into each schema what it lost, as a keyword that binds nobody."""
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
        """Copy a schema; where a keyword was lost, let nothing pass that it may have bound."""
        if isinstance(node, list):
            return [self.tighten(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        copy = {key: self.tighten(inner) for key, inner in node.items()}
        if id(node) in self._lost:
            kinds = {BINDS.get(key, "") for key in self._lost[id(node)][1]}
            bound = {} if "" in kinds else {"type": sorted(kinds)}
            copy["allOf"] = [*copy.get("allOf", ()), {"not": bound}]
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
    """Return the marks, and whatever stands above them."""
    reached: set[int] = set()
    waiting = list(marks)
    while waiting:
        mark = waiting.pop()
        if mark not in reached:
            reached.add(mark)
            waiting += above.get(mark, ())
    return reached
