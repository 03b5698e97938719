"""Reduce a schema to the few keywords that give types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.schema.admission import resolve
from callsheet.schema.keywords import subschemas
from callsheet.schema.references import SchemaRefused, follow
from callsheet_codegen import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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
    """Widens the cleaned schemas of one action (by class name) to all kinds that they let in.

    ``properties`` applies to objects alone: without a ``type`` a text is valid too, also behind a
    ``$ref``. A class is what its schema says of objects, so the union with the other kinds stands
    wherever such a schema is a field's or an entry's.
    """

    definitions: Mapping[str, Any]

    def all(self, body: str = "") -> dict[str, Any]:
        """Return the definitions with widened fields and entries.

        ``body`` names the class of a body, which is always an object; "" for a reply.
        """
        widened = {name: self._parts(schema) for name, schema in self.definitions.items()}
        return widened | ({body: self._object(body, widened[body])} if body else {})

    def _object(self, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the schema says of objects, without a union that may refuse one."""
        allowed, missing = self._reach(self.definitions[name], frozenset())
        out = dict(schema)
        if "object" in allowed:
            idle = _UNIONS if "object" in missing else ()
            out = {key: value for key, value in out.items() if key not in idle}
            out |= {"type": "object"} if "type" in out else {}
        return drop_idle_keywords(out)

    def _parts(self, schema: Any) -> Any:
        """Return a schema with its fields and entries widened; its own kinds stay."""
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
        """Return the schema of a field or an entry, widened to every kind that it lets in."""
        missing = self._reach(schema, frozenset()).missing
        out = self._parts(schema)
        if not missing:
            return out
        description = out.pop("description", None)
        parts = [out] if out.keys() & _DECIDED else _split_kinds(out)
        parts += [{"type": kind} for kind in _KINDS if kind in missing]
        union = {"anyOf": parts}
        return union if description is None else {**union, "description": description}

    def _reach(self, schema: Any, passed: frozenset[str]) -> _Reach:
        """Return the kinds of a schema with its members; ``passed`` are definitions above it."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in passed:
                return _Reach(frozenset())
            return self._reach(self.definitions[name], passed | {name})
        if "enum" in schema:
            return _Reach(frozenset(_JSON[type(value)] for value in schema["enum"]))
        allowed, missing = _own_reach(schema)
        for key in _UNIONS:
            members = [self._reach(part, passed) for part in schema.get(key, ())]
            missing = missing.union(*(member.missing for member in members))
            if key == "allOf":
                allowed = allowed.intersection(*(member.allowed for member in members))
            elif members:
                allowed &= frozenset[str]().union(*(member.allowed for member in members))
        return _Reach(allowed, missing & allowed)


def drop_idle_keywords(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without the keywords about objects, or lists, that its type excludes."""
    kinds = _kinds(schema) if "type" in schema else _ALL
    idle = {key for kind, keys in _INSIDE.items() if kind not in kinds for key in keys}
    return {key: value for key, value in schema.items() if key not in idle}


