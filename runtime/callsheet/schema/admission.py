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
    """Copy a schema without the patterns that ``possible`` denies; return it and those patterns.

    What a removal could make stricter goes too: ``not`` and conditions over such a pattern,
    an upper bound on matches, ``additionalProperties`` beside a pattern of names; ``oneOf``
    becomes ``anyOf``. A link counts as holding one, since its target may.
    """
    remover = _PatternRemover(possible)
    return remover.object(schema), tuple(dict.fromkeys(remover.removed))


class _PatternRemover:
    def __init__(self, possible: Callable[[str], bool]) -> None:
        self.removed: list[str] = []
        self._possible = possible

    def object(self, schema: dict[str, Any]) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for key, content in schema.items():
            if key == "pattern" and isinstance(content, str) and not self._keep_pattern(content):
                continue
            copy[key] = self._value(key, content)
        if self._names_removed(schema):
            for key in _AROUND_NAMES:
                copy.pop(key, None)
        self._unreverse(schema, copy)
        return copy

    def _value(self, key: str, content: Any) -> Any:
        if key in NAMED and isinstance(content, dict):
            names = key != "patternProperties"
            return {
                name: self._schema(inner)
                for name, inner in content.items()
                if names or self._keep_pattern(name)
            }
        if key in SEVERAL or key in ONE:
            return self._schema(content)
        if isinstance(content, dict) and key not in {"const", "default"}:
            return self.object(content)  # a $ref may point under an unknown keyword
        return content

    def _schema(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._schema(inner) for inner in schema]
        return self.object(schema) if isinstance(schema, dict) else schema

    def _keep_pattern(self, pattern: str) -> bool:
        """Tell whether a pattern can stay; note it in ``removed`` where it cannot."""
        if self._possible(pattern):
            return True
        self.removed.append(pattern)
        return False

    def _names_removed(self, schema: dict[str, Any]) -> bool:
        named = schema.get("patternProperties")
        return isinstance(named, dict) and not all(map(self._possible, named))

    def _unreverse(self, schema: dict[str, Any], copy: dict[str, Any]) -> None:
        if self._may_hold_pattern(schema.get("not")):
            copy.pop("not", None)
        if self._may_hold_pattern(schema.get("if")):
            for key in _REVERSING[1:]:
                copy.pop(key, None)
        if "maxContains" in copy and self._may_hold_pattern(schema.get("contains")):
            del copy["maxContains"]
        if self._may_hold_pattern(schema.get("oneOf")):
            branches = copy.pop("oneOf")
            copy["allOf"] = [*copy.get("allOf", ()), {"anyOf": branches}]

    def _may_hold_pattern(self, schema: Any) -> bool:
        """Tell whether an impossible pattern is in the schema, or may be behind a link in it."""
        if isinstance(schema, list):
            return any(map(self._may_hold_pattern, schema))
        if not isinstance(schema, dict):
            return False
        if "$ref" in schema or "$dynamicRef" in schema:
            return True
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and not self._possible(pattern):
            return True
        return self._names_removed(schema) or any(map(self._may_hold_pattern, schema.values()))


_DRAFTS: tuple[Draft, ...] = ("draft-04", "draft-06", "draft-07", "2019-09", "2020-12")
_DEFINITIONS = ("$defs", "definitions")
_MOST_LINKS = 64
_Admitted = tuple[dict[str, Any], tuple[str, ...]]


def meta_uri(draft: Draft) -> str:
    """Return the URI by which a schema declares a draft; it is never opened."""
    if draft.startswith("draft"):
        return f"http://json-schema.org/{draft}/schema#"
    return f"https://json-schema.org/draft/{draft}/schema"


def declared_draft(schema: object) -> Draft | None:
    """Return the draft that ``$schema`` names, or ``None`` where it names no known one."""
    uri = schema.get("$schema") if isinstance(schema, dict) else None
    if isinstance(uri, str):
        return next((draft for draft in _DRAFTS if draft in uri), None)
    return None


def draft_of(schema: object) -> Draft:
    """Choose the draft to read a schema by.

    That of ``$schema`` where it is a known one; else 2020-12, unless only the metaschema of
    draft-07 accepts the schema (``items`` as a list, for instance), or the schema keeps its
    parts in ``definitions`` and uses nothing newer than draft-07: what stands beside
    a ``$ref`` then binds nobody, and refusing by it could refuse what the server allows.
    """
    draft = declared_draft(schema)
    if draft is not None:
        return draft
    older = is_valid_schema(schema, "draft-07")
    if older and not is_valid_schema(schema, "2020-12"):
        return "draft-07"
    in_definitions = isinstance(schema, dict) and "definitions" in schema
    return "draft-07" if older and in_definitions and not _is_newer(schema) else "2020-12"


