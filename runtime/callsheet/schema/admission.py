"""Make a clean copy of an untrusted schema, or refuse it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.schema.draft import declared_draft, meta_uri
from callsheet.schema.keywords import (
    ANNOTATIONS,
    LINKS,
    NAMED,
    NEWER,
    ONE,
    PLAIN,
    SEVERAL,
    UNCHECKED,
)
from callsheet.schema.limits import schemas_under
from callsheet.schema.references import (
    Draft,
    Location,
    ReferenceIndex,
    SchemaRefused,
    base_uri,
    follow,
    is_admitted,
    local_ref,
    root_base,
)
from callsheet.schema.repair import repair

if TYPE_CHECKING:
    from collections.abc import Mapping


_DEFINITIONS = ("$defs", "definitions")
_MOST_LINKS = 64
_MOST_UNION = 1_024
VARIANTS_CUT = f"unions inside unions make over {_MOST_UNION} variants"
_Admitted = tuple[dict[str, Any], tuple[str, ...]]


def admit(raw: object) -> dict[str, Any]:
    """Copy a schema cleanly; raise ``SchemaRefused`` where it may not be used at all.

    What is left is JSON Schema's own vocabulary, with every ``$ref`` a local pointer that has
    a target. It serves flags and types; a body is judged by the schema as advertised.
    """
    return admit_with_notes(raw)[0]


def admit_with_notes(raw: object, *, marked: bool = False) -> _Admitted:
    """Admit a schema, and return a line for each part with a meaning that was left out.

    With ``marked`` a schema holds under ``UNCHECKED`` what was left out of it.
    """
    if isinstance(raw, bool):
        return ({} if raw else {"not": {}}), ()
    repaired = repair(raw)
    if marked:
        repaired.mark()
    clean = _SchemaSanitizer(repaired.schema, repaired.draft).run()
    return clean, (*repaired.notes, *_cut_unions(clean))


def _cut_unions(root: dict[str, Any]) -> list[str]:
    """Drop the unions that inside one another make more variants than types can tell apart."""
    notes: list[str] = []
    waiting: list[tuple[dict[str, Any], int]] = [(root, 1)]
    while waiting:
        schema, width = waiting.pop()
        for key in schema.keys() & (SEVERAL | ONE | NAMED):
            schemas = schemas_under(key, schema[key])
            variants = sum(1 for part in schemas if part != {"type": "null"})
            wide = width * max(variants, 1) if key in {"anyOf", "oneOf"} else width
            if wide > _MOST_UNION and width > 1:
                del schema[key]
                notes.append(VARIANTS_CUT)
            else:
                waiting += [(part, wide) for part in schemas if isinstance(part, dict)]
    return notes[:1]


class AdmissionCache:
    """Admitted schemas, each admitted once; none may change meanwhile."""

    def __init__(self) -> None:
        self._admitted: dict[int, tuple[object, _Admitted | SchemaRefused]] = {}

    def __call__(self, raw: object) -> dict[str, Any]:
        """Admit a schema; see ``admit``."""
        return self.with_notes(raw)[0]

    def with_notes(self, raw: object) -> _Admitted:
        """Admit a schema and return the notes; see ``admit_with_notes``."""
        if id(raw) not in self._admitted:
            try:
                self._admitted[id(raw)] = raw, admit_with_notes(raw)
            except SchemaRefused as refusal:
                self._admitted[id(raw)] = raw, refusal
        _, outcome = self._admitted[id(raw)]
        if isinstance(outcome, SchemaRefused):
            raise outcome
        return outcome


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow the ``$ref`` of an admitted schema; annotations beside it stay.

    Other keywords beside the ``$ref`` join the target in ``allOf``. Raises ``SchemaRefused``
    where the links lead nowhere or in a ring.
    """
    for _ in range(_MOST_LINKS):
        if "$ref" not in schema:
            return schema
        beside = {key: content for key, content in schema.items() if key != "$ref"}
        linked = follow(str(schema["$ref"]), root)
        target = linked if isinstance(linked, dict) else {} if linked is True else {"not": {}}
        if set(beside) <= ANNOTATIONS | set(_DEFINITIONS):
            schema = {**target, **beside}
        else:
            return {"allOf": [target, beside]}
    raise SchemaRefused("a $ref leads back to itself", "")


class _SchemaSanitizer:
    """Walk over a repaired schema; targets that the allow-list would drop move to ``$defs``."""

    def __init__(self, raw: dict[str, Any], draft: Draft) -> None:
        self._raw = raw
        self._draft = draft
        self._old = draft.startswith("draft")
        self._links = ReferenceIndex(raw)
        self._moved: dict[Location, str] = {}
        self._waiting: list[tuple[Location, str]] = []

    def run(self) -> dict[str, Any]:
        base = root_base(self._raw)
        clean = self._object(self._raw, base)
        draft = declared_draft(self._raw)
        if draft is not None:
            clean = {"$schema": meta_uri(draft), **clean}
        while self._waiting:
            location, name = self._waiting.pop()
            target = follow(local_ref(location), self._raw)
            clean.setdefault("$defs", {})[name] = self._schema(target, base)
        return clean

    def _schema(self, schema: object, base: str) -> dict[str, Any] | bool:
        return self._object(schema, base) if isinstance(schema, dict) else schema is not False

    def _object(self, schema: dict[str, Any], above: str) -> dict[str, Any]:
        base = base_uri(schema, above)
        clean: dict[str, Any] = {}
        for key, content in schema.items():
            if self._old and key in NEWER and key != "$defs":
                continue  # unknown to the draft: it is not enforced and may hold anything
            clean |= self._keyword(key, content, base)
        if self._old and "$ref" in clean:
            # Before 2019-09 a $ref silences the keywords beside it.
            return {key: clean[key] for key in clean if key in _BESIDE_AN_OLD_REF}
        return clean

    def _keyword(self, key: str, content: Any, base: str) -> dict[str, Any]:
        if key in PLAIN or key == UNCHECKED:
            return {key: content}
        if key in NAMED and isinstance(content, dict):
            return {key: {name: self._named(inner, base) for name, inner in content.items()}}
        if key in SEVERAL | {"items"} and isinstance(content, list):
            return {key: [self._schema(inner, base) for inner in content]}
        if key in ONE:
            return {key: self._schema(content, base)}
        return self._link(content, base) if key in LINKS else {}

    def _named(self, schema: object, base: str) -> object:
        return schema if isinstance(schema, list) else self._schema(schema, base)

    def _link(self, ref: str, base: str) -> dict[str, str]:
        location = self._links.locate(ref, base)
        if location is None:  # a metaschema
            return {}
        target = location if is_admitted(location) else ("$defs", self._move(location))
        return {"$ref": local_ref(target)}

    def _move(self, location: Location) -> str:
        if location not in self._moved:
            used = {*self._moved.values(), *self._raw.get("$defs", {})}
            name, number = location[-1], 2
            while name in used:
                name, number = f"{location[-1]}_{number}", number + 1
            self._moved[location] = name
            self._waiting.append((location, name))
        return self._moved[location]


_BESIDE_AN_OLD_REF = frozenset(("$ref", "title", "description", "default", *_DEFINITIONS))
