"""Lets a typed value take every kind of JSON that its schema lets in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    """The kinds of JSON that a schema lets in, and those that its typed form takes."""

    allowed: frozenset[str] = _ALL
    taken: frozenset[str] = _ALL


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
        """The schema as it binds objects; a union that takes none of them is left out."""
        allowed, taken = self._reach(self.definitions[name], frozenset())
        out = dict(schema)
        if "object" in allowed:
            idle = _UNIONS if "object" not in taken else ()
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
        allowed, taken = self._reach(schema, frozenset())
        out = self._parts(schema)
        missing = [kind for kind in _KINDS if kind in allowed - taken]
        if not missing:
            return out
        said = out.pop("description", None)
        parts = [out] if out.keys() & _DECIDED else _apart(out)
        parts += [{"type": kind} for kind in missing]
        return {"anyOf": parts} if said is None else {"anyOf": parts, "description": said}

    def _reach(self, schema: Any, passed: frozenset[str]) -> _Reach:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in passed:
                return _Reach(frozenset(), frozenset())
            return self._reach(self.definitions[name], passed | {name})
        if "enum" in schema:
            kinds = frozenset(_JSON[type(value)] for value in schema["enum"])
            return _Reach(kinds, kinds)
        found = _own(schema)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                found = _both(found, _either(self._reach(part, passed) for part in schema[key]))
        for part in schema.get("allOf", ()):
            found = _both(found, self._reach(part, passed))
        return found


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
        kinds = _kinds(schema)
        return _Reach(kinds, kinds)
    taken = frozenset(kind for kind, keys in _INSIDE.items() if not schema.keys().isdisjoint(keys))
    return _Reach(_ALL, taken or _ALL)


def _both(one: _Reach, other: _Reach) -> _Reach:
    return _Reach(one.allowed & other.allowed, one.taken & other.taken)


def _either(members: Iterable[_Reach]) -> _Reach:
    found = tuple(members)
    allowed = frozenset[str]().union(*(member.allowed for member in found))
    return _Reach(allowed, frozenset[str]().union(*(member.taken for member in found)))


def _apart(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A schema that says no type, as one for each kind that it speaks of."""
    return [
        {"type": kind, **{key: schema[key] for key in keys if key in schema}}
        for kind, keys in _INSIDE.items()
        if not schema.keys().isdisjoint(keys)
    ]