def _kinds(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the kinds of a ``type``, with ``number`` for ``integer``."""
    kind = schema["type"]
    named = [kind] if isinstance(kind, str) else kind
    return frozenset("number" if name == "integer" else name for name in named)


def _own_reach(schema: Mapping[str, Any]) -> _Reach:
    """Return the kinds by the keywords of the schema itself, without its members."""
    if "type" in schema:
        return _Reach(_kinds(schema))
    named = {kind for kind, keys in _INSIDE.items() if not schema.keys().isdisjoint(keys)}
    return _Reach(_ALL, _ALL - named if named else frozenset())


def _split_kinds(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Split a schema without a type into one for each kind that its keywords concern."""
    return [
        {"type": kind, **{key: schema[key] for key in keys if key in schema}}
        for kind, keys in _INSIDE.items()
        if not schema.keys().isdisjoint(keys)
    ]


_STEPS = {"properties": 2, **dict.fromkeys(("items", "additionalProperties", "prefixItems"), 1)}
_STEPS |= dict.fromkeys((*_UNIONS, "$ref"), 1)
_DEEPEST = 36
"""The steps to a value: Pydantic needs some 35 calls an object, and Python allows 1,000."""


class DepthCutter:
    """Cuts what is nested deeper in the cleaned schemas of one action than tools can carry.

    Definitions are walked as Pydantic walks its classes: each where the first field refers to
    it. One that only places beyond refer to is dropped.
    """

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._kept: dict[str, Any] = {}

    def all(self, root: str) -> dict[str, Any]:
        """Return the definitions that ``root`` needs; what is too deep keeps its type at most."""
        self._try_keep(root, 0)
        return {name: self._kept[name] for name in self._definitions if name in self._kept}

    def _try_keep(self, name: str, depth: int) -> bool:
        """Cut and store a definition where the walk meets it first; return false if too deep."""
        if name not in self._kept:
            depth -= "properties" in self._definitions[name]
            if depth > _DEEPEST:
                return False
            self._kept[name] = {}
            self._kept[name] = self._cut(self._definitions[name], depth)
        return True

    def _cut(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """Return a schema without the keywords whose content is too deep."""
        out = {
            key: self._under(key, content, depth + _STEPS[key]) if key in _STEPS else content
            for key, content in schema.items()
        }
        gone = {key for key, content in out.items() if content is None}
        gone |= {"required"} if "properties" in gone else set()
        return {key: content for key, content in out.items() if key not in gone}

    def _under(self, key: str, content: Any, depth: int) -> Any:
        """Return what a keyword holds, cut; ``None`` where the keyword goes."""
        if key == "$ref":
            return content if self._try_keep(content.rpartition("/")[2], depth) else None
        if depth > _DEEPEST:
            return None
        if key == "properties":
            return {name: self._cut(part, depth) for name, part in content.items()}
        if isinstance(content, dict):
            return self._cut(content, depth)
        parts = [self._cut(part, depth) for part in content]
        return parts if all(parts) or key == "prefixItems" else None


_TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_WIDEST_INT = 2**63


class NoModel(ValueError):
    """The schema cannot become a model; the message says why."""


@dataclass(slots=True)
class Vocabulary:
    """Stand-ins for the server's strings while the model generator handles a schema.

    ``fields`` maps wire names to field names, ``tokens`` tokens to texts.
    """

    fields: Mapping[str, str]
    tokens: dict[str, str] = field(default_factory=dict)
    _by_text: dict[tuple[str, str], str] = field(default_factory=dict)

    def token(self, kind: str, text: str) -> str:
        """Return the token of a text, and store it: one for each text of a kind."""
        key = (kind, text)
        if key not in self._by_text:
            self._by_text[key] = f"cs{kind}{len(self._by_text):05d}"
            self.tokens[self._by_text[key]] = text
        return self._by_text[key]


def wire_names(schema: Any) -> Iterator[str]:
    """Yield every property name of a schema at any depth, some more than once."""
    if isinstance(schema, dict):
        yield from _as_mapping(schema.get("properties"))
        for inner in subschemas(schema):
            yield from wire_names(inner)


@dataclass(slots=True)
class ModelSchemaPreparer:
    """Cleans one schema of an action, so that the model generator may read it.

    Field names are ours, tokens stand for strings, and nothing is left that only constrains or
    sets defaults: bodies are validated against the advertised schema, models give types.
    ``open_enums`` admits a value in a reply that the schema does not list.
    """

    root: str
    words: Vocabulary
    open_enums: bool
    schema: Mapping[str, Any]
    classes: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    def definitions(self) -> dict[str, Any]:
        """Return ``{class name: schema}`` for the schema and all that it refers to.

        Each is cleaned, widened, and cut to the depth that the tools carry.

        Raises ``NoModel`` for a reference that cannot be followed.
        """
        self.classes["#"] = self.root
        try:
            top = resolve(self.schema, self.schema)
        except SchemaRefused as refused:
            raise NoModel(refused.reason) from refused
        done = {self.root: self.clean(top)}
        while self.waiting:
            pointer = self.waiting.pop()
            done[self.classes[pointer]] = self.clean(follow(pointer, self.schema))
        carried = DepthCutter(done).all(self.root)
        return Widener(carried).all(body="" if self.open_enums else self.root)

    def clean(self, schema: Any) -> Any:
        """Return one schema cleaned, ``{}`` for a boolean or an unusable one.

        A new ``$ref`` is added to ``waiting``. Raises ``NoModel`` where it cannot be followed.
        """
        if not isinstance(schema, dict):
            return {}
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        if "enum" in schema or "const" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            return self._described(schema, self._choices(values, schema.get("type")))
        out: dict[str, Any] = {}
        kind = _known_type(schema.get("type"))
        if kind:
            out["type"] = kind
        for key in _LISTS:
            parts = self._parts(key, schema.get(key))
            if parts:
                out[key] = parts
        if isinstance(schema.get("items"), (dict, bool)):
            out["items"] = self.clean(schema["items"])
        out.update(self._object(schema))
        return self._described(schema, drop_idle_keywords(out))

    def _parts(self, key: str, parts: Any) -> list[Any]:
        """Return the cleaned members of a list; empty for a union where one member allows all."""
        cleaned = [self.clean(part) for part in parts] if isinstance(parts, list) else []
        if key == "allOf":
            return [part for part in cleaned if part]
        return cleaned if all(cleaned) or key == "prefixItems" else []

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cleaned keywords about objects: properties, or else additional ones."""
        properties = _as_mapping(schema.get("properties"))
        out: dict[str, Any] = {}
        if properties:
            rename = self.words.fields
            out["properties"] = {rename[n]: self.clean(part) for n, part in properties.items()}
            required = schema.get("required")
            listed = required if isinstance(required, list) else []
            out["required"] = [rename[n] for n in properties if n in listed]
        elif isinstance(schema.get("additionalProperties"), dict):
            patterns = _as_mapping(schema.get("patternProperties")).values()
            parts = [self.clean(part) for part in (schema["additionalProperties"], *patterns)]
            if all(parts):
                out["additionalProperties"] = parts[0] if len(parts) == 1 else {"anyOf": parts}
        return out

    def _reference(self, target: Any) -> dict[str, Any]:
        """Return a ``$ref`` to a class named after the last step of the pointer.

        Enters the class in ``classes`` and ``waiting``. Raises ``NoModel`` for a bad pointer.
        """
        if not isinstance(target, str) or not target.startswith("#"):
            raise NoModel(f"$ref {str(target)[:80]!r} does not stay within the schema")
        pointer = target.rstrip("/")
        if pointer not in self.classes:
            try:
                follow(pointer, self.schema)
            except SchemaRefused as refused:
                raise NoModel(refused.reason) from refused
            wish = self.root + names.pascal(pointer.rsplit("/", 1)[-1])
            reserved = set(self.classes.values())
            self.classes[pointer] = names.assign([(pointer, wish)], reserved, joint="")[pointer]
            self.waiting.append(pointer)
        return {"$ref": f"#/$defs/{self.classes[pointer]}"}

    def _choices(self, values: Any, kind: Any) -> dict[str, Any]:
        """Return a schema for an ``enum``; the known type alone where a value is not a literal."""
        usable = [v for v in values if _is_literal(v)] if isinstance(values, list) else []
        if not usable or len(usable) != len(values):
            return {"type": _known_type(kind)} if _known_type(kind) else {}
        members = [self.words.token("V", v) if isinstance(v, str) else v for v in usable]
        distinct = dict.fromkeys((type(member), member) for member in members)
        closed = {"enum": [member for _, member in distinct]}
        if not self.open_enums:
            return closed
        wider = sorted({_JSON_KIND[type(value)] for value in usable})
        return {"anyOf": [closed, *({"type": kind} for kind in wider)]}

    def _described(self, schema: Mapping[str, Any], out: dict[str, Any]) -> dict[str, Any]:
        """Return ``out`` with a token for the schema's description added, in place."""
        text = schema.get("description")
        if isinstance(text, str) and text.strip():
            out["description"] = self.words.token("D", text)
        return out


_JSON_KIND = {str: "string", int: "integer", bool: "boolean", type(None): "null"}


def _is_literal(value: Any) -> bool:
    """Tell whether a value may stand in ``Literal``: null, a text, or an integer of 64 bits."""
    if isinstance(value, int):
        return abs(value) < _WIDEST_INT
    return value is None or isinstance(value, str)


def _known_type(value: Any) -> Any:
    """Return the JSON type, or the list of types, of a ``type``; ``None`` where none is known."""
    if isinstance(value, list):
        kinds = [kind for kind in value if isinstance(kind, str) and kind in _TYPES]
        return list(dict.fromkeys(kinds)) or None
    return value if isinstance(value, str) and value in _TYPES else None


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
