"""Make a clean copy of an untrusted schema, or refuse it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.schema.keywords import ANNOTATIONS, NAMED, NEWER, ONE, PLAIN, SEVERAL
from callsheet.schema.limits import check_cost, check_size
from callsheet.schema.references import (
    Draft,
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
    from collections.abc import Callable, Mapping


_AROUND_NAMES = ("additionalProperties", "unevaluatedProperties")
_REVERSING = ("not", "if", "then", "else")


def loosen(
    schema: dict[str, Any], possible: Callable[[str], bool]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A copy without the patterns that ``possible`` denies, and those patterns.

    What a removal could make stricter goes too: ``not`` and conditions over such a pattern,
    an upper bound on matches, ``additionalProperties`` beside a pattern of names; ``oneOf``
    becomes ``anyOf``. A link counts as holding one, since its target may.
    """
    walk = _Walk(possible)
    return walk.object(schema), tuple(dict.fromkeys(walk.removed))


class _Walk:
    def __init__(self, possible: Callable[[str], bool]) -> None:
        self.removed: list[str] = []
        self._possible = possible

    def object(self, schema: dict[str, Any]) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str) and not self._keeps(value):
                continue
            copy[key] = self._value(key, value)
        if self._names_removed(schema):
            for key in _AROUND_NAMES:
                copy.pop(key, None)
        self._unreverse(schema, copy)
        return copy

    def _value(self, key: str, value: Any) -> Any:
        if key in NAMED and isinstance(value, dict):
            names = key != "patternProperties"
            return {
                name: self._schema(item)
                for name, item in value.items()
                if names or self._keeps(name)
            }
        if key in SEVERAL or key in ONE:
            return self._schema(value)
        if isinstance(value, dict) and key not in {"const", "default"}:
            return self.object(value)  # a $ref may point under a keyword that nobody knows
        return value

    def _schema(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._schema(item) for item in value]
        return self.object(value) if isinstance(value, dict) else value

    def _keeps(self, pattern: str) -> bool:
        if self._possible(pattern):
            return True
        self.removed.append(pattern)
        return False

    def _names_removed(self, schema: dict[str, Any]) -> bool:
        named = schema.get("patternProperties")
        return isinstance(named, dict) and not all(map(self._possible, named))

    def _unreverse(self, schema: dict[str, Any], copy: dict[str, Any]) -> None:
        if self._touches(schema.get("not")):
            copy.pop("not", None)
        if self._touches(schema.get("if")):
            for key in _REVERSING[1:]:
                copy.pop(key, None)
        if "maxContains" in copy and self._touches(schema.get("contains")):
            del copy["maxContains"]
        if self._touches(schema.get("oneOf")):
            branches = copy.pop("oneOf")
            copy["allOf"] = [*copy.get("allOf", ()), {"anyOf": branches}]

    def _touches(self, value: Any) -> bool:
        """Whether an impossible pattern stands in the value, or may behind a link in it."""
        if isinstance(value, list):
            return any(map(self._touches, value))
        if not isinstance(value, dict):
            return False
        if "$ref" in value or "$dynamicRef" in value:
            return True
        pattern = value.get("pattern")
        if isinstance(pattern, str) and not self._possible(pattern):
            return True
        return self._names_removed(value) or any(map(self._touches, value.values()))


_DRAFTS: tuple[Draft, ...] = ("draft-04", "draft-06", "draft-07", "2019-09", "2020-12")
_DEFINITIONS = ("$defs", "definitions")
_MOST_LINKS = 64
_Admitted = tuple[dict[str, Any], tuple[str, ...]]


def meta_uri(draft: Draft) -> str:
    """The address by which a schema declares a draft; it is never opened."""
    if draft.startswith("draft"):
        return f"http://json-schema.org/{draft}/schema#"
    return f"https://json-schema.org/draft/{draft}/schema"


def declared_draft(schema: object) -> Draft | None:
    """The draft that ``$schema`` names, or ``None`` where it names none of the known ones."""
    said = schema.get("$schema") if isinstance(schema, dict) else None
    if isinstance(said, str):
        return next((draft for draft in _DRAFTS if draft in said), None)
    return None


def draft_of(schema: object) -> Draft:
    """The draft to read a schema by.

    That of ``$schema`` where it is a known one; else 2020-12, unless only the metaschema of
    draft-07 accepts the schema (``items`` as a list, for instance), or the schema keeps its
    parts in ``definitions`` and says nothing that is newer than draft-07: what stands beside
    a ``$ref`` then binds nobody, and refusing by it could refuse what the server allows.
    """
    said = declared_draft(schema)
    if said is not None:
        return said
    older = is_valid_schema(schema, "draft-07")
    if older and not is_valid_schema(schema, "2020-12"):
        return "draft-07"
    in_definitions = isinstance(schema, dict) and "definitions" in schema
    return "draft-07" if older and in_definitions and not _is_newer(schema) else "2020-12"


def _is_newer(value: object) -> bool:
    if isinstance(value, dict):
        return not NEWER.isdisjoint(value) or any(map(_is_newer, value.values()))
    return isinstance(value, list) and any(map(_is_newer, value))


def is_valid_schema(schema: object, draft: Draft) -> bool:
    """Whether the metaschema of the draft accepts the schema."""
    from jsonschema_rs import meta

    if not isinstance(schema, dict):
        return isinstance(schema, bool)
    return meta.is_valid({**schema, "$schema": meta_uri(draft)})


def admit(raw: object) -> dict[str, Any]:
    """A clean copy of a schema; raises ``SchemaRefused`` where it may not be used at all.

    What is left is JSON Schema's own vocabulary, with every ``$ref`` a local pointer that has
    a target. It serves flags and types; a body is judged by the schema as advertised.
    """
    return admit_with_notes(raw)[0]