def _is_newer(schema: object) -> bool:
    if isinstance(schema, dict):
        return not NEWER.isdisjoint(schema) or any(map(_is_newer, schema.values()))
    return isinstance(schema, list) and any(map(_is_newer, schema))


def is_valid_schema(schema: object, draft: Draft) -> bool:
    """Tell whether the metaschema of the draft accepts the schema."""
    from jsonschema_rs import meta

    if not isinstance(schema, dict):
        return isinstance(schema, bool)
    return meta.is_valid({**schema, "$schema": meta_uri(draft)})


def admit(raw: object) -> dict[str, Any]:
    """Copy a schema cleanly; raise ``SchemaRefused`` where it may not be used at all.

    What is left is JSON Schema's own vocabulary, with every ``$ref`` a local pointer that has
    a target. It serves flags and types; a body is judged by the schema as advertised.
    """
    return admit_with_notes(raw)[0]


def admit_with_notes(raw: object) -> _Admitted:
    """Admit a schema, and return a line for each part with a meaning that was left out."""
    if isinstance(raw, bool):
        return ({} if raw else {"not": {}}), ()
    if not isinstance(raw, dict):
        raise SchemaRefused("this is not a JSON Schema: neither an object nor true or false", "")
    check_size(raw)
    links: dict[str, Any] = with_uri_refs(raw)
    draft = draft_of(links)
    if not is_valid_schema(links, draft):
        raise SchemaRefused(f"this is not a valid JSON Schema ({draft})", "")
    cleaner = _SchemaSanitizer(links, draft)
    clean = cleaner.run()
    check_cost(clean)
    return clean, tuple(cleaner.notes)


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
        target = linked if isinstance(linked, dict) else _boolean(linked)
        if set(beside) <= ANNOTATIONS | set(_DEFINITIONS):
            schema = {**target, **beside}
        else:
            return {"allOf": [target, beside]}
    raise SchemaRefused("a $ref leads back to itself", "")


def _boolean(schema: object) -> dict[str, Any]:
    return {} if schema is True else {"not": {}}


class _SchemaSanitizer:
    """Walk over a raw schema; targets that the allow-list would drop move to ``$defs``."""

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
        draft = declared_draft(self._raw)
        if draft is not None:
            clean = {"$schema": meta_uri(draft), **clean}
        while self._waiting:
            location, name = self._waiting.pop()
            target = follow(local_ref(location), self._raw)
            if not is_valid_schema(target, self._draft):
                raise SchemaRefused(
                    "a $ref leads to something that is not a schema", local_ref(location)
                )
            clean.setdefault("$defs", {})[name] = self._schema(target, base)
        return clean

    def _schema(self, schema: object, base: str) -> dict[str, Any] | bool:
        return self._object(schema, base) if isinstance(schema, dict) else schema is not False

    def _object(self, schema: dict[str, Any], above: str) -> dict[str, Any]:
        base = base_uri(schema, above)
        clean: dict[str, Any] = {}
        for key, content in schema.items():
            if self._old and key in NEWER and key != "$defs":
                continue  # unknown to the draft: it binds nobody and may hold anything
            clean |= self._keyword(key, content, base)
        if self._old and "$ref" in clean:
            # Before 2019-09 a $ref silences the keywords beside it.
            return {key: clean[key] for key in clean if key in _BESIDE_AN_OLD_REF}
        return clean

    def _keyword(self, key: str, content: Any, base: str) -> dict[str, Any]:
        if key in PLAIN:
            return {key: content}
        if key in NAMED and isinstance(content, dict):
            return {key: {name: self._named(inner, base) for name, inner in content.items()}}
        if key in SEVERAL | {"items"} and isinstance(content, list):
            return {key: [self._schema(inner, base) for inner in content]}
        if key in ONE:
            return {key: self._schema(content, base)}
        return self._link(key, content, base) if key in _LINKS else {}

    def _named(self, schema: object, base: str) -> object:
        return schema if isinstance(schema, list) else self._schema(schema, base)

    def _link(self, key: str, ref: object, base: str) -> dict[str, str]:
        location = self._links.locate(ref, base) if isinstance(ref, str) else None
        if location is not None:
            target = location if is_admitted(location) else ("$defs", self._move(location))
            return {"$ref": local_ref(target)}
        if not is_metaschema(str(ref)):
            self.notes.append(
                f"{key} {str(ref)[:120]!r} points out of the schema and is not followed"
            )
        return {}

    def _move(self, location: Location) -> str:
        if location not in self._moved:
            used = {*self._moved.values(), *self._raw.get("$defs", {})}
            name, number = location[-1], 2
            while name in used:
                name, number = f"{location[-1]}_{number}", number + 1
            self._moved[location] = name
            self._waiting.append((location, name))
        return self._moved[location]


_LINKS = frozenset(("$ref", "$dynamicRef", "$recursiveRef"))
_BESIDE_AN_OLD_REF = frozenset(("$ref", "title", "description", "default", *_DEFINITIONS))
