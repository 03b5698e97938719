"""Lets a typed value take every kind of JSON that its schema lets in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS = ("object", "array", "string", "number", "boolean", "null")
_ALL = frozenset(_KINDS)
_INSIDE = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems"),
}
_UNIONS = ("anyOf", "oneOf", "allOf")
_DECIDED = frozenset(("type", "$ref", "enum", *_UNIONS))
_JSON = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


class _Reach(NamedTuple):
    """The kinds of JSON that a schema lets in; ``missing`` are those its typed form may refuse."""

    allowed: frozenset[str]
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Widener:
    """Works on the cleaned schemas of one action, by class name.

    ``properties`` binds objects alone: without a ``type`` a text beside them is as good, also
    behind a ``$ref``. A class is what its schema says of objects, so the union stands wherever
    such a schema is a field's or an entry's.
    """

    definitions: Mapping[str, Any]

    def all(self, body: str = "") -> dict[str, Any]:
        """Every definition, with its fields and entries widened; ``body`` is always an object."""
        found = {name: self._parts(schema) for name, schema in self.definitions.items()}
        return found | ({body: self._object(body, found[body])} if body else {})

    def _object(self, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The schema as it binds objects; a union that may refuse one is left out."""
        allowed, missing = self._reach(self.definitions[name], frozenset())
        out = dict(schema)
        if "object" in allowed:
            idle = _UNIONS if "object" in missing else ()
            out = {key: value for key, value in out.items() if key not in idle}
            out |= {"type": "object"} if "type" in out else {}
        return bound(out)

    def _parts(self, schema: Any) -> Any:
        """A schema with whatever it holds widened; what it takes itself is left."""
        out = dict(schema)
        for key in _UNIONS:
            if key in out:
                out[key] = [self._parts(part) for part in out[key]]
        if "prefixItems" in out:
            out["prefixItems"] = [self._value(part) for part in out["prefixItems"]]
        for key in ("items", "additionalProperties"):
            if key in out:
                out[key] = self._value(out[key])
        if "properties" in out:
            out["properties"] = {n: self._value(part) for n, part in out["properties"].items()}
        return out

    def _value(self, schema: Any) -> Any:
        """A field's or an entry's schema, which takes whatever it lets in."""
        missing = self._reach(schema, frozenset()).missing
        out = self._parts(schema)
        if not missing:
            return out
        said = out.pop("description", None)
        parts = [out] if out.keys() & _DECIDED else _apart(out)
        parts += [{"type": kind} for kind in _KINDS if kind in missing]
        return {"anyOf": parts} if said is None else {"anyOf": parts, "description": said}

    def _reach(self, schema: Any, passed: frozenset[str]) -> _Reach:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in passed:
                return _Reach(frozenset())
            return self._reach(self.definitions[name], passed | {name})
        if "enum" in schema:
            return _Reach(frozenset(_JSON[type(value)] for value in schema["enum"]))
        allowed, missing = _own(schema)
        for key in _UNIONS:
            members = [self._reach(part, passed) for part in schema.get(key, ())]
            missing = missing.union(*(member.missing for member in members))
            if key == "allOf":
                allowed = allowed.intersection(*(member.allowed for member in members))
            elif members:
                allowed &= frozenset[str]().union(*(member.allowed for member in members))
        return _Reach(allowed, missing & allowed)


def bound(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without the keywords about objects, or lists, that its type lets in none of."""
    kinds = _kinds(schema) if "type" in schema else _ALL
    idle = {key for kind, keys in _INSIDE.items() if kind not in kinds for key in keys}
    return {key: value for key, value in schema.items() if key not in idle}


def _kinds(schema: Mapping[str, Any]) -> frozenset[str]:
    kind = schema["type"]
    named = [kind] if isinstance(kind, str) else kind
    return frozenset("number" if one == "integer" else one for one in named)


def _own(schema: Mapping[str, Any]) -> _Reach:
    """By the keywords of the schema itself, without its members."""
    if "type" in schema:
        return _Reach(_kinds(schema))
    named = {kind for kind, keys in _INSIDE.items() if not schema.keys().isdisjoint(keys)}
    return _Reach(_ALL, _ALL - named if named else frozenset())


def _apart(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A schema that says no type, as one for each kind that it speaks of."""
    return [
        {"type": kind, **{key: schema[key] for key in keys if key in schema}}
        for kind, keys in _INSIDE.items()
        if not schema.keys().isdisjoint(keys)
    ]
