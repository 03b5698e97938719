"""View one admitted schema with a key for each of its parts."""

from __future__ import annotations

from typing import Any

from callsheet.jsonio import canonical
from callsheet.schema.admission import VARIANTS_CUT, admit_with_notes
from callsheet.schema.draft import draft_of
from callsheet.schema.keywords import ANNOTATIONS, NAMED, ONE, SEVERAL, subschemas
from callsheet.schema.references import SchemaRefused, follow
from callsheet.text import word_set

Conjunction = tuple[Any, ...]
"""Admitted schemas (objects or booleans) that apply to the same value together."""

_UNENFORCED = word_set("""
    title description default examples deprecated readOnly writeOnly $comment $schema $defs
    definitions
""")
_DRAFT_DEPENDENT = (
    *('"prefixItems"', '"additionalItems"', '"dependencies"', '"items":[', 'Contains"'),
)
_DYNAMIC = ('"$dynamicRef"', '"$recursiveRef"')
_MAX_REFS = 16
_OLD_DRAFTS = frozenset(("draft-04", "draft-06"))


def conjoin(*schemas: Any) -> Conjunction:
    """Return schemas that apply together, without those that allow everything."""
    if any(schema is False for schema in schemas):
        return (False,)
    return tuple(schema for schema in schemas if schema is not True and schema != {})


class SchemaView:
    """An advertised schema, ready to be compared; raises ``SchemaRefused`` like admission.

    ``decidable`` is false where its keywords prove nothing: it follows a draft older than
    draft-07, refers dynamically, or has unions that admission cut. ``root`` is the
    admitted ``schema`` as a conjunction.
    """

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.schema, notes = admit_with_notes(raw, marked=True)
        self.root = conjoin(self.schema)
        self.draft = draft_of(raw)
        text = canonical(raw)
        self.decidable = not (
            VARIANTS_CUT in notes
            or self.draft in _OLD_DRAFTS
            or any(keyword in text for keyword in _DYNAMIC)
        )
        self._keys: dict[int, str] = {}
        self._referenced: list[Any] = []

    def resolve(self, schema: dict[str, Any]) -> Any:
        """Return the target of the schema's ``$ref``."""
        return follow(str(schema["$ref"]), self.schema)

    def identity(self, conjunction: Conjunction) -> tuple[int, ...]:
        """Return what identifies a conjunction, whichever references lead to its schemas."""
        return tuple(id(self._dereference(schema)) for schema in conjunction)

    def _dereference(self, schema: Any) -> Any:
        for _ in range(_MAX_REFS):
            if not isinstance(schema, dict) or schema.keys() - _UNENFORCED != {"$ref"}:
                break
            schema = self.resolve(schema)
        return schema

    def key(self, schema: Any) -> str:
        """Return a text that is equal for parts with the same meaning in either schema.

        Annotations do not count; the targets of references do.
        """
        key = self._keys.get(id(schema))
        if key is None:
            key = self._keys[id(schema)] = self._binding_text(schema)
            self._referenced.append(schema)  # an id is unique only while its object lives
        return key

    def keys(self, conjunction: Conjunction) -> tuple[str, ...]:
        """Return the sorted keys of a conjunction, each once."""
        return tuple(sorted({self.key(schema) for schema in conjunction}))

    def text(self, conjunction: Conjunction) -> str:
        """Return a conjunction and the targets of its references, annotations included."""
        targets: dict[str, Any] = {}
        for schema in conjunction:
            targets |= self._targets(schema)
        return canonical([conjunction, targets])

    def annotations(self, conjunction: Conjunction) -> dict[str, Any]:
        """Return the annotations of a value; its own win over those behind references."""
        merged: dict[str, Any] = {}
        for schema in reversed(conjunction):
            merged |= self._annotations(schema, 0)
        return merged

    def _annotations(self, schema: Any, depth: int) -> dict[str, Any]:
        if not isinstance(schema, dict) or depth > _MAX_REFS:
            return {}
        merged = self._annotations(self.resolve(schema), depth + 1) if "$ref" in schema else {}
        parts = schema.get("allOf", [])
        if len(parts) == 1:
            merged |= self._annotations(parts[0], depth + 1)
        return {**merged, **{key: schema[key] for key in ANNOTATIONS & schema.keys()}}

    def _binding_text(self, schema: Any) -> str:
        targets = {ref: _enforced(target) for ref, target in self._targets(schema).items()}
        text = canonical([_enforced(schema), targets])
        by_draft = not self.decidable or any(keyword in text for keyword in _DRAFT_DEPENDENT)
        return f"{self.draft if by_draft else ''} {text}"

    def _targets(self, schema: Any) -> dict[str, Any]:
        """Map every reference below a schema, and below those targets, to its target."""
        targets: dict[str, Any] = {}
        pending = [schema]
        while pending:
            for ref in _refs(pending.pop()):
                if ref not in targets:
                    targets[ref] = self._target(ref)
                    pending.append(targets[ref])
        return targets

    def _target(self, ref: str) -> Any:
        try:
            return follow(ref, self.schema)
        except SchemaRefused:
            return None


def _refs(schema: Any) -> list[str]:
    """List the references in a schema, but not those in its definitions."""
    if isinstance(schema, list):
        return [ref for part in schema for ref in _refs(part)]
    if not isinstance(schema, dict):
        return []
    refs = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
    enforced = {key: schema[key] for key in schema if key not in _UNENFORCED}
    return refs + [ref for part in subschemas(enforced) for ref in _refs(part)]


def _enforced(schema: Any) -> Any:
    """Copy a schema without the keywords that enforce nothing; sort ``required``."""
    if isinstance(schema, list):
        return [_enforced(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copy: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _UNENFORCED:
            continue
        if key in NAMED and isinstance(value, dict):
            copy[key] = {name: _enforced(part) for name, part in value.items()}
        else:
            copy[key] = _enforced(value) if key in SEVERAL | ONE else value
    if isinstance(copy.get("required"), list):
        copy["required"] = sorted(set(copy["required"]))
    return copy