def admit_with_notes(raw: object) -> _Admitted:
    """:func:`admit`, and a line for each thing that was left out although it had a meaning."""
    if isinstance(raw, bool):
        return ({} if raw else {"not": {}}), ()
    if not isinstance(raw, dict):
        raise SchemaRefused("this is no JSON Schema, which is an object, true or false", "")
    check_size(raw)
    links: dict[str, Any] = with_uri_refs(raw)
    draft = draft_of(links)
    if not is_valid_schema(links, draft):
        raise SchemaRefused(f"this is no valid JSON Schema ({draft})", "")
    cleaner = _SchemaSanitizer(links, draft)
    clean = cleaner.run()
    check_cost(clean)
    return clean, tuple(cleaner.notes)


class AdmissionCache:
    """Admits each schema once, however often it is asked for; none may change meanwhile."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[object, _Admitted | SchemaRefused]] = {}

    def __call__(self, raw: object) -> dict[str, Any]:
        """:func:`admit`."""
        return self.noted(raw)[0]

    def noted(self, raw: object) -> _Admitted:
        """:func:`admit_noted`."""
        if id(raw) not in self._found:
            try:
                self._found[id(raw)] = raw, admit_with_notes(raw)
            except SchemaRefused as refused:
                self._found[id(raw)] = raw, refused
        _, found = self._found[id(raw)]
        if isinstance(found, SchemaRefused):
            raise found
        return found


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an admitted schema stands for: its ``$ref`` followed, annotations beside it kept.

    Other keywords beside the ``$ref`` join the target in ``allOf``. Raises ``SchemaRefused``
    where the links lead nowhere or in a ring.
    """
    for _ in range(_MOST_LINKS):
        if "$ref" not in schema:
            return schema
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        found = follow(str(schema["$ref"]), root)
        target: Mapping[str, Any] = found if isinstance(found, dict) else _boolean(found)
        if set(beside) <= ANNOTATIONS | set(_DEFINITIONS):
            schema = {**target, **beside}
        else:
            return {"allOf": [target, beside]}
    raise SchemaRefused("a $ref leads back to itself", "")


def _boolean(schema: object) -> dict[str, Any]:
    return {} if schema is True else {"not": {}}


class _SchemaSanitizer:
    """One walk over a raw schema; targets that the allow-list would drop move to ``$defs``."""

    def __init__(self, raw: dict[str, Any], draft: Draft) -> None:
        self.notes: list[str] = []
        self._raw = raw
        self._draft = draft
        self._old = draft.startswith("draft")
        self._links = ReferenceIndex(raw)
        self._moved: dict[Location, str] = {}
        self._waiting: list[tuple[Location, str]] = []

    def run(self) -> dict[str, Any]:
        base = root_base(self._raw)
        clean = self._object(self._raw, base)
        said = declared_draft(self._raw)
        if said is not None:
            clean = {"$schema": meta_uri(said), **clean}
        while self._waiting:
            place, name = self._waiting.pop()
            target = follow(local_ref(place), self._raw)
            if not is_valid_schema(target, self._draft):
                raise SchemaRefused("a $ref leads to something that is no schema", local_ref(place))
            clean.setdefault("$defs", {})[name] = self._schema(target, base)
        return clean

    def _schema(self, schema: object, base: str) -> dict[str, Any] | bool:
        return self._object(schema, base) if isinstance(schema, dict) else schema is not False

    def _object(self, schema: dict[str, Any], above: str) -> dict[str, Any]:
        base = base_uri(schema, above)
        clean: dict[str, Any] = {}
        for key, value in schema.items():
            if self._old and key in NEWER and key != "$defs":
                continue  # unknown to the draft: it binds nobody and may hold anything
            clean |= self._keyword(key, value, base)
        if self._old and "$ref" in clean:
            # Before 2019-09 a $ref silences the keywords beside it.
            return {key: clean[key] for key in clean if key in _BESIDE_AN_OLD_REF}
        return clean

    def _keyword(self, key: str, value: Any, base: str) -> dict[str, Any]:
        if key in PLAIN:
            return {key: value}
        if key in NAMED and isinstance(value, dict):
            return {key: {name: self._named(item, base) for name, item in value.items()}}
        if key in SEVERAL | {"items"} and isinstance(value, list):
            return {key: [self._schema(item, base) for item in value]}
        if key in ONE:
            return {key: self._schema(value, base)}
        return self._link(key, value, base) if key in _LINKS else {}

    def _named(self, item: object, base: str) -> object:
        return item if isinstance(item, list) else self._schema(item, base)

    def _link(self, key: str, ref: object, base: str) -> dict[str, str]:
        place = self._links.place(ref, base) if isinstance(ref, str) else None
        if place is not None:
            kept = place if is_admitted(place) else ("$defs", self._move(place))
            return {"$ref": local_ref(kept)}
        if not is_metaschema(str(ref)):
            self.notes.append(
                f"{key} {str(ref)[:120]!r} points out of the schema and is not followed"
            )
        return {}

    def _move(self, place: Location) -> str:
        if place not in self._moved:
            used = {*self._moved.values(), *self._raw.get("$defs", {})}
            name, number = place[-1], 2
            while name in used:
                name, number = f"{place[-1]}_{number}", number + 1
            self._moved[place] = name
            self._waiting.append((place, name))
        return self._moved[place]


_LINKS = frozenset(("$ref", "$dynamicRef", "$recursiveRef"))
_BESIDE_AN_OLD_REF = frozenset(("$ref", "title", "description", "default", *_DEFINITIONS))
