"""View one admitted schema with a key for each of its parts."""

from __future__ import annotations

from typing import Any

from callsheet.jsonio import canonical
from callsheet.schema.admission import admit_noted, draft_of
from callsheet.schema.keywords import ANNOTATIONS, NAMED, ONE, SEVERAL
from callsheet.schema.references import SchemaRefused, follow

Conj = tuple[Any, ...]
"""Admitted schemas (objects or booleans) that apply to one value together."""

_SILENT = frozenset(
    (
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *("$comment", "$schema", "$defs", "definitions"),
    )
)
_BY_DRAFT = ('"prefixItems"', '"additionalItems"', '"dependencies"', '"items":[', 'Contains"')
_DYNAMIC = ('"$dynamicRef"', '"$recursiveRef"')
_DEEPEST_NOTE = 16
_FORGOTTEN = frozenset(("draft-04", "draft-06"))


class SchemaView:
    """An advertised schema, ready to be compared; raises ``SchemaRefused`` like admission.

    ``known`` is false where nothing may be concluded from its keywords: it follows a draft
    older than draft-07, refers dynamically, or says things that admission left out.
    """

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.root, notes = admit_noted(raw)
        self.draft = draft_of(raw)
        text = canonical(raw)
        self.known = not (
            notes or self.draft in _FORGOTTEN or any(word in text for word in _DYNAMIC)
        )
        self._keys: dict[int, str] = {}
        self._held: list[Any] = []

    def target(self, schema: dict[str, Any]) -> Any:
        """What the ``$ref`` of a schema leads to."""
        return follow(str(schema["$ref"]), self.root)

    def conj(self, *schemas: Any) -> Conj:
        """Schemas that apply together, without those that allow everything."""
        if any(one is False for one in schemas):
            return (False,)
        return tuple(one for one in schemas if one is not True and one != {})

    def mark(self, conj: Conj) -> tuple[int, ...]:
        """What tells apart what applies together, whichever reference leads there."""
        return tuple(id(self._behind(schema)) for schema in conj)

    def _behind(self, schema: Any) -> Any:
        for _ in range(_DEEPEST_NOTE):
            if not isinstance(schema, dict) or schema.keys() - _SILENT != {"$ref"}:
                break
            schema = self.target(schema)
        return schema

    def key(self, schema: Any) -> str:
        """One text for parts that mean the same in either schema, wherever they stand.

        Annotations do not count; what the references lead to does.
        """
        found = self._keys.get(id(schema))
        if found is None:
            found = self._keys[id(schema)] = self._text(schema)
            self._held.append(schema)  # its id is a key as long as it lives
        return found

    def keys(self, conj: Conj) -> tuple[str, ...]:
        """The keys of what applies together, in an order of their own."""
        return tuple(sorted({self.key(one) for one in conj}))

    def said(self, conj: Conj) -> str:
        """What stands in the schemas and behind their references, annotations and all."""
        return canonical([conj, {ref: at for one in conj for ref, at in self._beyond(one).items()}])

    def notes(self, conj: Conj) -> dict[str, Any]:
        """The annotations of a value: its own before those behind its references."""
        found: dict[str, Any] = {}
        for schema in reversed(conj):
            found |= _notes(self, schema, 0)
        return found

    def _text(self, schema: Any) -> str:
        beyond = {ref: binding(target) for ref, target in self._beyond(schema).items()}
        text = canonical([binding(schema), beyond])
        apart = not self.known or any(word in text for word in _BY_DRAFT)
        return f"{self.draft if apart else ''} {text}"

    def _beyond(self, schema: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        waiting = [schema]
        while waiting:
            for ref in _refs(waiting.pop()):
                if ref not in found:
                    found[ref] = _reached(ref, self.root)
                    waiting.append(found[ref])
        return found


def _reached(ref: str, root: Any) -> Any:
    try:
        return follow(ref, root)
    except SchemaRefused:
        return None


def _refs(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [ref for item in schema for ref in _refs(item)]
    if not isinstance(schema, dict):
        return []
    found = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
    for key, value in schema.items():
        if key in NAMED and key not in _SILENT and isinstance(value, dict):
            found.extend(ref for item in value.values() for ref in _refs(item))
        elif key in SEVERAL | ONE:
            found.extend(_refs(value))
    return found


def binding(schema: Any) -> Any:
    """A schema without what binds nobody."""
    if isinstance(schema, list):
        return [binding(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key in NAMED and key not in _SILENT and isinstance(value, dict):
            made[key] = {name: binding(item) for name, item in value.items()}
        elif key not in _SILENT:
            made[key] = binding(value) if key in SEVERAL | ONE else value
    if isinstance(made.get("required"), list):
        made["required"] = sorted(set(made["required"]))
    return made


def _notes(side: SchemaView, schema: Any, depth: int) -> dict[str, Any]:
    if not isinstance(schema, dict) or depth > _DEEPEST_NOTE:
        return {}
    found = _notes(side, side.target(schema), depth + 1) if "$ref" in schema else {}
    parts = schema.get("allOf", [])
    for part in parts if len(parts) == 1 else ():
        found |= _notes(side, part, depth + 1)
    return {**found, **{key: schema[key] for key in ANNOTATIONS & schema.keys()}}
