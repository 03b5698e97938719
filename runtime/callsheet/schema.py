"""The firewall for schemas: keyword allow-list, local ``$ref``, budgets; the one road in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from callsheet.budget import bounded, weigh
from callsheet.keywords import ANNOTATIONS, NAMED, ONE, PLAIN, SEVERAL
from callsheet.pointers import SchemaRefused, follow, pointer, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Draft", "SchemaRefused", "admit", "admit_noted", "draft_of", "resolve"]

Draft = Literal["draft-04", "draft-06", "draft-07", "2019-09", "2020-12"]
_DRAFTS: tuple[Draft, ...] = ("draft-04", "draft-06", "draft-07", "2019-09", "2020-12")
_DEFINITIONS = ("$defs", "definitions")
_MOST_LINKS = 64


def meta_uri(draft: Draft) -> str:
    """The address by which a schema declares a draft; it is never opened."""
    if draft.startswith("draft"):
        return f"http://json-schema.org/{draft}/schema#"
    return f"https://json-schema.org/draft/{draft}/schema"


def declared(schema: object) -> Draft | None:
    """The draft that ``$schema`` names, or ``None`` where it names none of the known ones."""
    said = schema.get("$schema") if isinstance(schema, dict) else None
    if isinstance(said, str):
        return next((draft for draft in _DRAFTS if draft in said), None)
    return None


def draft_of(schema: object) -> Draft:
    """The draft to read a schema by.

    That of ``$schema`` where it is a known one; else 2020-12, unless only the metaschema of
    draft-07 accepts the schema (``items`` as a list, for instance).
    """
    said = declared(schema)
    if said is not None or accepted(schema, "2020-12") or not accepted(schema, "draft-07"):
        return said or "2020-12"
    return "draft-07"


def accepted(schema: object, draft: Draft) -> bool:
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
    return admit_noted(raw)[0]


def admit_noted(raw: object) -> tuple[dict[str, Any], tuple[str, ...]]:
    """:func:`admit`, and a line for each thing that was left out although it had a meaning."""
    if isinstance(raw, bool):
        return ({} if raw else {"not": {}}), ()
    if not isinstance(raw, dict):
        raise SchemaRefused("this is no JSON Schema, which is an object, true or false", "")
    bounded(raw)
    draft = draft_of(raw)
    if not accepted(raw, draft):
        raise SchemaRefused(f"this is no valid JSON Schema ({draft})", "")
    cleaner = _Cleaner(raw, draft)
    clean = cleaner.run()
    weigh(clean)
    return clean, tuple(cleaner.notes)


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


def _kept(steps: tuple[str, ...]) -> bool:
    """Whether the place is one that the allow-list keeps, and holds a schema."""
    rest = list(steps)
    while rest:
        keyword = rest.pop(0)
        if keyword in NAMED and rest:
            rest.pop(0)
        elif keyword in SEVERAL or keyword == "items":
            if rest and rest[0].isdigit():
                rest.pop(0)
            elif keyword != "items":
                return False
        elif keyword not in ONE:
            return False
    return True


class _Cleaner:
    """One walk over a raw schema; targets that the allow-list would drop move to ``$defs``."""

    def __init__(self, raw: dict[str, Any], draft: Draft) -> None:
        self.raw = raw
        self.draft = draft
        self.notes: list[str] = []
        self._anchors: dict[str, tuple[str, ...]] = {}
        self._moved: dict[tuple[str, ...], str] = {}
        self._waiting: list[tuple[str, ...]] = []
        self._find_anchors(raw, ())

    def run(self) -> dict[str, Any]:
        clean = self._schema(self.raw)
        if isinstance(clean, bool):  # unreachable for an object; keeps the type honest
            return _boolean(clean)
        said = declared(self.raw)
        if said is not None:
            clean = {"$schema": meta_uri(said), **clean}
        while self._waiting:
            place = self._waiting.pop()
            target = self._schema(follow(pointer(place), self.raw))
            clean.setdefault("$defs", {})[self._moved[place]] = target
        return clean

    def _find_anchors(self, value: object, where: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for key in ("$anchor", "$dynamicAnchor"):
                if isinstance(value.get(key), str):
                    self._anchors.setdefault(value[key], where)
            identity = value.get("$id")
            if isinstance(identity, str) and identity.startswith("#"):
                self._anchors.setdefault(identity[1:], where)
            for key, item in value.items():
                self._find_anchors(item, (*where, key))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._find_anchors(item, (*where, str(index)))

    def _schema(self, schema: object) -> dict[str, Any] | bool:
        if not isinstance(schema, dict):
            return schema is not False
        clean: dict[str, Any] = {}
        for key, value in schema.items():
            if key in PLAIN:
                clean[key] = value
            elif key in NAMED:
                clean[key] = {name: self._either(item) for name, item in value.items()}
            elif key in SEVERAL or (key == "items" and isinstance(value, list)):
                clean[key] = [self._schema(item) for item in value]
            elif key in ONE:
                clean[key] = self._schema(value)
            elif key in {"$ref", "$dynamicRef", "$recursiveRef"}:
                self._link(clean, key, value)
        if "$ref" in clean and self.draft.startswith("draft"):
            # Before 2019-09 a $ref silences the keywords beside it.
            return {key: clean[key] for key in clean if key in _BESIDE_AN_OLD_REF}
        return clean

    def _either(self, item: object) -> object:
        return item if isinstance(item, list) else self._schema(item)

    def _link(self, clean: dict[str, Any], key: str, ref: object) -> None:
        place = self._place(ref)
        if place is None:
            self.notes.append(f"{key} {str(ref)[:120]!r} leaves the schema and was left out")
        elif _kept(place):
            clean["$ref"] = pointer(place)
        else:
            clean["$ref"] = pointer(("$defs", self._move(place)))

    def _place(self, ref: object) -> tuple[str, ...] | None:
        """Where in the document a reference points; ``None`` where it leaves the document."""
        if not isinstance(ref, str):
            return None
        identity = self.raw.get("$id")
        if isinstance(identity, str) and identity:
            ref = ref.removeprefix(identity.partition("#")[0])
        if ref in {"", "#"}:
            return ()
        if ref.startswith("#/"):
            follow(ref, self.raw)
            return tuple(tokens(ref))
        return self._anchors.get(ref[1:]) if ref.startswith("#") else None

    def _move(self, place: tuple[str, ...]) -> str:
        if place not in self._moved:
            used = {*self._moved.values(), *self.raw.get("$defs", {})}
            name, number = place[-1], 2
            while name in used:
                name, number = f"{place[-1]}_{number}", number + 1
            self._moved[place] = name
            self._waiting.append(place)
        return self._moved[place]


_BESIDE_AN_OLD_REF = frozenset(("$ref", "title", "description", "default", *_DEFINITIONS))
